"""Members and maintenance as etcd calls; keys and leases are done by their own clients."""

import pytest

from checkers.history import Op, OpType
from harness.client import Call, Completion, Conversation, timed_out
from harness.mixed_client import MixedClient
from nodeimpl.api.rpc_pb2 import (
    DefragmentRequest,
    DefragmentResponse,
    LeaseGrantRequest,
    MemberListRequest,
    MemberListResponse,
    MemberUpdateRequest,
    MemberUpdateResponse,
    PutRequest,
    RangeRequest,
)


def asked(f: str, value: object = None) -> tuple[Conversation, Call]:
    op = Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, value=value)
    conversation = Conversation(MixedClient(1), op)
    call = conversation.start()
    assert isinstance(call, Call)
    return conversation, call


def members() -> MemberListResponse:
    response = MemberListResponse()
    response.members.add(ID=7, name="n2", peerURLs=["http://b"])
    response.members.add(ID=5, name="n1", peerURLs=["http://a"])
    return response


def test_members_are_listed() -> None:
    conversation, call = asked("member-list")
    assert call.request == MemberListRequest(linearizable=True)
    assert conversation.answered(members()) == Completion(OpType.OK, {"members": ["n1", "n2"]})


def test_a_member_is_told_its_own_addresses() -> None:
    conversation, _ = asked("member-update")
    call = conversation.answered(members())
    assert isinstance(call, Call)
    assert call.request == MemberUpdateRequest(ID=7, peerURLs=["http://b"])
    assert conversation.answered(MemberUpdateResponse()) == Completion(OpType.OK)
    conversation, _ = asked("member-update")
    assert conversation.answered(MemberListResponse()) == Completion(
        OpType.FAIL, error="there is no member"
    )


def test_a_store_is_defragmented() -> None:
    conversation, call = asked("defragment")
    assert call.request == DefragmentRequest()
    assert conversation.answered(DefragmentResponse()) == Completion(OpType.OK)


@pytest.mark.parametrize("f", ["defragment", "member-list", "member-update"])
def test_maintenance_changes_no_key_so_it_may_always_fail(f: str) -> None:
    conversation, _ = asked(f)
    assert conversation.failed(timed_out()) == Completion(OpType.FAIL, error="timed out")


@pytest.mark.parametrize(
    ("f", "value", "request_type"),
    [
        ("put", {"key": "k", "value": "v"}, PutRequest),
        ("put", {"key": "k", "value": "v", "lease": 3}, PutRequest),
        ("get", {"key": "k", "revision": 4}, RangeRequest),
        ("lease-grant", {"ttl": 1, "id": 3}, LeaseGrantRequest),
    ],
)
def test_keys_and_leases_are_done_as_ever(
    f: str, value: dict[str, object], request_type: type[object]
) -> None:
    _, call = asked(f, value)
    assert isinstance(call.request, request_type)
