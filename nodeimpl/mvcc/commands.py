"""A command: what a log entry holds for the store.

    kind:1 request_id:8 (big-endian) message (the request's protobuf)

The request id lets the node that took the request know its own entry again, to answer the client.
"""

import struct

from google.protobuf.message import DecodeError

from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from nodeimpl.ids import RequestId

_HEAD = struct.Struct(">BQ")

_MESSAGES = (RangeRequest, PutRequest, DeleteRangeRequest, TxnRequest, CompactionRequest)
_KINDS = {message: kind for kind, message in enumerate(_MESSAGES)}
"""Numbers are in logs on disk: append, never reorder."""


class CommandError(ValueError):
    """Bytes that are no command of this version."""


def encode_command(request_id: RequestId, request: ApiRequest) -> bytes:
    """Return the bytes of a command; `request_id` must fit 64 bits."""
    return _HEAD.pack(_KINDS[type(request)], request_id) + request.SerializeToString()


def request_id_of(command: bytes) -> RequestId | None:
    """Return the request id in what `encode_command` returned; None of bytes that are too short."""
    if len(command) < _HEAD.size:
        return None
    _, request_id = _HEAD.unpack_from(command)
    return RequestId(request_id)


def decode_command(command: bytes) -> tuple[RequestId, ApiRequest]:
    """Return what `encode_command` was given; raise `CommandError` on other bytes."""
    if len(command) < _HEAD.size:
        raise CommandError(f"a command of {len(command)} bytes: expected at least {_HEAD.size}")
    kind, request_id = _HEAD.unpack_from(command)
    if kind >= len(_MESSAGES):
        raise CommandError(f"a command of kind {kind}: expected less than {len(_MESSAGES)}")
    try:
        request = _MESSAGES[kind].FromString(command[_HEAD.size :])
    except DecodeError as error:
        raise CommandError(f"a command with a broken {_MESSAGES[kind].__name__}") from error
    return RequestId(request_id), request
