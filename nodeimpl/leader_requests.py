"""What only the leader answers, as bytes on the way to it and back (`raft.inquiries`).

kind:1 message (protobuf)
"""

from typing import Final

from google.protobuf.message import DecodeError

from nodeimpl.api.requests import LeaderRequest, LeaderResponse
from nodeimpl.api.rpc_pb2 import (
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
)

_REQUESTS: Final[tuple[type[LeaderRequest], ...]] = (LeaseKeepAliveRequest, LeaseTimeToLiveRequest)
_RESPONSES: Final[tuple[type[LeaderResponse], ...]] = (
    LeaseKeepAliveResponse,
    LeaseTimeToLiveResponse,
)
"""Members of different versions speak so: append, never reorder."""


def encode_question(request: LeaderRequest) -> bytes:
    """Return a request as bytes."""
    return bytes([_REQUESTS.index(type(request))]) + request.SerializeToString()


def decode_question(data: bytes) -> LeaderRequest | None:
    """Return what `encode_question` was given; None of other bytes."""
    if not data or data[0] >= len(_REQUESTS):
        return None
    try:
        return _REQUESTS[data[0]].FromString(data[1:])
    except DecodeError:
        return None


def encode_answer(response: LeaderResponse) -> bytes:
    """Return a response as bytes."""
    return bytes([_RESPONSES.index(type(response))]) + response.SerializeToString()


def decode_answer(data: bytes) -> LeaderResponse | None:
    """Return what `encode_answer` was given; None of other bytes."""
    if not data or data[0] >= len(_RESPONSES):
        return None
    try:
        return _RESPONSES[data[0]].FromString(data[1:])
    except DecodeError:
        return None
