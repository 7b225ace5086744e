"""What members ask one another beside Raft, and the answers, as msgpack."""

from typing import TypeAlias, TypeVar

import msgspec

from nodeimpl.api.errors import ApiError, GrpcCode
from nodeimpl.ids import NodeId
from nodeimpl.server.driver import ApiFailure

LIST_MEMBERS = "members"
"""-> ClusterView. The only call that who is no member yet may make."""
CHANGE_MEMBERS = "change-members"
"""MemberChange -> ClusterView. To the leader."""
HASH_KV = "hash-kv"
"""HashQuestion -> HashAnswer."""


class MemberView(msgspec.Struct, frozen=True, array_like=True):
    """A member as others see it."""

    member_id: NodeId
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


class ClusterView(msgspec.Struct, frozen=True, array_like=True):
    """A cluster as one member sees it; members in ascending order of their ids."""

    cluster_id: int
    members: tuple[MemberView, ...]


class AddMember(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Add a member of an id that the leader chooses."""

    peer_urls: tuple[str, ...]
    is_learner: bool


class RemoveMember(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Remove a member."""

    member_id: NodeId


class PromoteMember(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Let a learner vote."""

    member_id: NodeId


MemberChange: TypeAlias = AddMember | RemoveMember | PromoteMember


class HashQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Asks what a store holds at this revision."""

    revision: int


class HashAnswer(msgspec.Struct, frozen=True, array_like=True):
    """Says it; comparable with others of equal `compact_revision`."""

    hash: int
    compact_revision: int


_changes: msgspec.msgpack.Decoder[MemberChange] = msgspec.msgpack.Decoder(MemberChange)

BAD_CALL = ApiError(GrpcCode.UNIMPLEMENTED, "a call this member does not know", definite=True)

_Payload = TypeVar(
    "_Payload", ClusterView, AddMember, RemoveMember, PromoteMember, HashQuestion, HashAnswer
)


def encode_payload(payload: "ClusterView | MemberChange | HashQuestion | HashAnswer") -> bytes:
    """Return the bytes of a call's question or answer."""
    return msgspec.msgpack.encode(payload)


def decode_payload(data: bytes, kind: type[_Payload]) -> _Payload:
    """Return what `encode_payload` was given; raise `ApiFailure` for other bytes."""
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise ApiFailure(BAD_CALL) from error


def decode_change(data: bytes) -> MemberChange:
    """Return the change of members in these bytes; raise `ApiFailure` if there is none."""
    try:
        return _changes.decode(data)
    except msgspec.DecodeError as error:
        raise ApiFailure(BAD_CALL) from error
