from nodeimpl.ids import Instant, LogIndex, RequestId
from nodeimpl.waiting import IndexedReads, Patience

A, B, C = RequestId(1), RequestId(2), RequestId(3)


def test_patience_ends_in_the_order_in_which_requests_came() -> None:
    patience = Patience(10)
    for now, request_id in ((0, A), (1, B), (5, C)):
        patience.begin(Instant(now), request_id, lambda _: True)
    assert list(patience.over(Instant(9))) == []
    assert list(patience.over(Instant(11))) == [A, B]
    assert patience.deadline == 15


def test_answered_requests_wake_nobody() -> None:
    patience = Patience(10)
    patience.begin(Instant(0), A, lambda _: True)
    patience.begin(Instant(1), B, lambda _: False)
    assert patience.deadline == 11


def test_nobody_waits_at_first() -> None:
    assert Patience(10).deadline is None
    assert not IndexedReads()


def test_reads_are_released_by_what_is_applied_whatever_their_order() -> None:
    reads = IndexedReads()
    reads.add(LogIndex(5), (A,))
    reads.add(LogIndex(3), (B,))
    reads.add(LogIndex(5), (C,))
    assert list(reads.applied(LogIndex(2))) == []
    assert list(reads.applied(LogIndex(3))) == [(B,)]
    assert list(reads.applied(LogIndex(9))) == [(A,), (C,)]
    assert not reads
