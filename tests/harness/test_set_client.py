"""Sets as etcd calls: what is asked, and what an answer or a failure makes of it."""

import pytest

from checkers.history import CAS_MISMATCH, Op, OpType
from harness.client import Call, Completion, Conversation, connection_refused, timed_out
from harness.set_client import SetClient
from nodeimpl.api.rpc_pb2 import PutRequest, PutResponse, RangeResponse, TxnRequest, TxnResponse

CLIENT = SetClient(1, value_bytes=20)


def begun(f: str, key: str, value: object = None) -> tuple[Conversation, Call]:
    op = Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, key=key, value=value)
    conversation = Conversation(CLIENT, op)
    call = conversation.start()
    assert isinstance(call, Call)
    return conversation, call


def holding(value: bytes, mod_revision: int = 7) -> RangeResponse:
    response = RangeResponse()
    response.kvs.add(key=b"x", value=value, mod_revision=mod_revision)
    return response


def test_an_addition_to_a_list_is_guarded_by_what_was_read() -> None:
    conversation, _ = begun("add", "list1", 5)
    call = conversation.answered(holding(b"[1,2]  "))
    assert isinstance(call, Call)
    assert isinstance(call.request, TxnRequest)
    [compare], [step] = call.request.compare, call.request.success
    assert (compare.key, compare.mod_revision) == (b"list1", 7)
    assert step.request_put.value == b"[1,2,5]".ljust(20)
    assert conversation.answered(TxnResponse(succeeded=True)) == Completion(OpType.OK)


def test_a_list_that_changes_again_and_again_is_given_up() -> None:
    conversation, _ = begun("add", "list1", 5)
    following: Call | Completion | None = None
    for _ in range(3):
        conversation.answered(RangeResponse())
        following = conversation.answered(TxnResponse(succeeded=False))
    assert following == Completion(OpType.FAIL, error=CAS_MISMATCH)


def test_an_addition_that_only_read_has_failed_but_one_that_wrote_is_unknown() -> None:
    conversation, _ = begun("add", "list1", 5)
    assert conversation.failed(timed_out()) == Completion(OpType.FAIL, error="timed out")
    conversation, _ = begun("add", "list1", 5)
    conversation.answered(RangeResponse())
    assert conversation.failed(timed_out()) == Completion(OpType.INFO, error="timed out")
    conversation, _ = begun("add", "list1", 5)
    conversation.answered(RangeResponse())
    assert conversation.failed(connection_refused()) == Completion(
        OpType.FAIL, error="connection refused"
    )


def test_an_element_may_have_a_key_of_its_own() -> None:
    conversation, call = begun("add", "keys2", 5)
    assert call.request == PutRequest(key=b"keys2/000005", value=b"5".ljust(20))
    assert conversation.answered(PutResponse()) == Completion(OpType.OK)
    conversation, _ = begun("read", "keys2")
    response = RangeResponse()
    response.kvs.add(key=b"keys2/000005")
    response.kvs.add(key=b"keys2/x")
    assert conversation.answered(response) == Completion(OpType.OK, [5, "x"])


@pytest.mark.parametrize(
    ("held", "shown"), [(b"[1,2] ", [1, 2]), (b"{", ["{"]), (b"3", [3])], ids=str
)
def test_a_list_is_read_as_it_is_stored(held: bytes, shown: list[object]) -> None:
    conversation, _ = begun("read", "list1")
    assert conversation.answered(holding(held)) == Completion(OpType.OK, shown)


def test_only_additions_have_an_effect() -> None:
    ops = [
        Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, key="list1")
        for f in ("read", "add")
    ]
    assert [CLIENT.has_effect(op) for op in ops] == [False, True]
