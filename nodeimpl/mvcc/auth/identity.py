"""Who asked: what a command bears of it in the log.

    64:1 request_id:8 auth_revision:8 user_length:4 user command-without-its-request_id

A command without this was asked by nobody: by a node itself, or while nobody was asked who they
are (etcd, InternalRaftRequest.header).
"""

import struct
from typing import Final

import msgspec

KIND: Final = 64
"""The kind of a command that bears who asked; no message has it (see `mvcc.commands`)."""

_HEAD = struct.Struct(">BQQI")
_PLAIN_HEAD = struct.Struct(">BQ")


class Identity(msgspec.Struct, frozen=True, gc=False):
    """A user that has shown who they are, and as of which auth revision."""

    user: str
    auth_revision: int


def with_identity(command: bytes, identity: Identity | None) -> bytes:
    """Return an encoded command that bears who asked for it; itself if nobody did."""
    if identity is None:
        return command
    kind, request_id = _PLAIN_HEAD.unpack_from(command)
    user = identity.user.encode()
    head = _HEAD.pack(KIND, request_id, identity.auth_revision, len(user))
    return b"".join((head, user, bytes([kind]), command[_PLAIN_HEAD.size :]))


def split_identity(command: bytes) -> tuple[bytes, Identity | None]:
    """Return what `with_identity` was given; raise `ValueError` on other bytes of its kind."""
    if not command or command[0] != KIND:
        return command, None
    if len(command) < _HEAD.size:
        raise ValueError(f"a command of {len(command)} bytes that bears who asked")
    _, request_id, auth_revision, user_length = _HEAD.unpack_from(command)
    end = _HEAD.size + user_length
    if len(command) <= end:
        raise ValueError("a command that ends within the name of who asked")
    identity = Identity(command[_HEAD.size : end].decode(), auth_revision)
    return _PLAIN_HEAD.pack(command[end], request_id) + command[end + 1 :], identity
