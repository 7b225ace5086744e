"""A command: what a log entry holds for the store.

    kind:1 request_id:8 (big-endian) message (protobuf of etcd's own messages, msgpack of ours)

The request id lets the node that took the request know its own entry again, to answer the client.
"""

import struct
from typing import Final, TypeAlias

import msgspec
from google.protobuf.message import DecodeError

from nodeimpl.api.requests import CommandRequest
from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AuthDisableRequest,
    AuthEnableRequest,
    AuthRoleAddRequest,
    AuthRoleDeleteRequest,
    AuthRoleGetRequest,
    AuthRoleGrantPermissionRequest,
    AuthRoleListRequest,
    AuthRoleRevokePermissionRequest,
    AuthStatusRequest,
    AuthUserAddRequest,
    AuthUserChangePasswordRequest,
    AuthUserDeleteRequest,
    AuthUserGetRequest,
    AuthUserGrantRoleRequest,
    AuthUserListRequest,
    AuthUserRevokeRoleRequest,
    CompactionRequest,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseRevokeRequest,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.ids import LeaseId, NodeId, RequestId, Term
from nodeimpl.mvcc.auth.commands import Authenticate


class ExpireLease(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The time of a lease is over, by the clock of the leader of `term`, and for this grant of it.

    It holds in an entry of that very term only: a later leader may have kept the lease alive.
    """

    lease_id: LeaseId
    grant: int
    term: Term


class CheckpointLease(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """So much of a lease is left, by the clock of the leader of `term`; 0 means all of it.

    It holds in an entry of that very term only, and for this grant of it.
    """

    lease_id: LeaseId
    grant: int
    remaining_s: int
    term: Term


class DescribeMember(msgspec.Struct, frozen=True, array_like=True):
    """What others shall know of a member, now or to be; None leaves a part as it is."""

    member_id: NodeId
    name: str | None = None
    peer_urls: tuple[str, ...] | None = None
    client_urls: tuple[str, ...] | None = None
    will_vote: bool | None = None
    """Whether it is to be promoted as soon as it can be."""


LeaderCommand: TypeAlias = ExpireLease | CheckpointLease
"""What only a leader proposes, and only for its own term."""

OwnCommand: TypeAlias = LeaderCommand | DescribeMember | Authenticate
"""Commands that are no message of etcd's API."""

Command: TypeAlias = CommandRequest | OwnCommand

_HEAD = struct.Struct(">BQ")

_MESSAGES: Final[dict[int, type[CommandRequest]]] = {
    0: RangeRequest,
    1: PutRequest,
    2: DeleteRangeRequest,
    3: TxnRequest,
    4: CompactionRequest,
    5: LeaseGrantRequest,
    6: LeaseRevokeRequest,
    7: AlarmRequest,
    8: AuthEnableRequest,
    9: AuthDisableRequest,
    10: AuthStatusRequest,
    11: AuthUserAddRequest,
    12: AuthUserGetRequest,
    13: AuthUserListRequest,
    14: AuthUserDeleteRequest,
    15: AuthUserChangePasswordRequest,
    16: AuthUserGrantRoleRequest,
    17: AuthUserRevokeRoleRequest,
    18: AuthRoleAddRequest,
    19: AuthRoleGetRequest,
    20: AuthRoleListRequest,
    21: AuthRoleDeleteRequest,
    22: AuthRoleGrantPermissionRequest,
    23: AuthRoleRevokePermissionRequest,
}
_OWN: Final[dict[int, type[OwnCommand]]] = {
    128: ExpireLease,
    129: CheckpointLease,
    130: DescribeMember,
    131: Authenticate,
}
"""Numbers are in logs on disk: add, never change. etcd's messages come before 128, and 64 is none
(`mvcc.auth.identity`)."""

_KINDS: Final[dict[type[Command], int]] = {
    **{message: kind for kind, message in _MESSAGES.items()},
    **{command: kind for kind, command in _OWN.items()},
}


def holds_in(term: Term, command: LeaderCommand) -> bool:
    """Return whether a leader's command has effect in an entry of `term`: its own term only."""
    return command.term == term


class CommandError(ValueError):
    """Bytes that are no command of this version."""


def encode_command(request_id: RequestId, request: Command) -> bytes:
    """Return the bytes of a command; `request_id` must fit 64 bits."""
    head = _HEAD.pack(_KINDS[type(request)], request_id)
    if isinstance(request, msgspec.Struct):
        return head + msgspec.msgpack.encode(request)
    return head + request.SerializeToString()


def request_id_of(command: bytes) -> RequestId | None:
    """Return the request id in what `encode_command` returned; None of bytes that are too short."""
    if len(command) < _HEAD.size:
        return None
    _, request_id = _HEAD.unpack_from(command)
    return RequestId(request_id)


def decode_command(command: bytes) -> tuple[RequestId, Command]:
    """Return what `encode_command` was given; raise `CommandError` on other bytes."""
    if len(command) < _HEAD.size:
        raise CommandError(f"a command of {len(command)} bytes: expected at least {_HEAD.size}")
    kind, request_id = _HEAD.unpack_from(command)
    message = _MESSAGES.get(kind)
    if message is None:
        return RequestId(request_id), _decode_own(kind, command[_HEAD.size :])
    try:
        request = message.FromString(command[_HEAD.size :])
    except DecodeError as error:
        raise CommandError(f"a command with a broken {message.__name__}") from error
    return RequestId(request_id), request


def _decode_own(kind: int, data: bytes) -> OwnCommand:
    own = _OWN.get(kind)
    if own is None:
        raise CommandError(f"a command of kind {kind}, expected one that there is")
    try:
        return msgspec.msgpack.decode(data, type=own)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CommandError(f"a command with a broken {own.__name__}") from error
