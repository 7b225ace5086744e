"""Lining up for a lock: what is asked in which order, and how the waiting ends."""

from checkers.history import Op, OpType
from harness.client import Call, Completion, Conversation, Dialogue, refused, timed_out
from harness.tenure_client import (
    NOT_IN_TURN,
    POLL_NS,
    POLLS_MAX,
    SESSION_EXPIRED,
    Place,
    give_up,
    lease_of,
    line_up,
)
from nodeimpl.api.errors import LEASE_NOT_FOUND
from nodeimpl.api.rpc_pb2 import (
    Compare,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    RangeRequest,
    TxnRequest,
    TxnResponse,
)

PLACE = Place("lock", 0xAB)
TENURE = Completion(OpType.OK, {"revision": 9, "key": "lock/ab", "token": 7})


class Waiting:
    """A client that lines up, and nothing else."""

    def begin(self, op: Op) -> Dialogue:
        del op
        return line_up(PLACE, "me", 1)

    def has_effect(self, op: Op) -> bool:
        del op
        return True


def begun() -> tuple[Conversation, TxnRequest]:
    conversation = Conversation(
        Waiting(), Op(index=0, time=0, process=0, type=OpType.INVOKE, f="acquire")
    )
    call = conversation.start()
    assert isinstance(call, Call)
    assert isinstance(call.request, TxnRequest)
    return conversation, call.request


def line(own: int, first: int, revision: int = 9) -> TxnResponse:
    """Return what is seen of a line: when the own key was created, and when the oldest."""
    response = TxnResponse(succeeded=True)
    response.header.revision = revision
    for created in (own, first):
        found = response.responses.add().response_range
        if created:
            found.kvs.add(create_revision=created)
    return response


def follow(conversation: Conversation, response: TxnResponse) -> Call | Completion:
    """Answer a look, and keep-alives after it; return what follows."""
    following = conversation.answered(response)
    while isinstance(following, Call) and isinstance(following.request, LeaseKeepAliveRequest):
        following = conversation.answered(LeaseKeepAliveResponse(ID=0xAB, TTL=2))
    return following


def test_a_key_of_ones_own_is_created_unless_it_is_there_and_the_oldest_is_looked_up() -> None:
    _, joining = begun()
    [compare] = joining.compare
    assert (compare.key, compare.target, compare.create_revision) == (b"lock/ab", Compare.CREATE, 0)
    put, own, oldest = joining.success
    assert (put.request_put.key, put.request_put.lease) == (b"lock/ab", 0xAB)
    assert own.request_range.key == b"lock/ab"
    first = oldest.request_range
    assert (first.key, first.range_end, first.limit) == (b"lock/", b"lock0", 1)
    assert (first.sort_target, first.sort_order) == (RangeRequest.CREATE, RangeRequest.ASCEND)
    assert [op.request_range for op in joining.failure] == [own.request_range, first]


def test_whose_key_is_the_oldest_has_got_it() -> None:
    conversation, _ = begun()
    assert follow(conversation, line(7, 7)) == TENURE


def test_all_others_wait_and_look_again_after_a_while() -> None:
    conversation, _ = begun()
    looking = follow(conversation, line(7, 5))
    assert isinstance(looking, Call)
    assert looking.delay_ns == POLL_NS
    assert follow(conversation, line(7, 7)) == TENURE


def test_a_look_that_fails_changes_nothing() -> None:
    conversation, _ = begun()
    follow(conversation, line(7, 5))
    assert isinstance(conversation.failed(timed_out()), Call)
    assert follow(conversation, line(7, 7)) == TENURE


def test_who_is_no_longer_in_line_has_lost_the_session() -> None:
    conversation, _ = begun()
    follow(conversation, line(7, 5))
    assert follow(conversation, line(0, 8)) == Completion(OpType.FAIL, error=SESSION_EXPIRED)
    conversation, _ = begun()
    assert conversation.failed(refused(LEASE_NOT_FOUND)) == Completion(
        OpType.FAIL, error=SESSION_EXPIRED
    )


def test_who_gives_up_leaves_the_line_first() -> None:
    conversation, _ = begun()
    following: Call | Completion = follow(conversation, line(7, 5))
    for _ in range(POLLS_MAX):
        following = follow(conversation, line(7, 5))
    assert isinstance(following, Call)
    assert isinstance(following.request, TxnRequest)
    assert following.request.compare[0].create_revision == 7
    assert following.request.success[0].request_delete_range.key == b"lock/ab"
    assert conversation.answered(TxnResponse(succeeded=True)) == Completion(
        OpType.FAIL, error=NOT_IN_TURN
    )


def test_a_key_that_may_have_been_created_is_unknown() -> None:
    conversation, _ = begun()
    assert conversation.failed(timed_out()) == Completion(OpType.INFO, error="timed out")


def test_a_tenure_is_ended_only_if_it_is_still_that_one() -> None:
    ending = give_up("lock/ab", 7, 1)
    call = next(ending)
    assert isinstance(call.request, TxnRequest)
    assert call.request.compare[0].create_revision == 7
    assert call.request.success[0].request_delete_range.key == b"lock/ab"


def test_the_lease_of_a_place_is_in_its_key() -> None:
    assert lease_of(Place("a/b", 0xDEADBEEF).key) == 0xDEADBEEF
