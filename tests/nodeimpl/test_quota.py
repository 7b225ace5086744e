"""The quota: what is refused when a member is full, and how that ends."""

from nodeimpl.api.errors import CORRUPT as CORRUPT_CLUSTER
from nodeimpl.api.errors import NO_SPACE
from nodeimpl.api.rpc_pb2 import (
    CORRUPT,
    NONE,
    NOSPACE,
    AlarmMember,
    AlarmRequest,
    AlarmResponse,
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseGrantRequest,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    RequestOp,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.ids import SECOND
from nodeimpl.raft.messages import Proposal
from tests.nodeimpl.lease_situations import Driven, alone, errors, follower_with, sent

QUOTA = 2_000
BIG = PutRequest(key=b"k", value=b"v" * 700)


def alarms(driven: Driven) -> list[AlarmMember]:
    request = AlarmRequest(action=AlarmRequest.GET, alarm=NONE)
    return list(driven.answer(request, AlarmResponse).alarms)


def full() -> Driven:
    """Return a node whose quota is used up."""
    driven = alone(quota_backend_bytes=QUOTA)
    for _ in range(3):
        driven.answer(BIG, PutResponse)
    return driven


def test_a_member_that_is_full_raises_an_alarm_once() -> None:
    driven = full()
    assert alarms(driven) == [AlarmMember(memberID=1, alarm=NOSPACE)]
    assert errors(driven.ask(BIG)) == [NO_SPACE]
    assert alarms(driven) == [AlarmMember(memberID=1, alarm=NOSPACE)]


def test_what_would_make_the_store_grow_is_refused_and_the_rest_is_not() -> None:
    driven = full()
    putting = TxnRequest(failure=[RequestOp(request_put=BIG)])
    nested = TxnRequest(success=[RequestOp(request_txn=putting)])
    for request in (BIG, putting, nested, LeaseGrantRequest(TTL=9)):
        assert errors(driven.ask(request)) == [NO_SPACE]
    driven.answer(RangeRequest(key=b"k"), RangeResponse)
    driven.answer(TxnRequest(), TxnResponse)
    driven.answer(DeleteRangeRequest(key=b"k"), DeleteRangeResponse)


def test_room_is_made_by_compaction_and_the_alarm_is_lifted_by_hand() -> None:
    driven = full()
    driven.answer(DeleteRangeRequest(key=b"k"), DeleteRangeResponse)
    revision = driven.node.store.revision
    driven.answer(CompactionRequest(revision=revision), CompactionResponse)
    driven.sleep_until(driven.now + SECOND)
    assert errors(driven.ask(PutRequest(key=b"a"))) == [NO_SPACE]  # by the alarm
    lift = AlarmRequest(action=AlarmRequest.DEACTIVATE, memberID=1, alarm=NOSPACE)
    assert len(driven.answer(lift, AlarmResponse).alarms) == 1
    assert alarms(driven) == []
    driven.answer(PutRequest(key=b"a"), PutResponse)


def test_an_alarm_that_is_lifted_too_early_is_raised_again() -> None:
    driven = full()
    driven.sleep_until(driven.now + 3 * SECOND)
    lift = AlarmRequest(action=AlarmRequest.DEACTIVATE, memberID=1, alarm=NOSPACE)
    driven.answer(lift, AlarmResponse)
    assert alarms(driven) == [AlarmMember(memberID=1, alarm=NOSPACE)]


def test_an_alarm_of_another_member_counts_here() -> None:
    driven = alone()
    raised = AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=9, alarm=NOSPACE)
    driven.answer(raised, AlarmResponse)
    assert errors(driven.ask(BIG)) == [NO_SPACE]


def test_a_corrupt_cluster_carries_out_nothing_but_what_may_help() -> None:
    driven = alone()
    raised = AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=9, alarm=CORRUPT)
    driven.answer(raised, AlarmResponse)
    for request in (BIG, DeleteRangeRequest(key=b"k"), CompactionRequest(revision=1)):
        assert errors(driven.ask(request)) == [CORRUPT_CLUSTER]
    driven.answer(RangeRequest(key=b"k"), RangeResponse)
    raised.action = AlarmRequest.DEACTIVATE
    driven.answer(raised, AlarmResponse)
    driven.answer(BIG, PutResponse)


def test_a_follower_that_is_full_has_the_leader_raise_the_alarm() -> None:
    driven = follower_with(BIG, BIG, BIG, quota_backend_bytes=QUOTA)
    [proposal] = sent(driven.begun, Proposal)
    assert proposal.data.endswith(
        AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=1, alarm=NOSPACE).SerializeToString()
    )
