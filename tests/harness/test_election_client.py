"""Elections as etcd calls."""

from checkers.history import Op, OpType
from harness.client import Call, Completion, Conversation, timed_out
from harness.election_client import NO_LEADER, ElectionClient
from harness.tenure_client import SESSION_EXPIRED
from nodeimpl.api.rpc_pb2 import RangeResponse, TxnRequest, TxnResponse


def asked(f: str, **given: object) -> tuple[Conversation, Call]:
    value = {"election": "e", **given}
    op = Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, value=value)
    conversation = Conversation(ElectionClient(1), op)
    call = conversation.start()
    assert isinstance(call, Call)
    return conversation, call


def led(token: int, mod_revision: int, revision: int) -> RangeResponse:
    response = RangeResponse()
    response.header.revision = revision
    if token:
        response.kvs.add(
            key=b"e/1", create_revision=token, mod_revision=mod_revision, value=b"hello"
        )
    return response


def told(token: int, mod_revision: int, revision: int) -> dict[str, object]:
    return {
        "revision": revision,
        "key": "e/1",
        "token": token,
        "mod_revision": mod_revision,
        "value": "hello",
    }


def test_a_leader_proclaims_on_its_lease_and_in_its_tenure() -> None:
    conversation, call = asked("proclaim", key="e/ab", token=7, value="hello")
    assert isinstance(call.request, TxnRequest)
    assert call.request.compare[0].create_revision == 7
    put = call.request.success[0].request_put
    assert (put.key, put.value, put.lease) == (b"e/ab", b"hello", 0xAB)
    assert conversation.answered(TxnResponse(succeeded=False)) == Completion(
        OpType.FAIL, error=SESSION_EXPIRED
    )


def test_the_leader_is_whose_key_is_the_oldest() -> None:
    conversation, _ = asked("leader")
    assert conversation.answered(led(3, 5, 9)) == Completion(OpType.OK, told(3, 5, 9))
    conversation, _ = asked("leader")
    assert conversation.answered(led(0, 0, 9)) == Completion(OpType.FAIL, error=NO_LEADER)


def test_an_observer_tells_of_what_is_new() -> None:
    conversation, _ = asked("observe")
    for answer in (led(3, 3, 4), led(3, 3, 5), led(3, 6, 6), led(0, 0, 7)):
        assert isinstance(conversation.answered(answer), Call)
    assert conversation.answered(led(8, 8, 8)) == Completion(
        OpType.OK, {"leaders": [told(3, 3, 4), told(3, 6, 6), told(8, 8, 8)]}
    )


def test_an_observer_that_is_cut_off_tells_what_it_saw() -> None:
    conversation, _ = asked("observe")
    conversation.answered(led(3, 3, 4))
    assert conversation.failed(timed_out()) == Completion(OpType.OK, {"leaders": [told(3, 3, 4)]})
    conversation, _ = asked("observe")
    assert conversation.failed(timed_out()) == Completion(OpType.FAIL, error="timed out")
