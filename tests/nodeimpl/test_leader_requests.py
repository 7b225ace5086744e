"""Requests to the leader as bytes."""

import pytest

from nodeimpl.api.requests import LeaderRequest, LeaderResponse
from nodeimpl.api.rpc_pb2 import (
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
)
from nodeimpl.leader_requests import (
    decode_answer,
    decode_question,
    encode_answer,
    encode_question,
)


@pytest.mark.parametrize(
    "request_", [LeaseKeepAliveRequest(ID=5), LeaseTimeToLiveRequest(ID=6, keys=True)]
)
def test_a_question_comes_back(request_: LeaderRequest) -> None:
    assert decode_question(encode_question(request_)) == request_


@pytest.mark.parametrize(
    "response", [LeaseKeepAliveResponse(ID=5, TTL=9), LeaseTimeToLiveResponse(ID=6, keys=[b"k"])]
)
def test_an_answer_comes_back(response: LeaderResponse) -> None:
    assert decode_answer(encode_answer(response)) == response


@pytest.mark.parametrize("data", [b"", b"\x02", b"\xff\x08\x05", b"\x00\x08", b"\x01\x0a\x05"])
def test_other_bytes_are_none(data: bytes) -> None:
    assert decode_question(data) is None
    assert decode_answer(data) is None
