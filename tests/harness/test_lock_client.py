"""What is guarded by a lock, as etcd calls."""

from checkers.history import CAS_MISMATCH, Op, OpType
from harness.client import Call, Completion, Conversation, timed_out
from harness.lock_client import LockClient
from nodeimpl.api.rpc_pb2 import LeaseGrantRequest, RangeResponse, TxnRequest, TxnResponse

ADDITION = {"lock": "a", "key": "a/1", "token": 7, "set": "s", "value": 5}


def asked(f: str, value: object) -> tuple[Conversation, Call]:
    op = Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, value=value)
    conversation = Conversation(LockClient(1), op)
    call = conversation.start()
    assert isinstance(call, Call)
    return conversation, call


def writing(f: str) -> tuple[Conversation, TxnRequest]:
    conversation, _ = asked(f, ADDITION)
    seen = RangeResponse()
    seen.kvs.add(key=b"s", value=b"[1]", mod_revision=3)
    call = conversation.answered(seen)
    assert isinstance(call, Call)
    assert isinstance(call.request, TxnRequest)
    return conversation, call.request


def test_a_guarded_addition_takes_effect_only_in_its_tenure() -> None:
    conversation, request = writing("guarded")
    [compare] = request.compare
    assert (compare.key, compare.create_revision) == (b"a/1", 7)
    assert request.success[0].request_put.value == b"[1,5]"
    assert conversation.answered(TxnResponse(succeeded=False)) == Completion(
        OpType.FAIL, error=CAS_MISMATCH
    )


def test_an_unguarded_addition_always_takes_effect() -> None:
    conversation, request = writing("unguarded")
    assert not request.compare
    response = TxnResponse(succeeded=True)
    response.header.revision = 9
    assert conversation.answered(response) == Completion(OpType.OK, {"revision": 9})


def test_an_addition_that_only_read_has_failed() -> None:
    conversation, _ = asked("unguarded", ADDITION)
    assert conversation.failed(timed_out()) == Completion(OpType.FAIL, error="timed out")
    conversation, _ = writing("unguarded")
    assert conversation.failed(timed_out()) == Completion(OpType.INFO, error="timed out")


def test_leases_are_asked_for_as_ever() -> None:
    _, call = asked("lease-grant", {"ttl": 2})
    assert call.request == LeaseGrantRequest(TTL=2)
