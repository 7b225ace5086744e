"""What a leader knows of a follower, by example."""

import pytest

from nodeimpl.ids import Instant, LogIndex, Term
from nodeimpl.raft.messages import Snapshot
from nodeimpl.raft.progress import Progress, ProgressState, Transfer


def replicating(match_index: int) -> Progress:
    """Return the progress of a follower that has stored all up to `match_index`."""
    return Progress(
        next_index=LogIndex(match_index + 1),
        match_index=LogIndex(match_index),
        state=ProgressState.REPLICATE,
        probe_round=1,
    )


def test_a_probe_that_is_accepted_opens_the_window() -> None:
    progress = Progress(next_index=LogIndex(4), probe_round=1)

    rose = progress.accepted(LogIndex(6), 1)

    assert rose
    assert progress.state is ProgressState.REPLICATE
    assert (progress.match_index, progress.next_index) == (6, 7)


def test_an_empty_probe_that_is_accepted_opens_the_window_of_an_empty_log() -> None:
    progress = Progress(next_index=LogIndex(1), probe_round=1)

    rose = progress.accepted(LogIndex(0), 1)

    assert not rose
    assert progress.state is ProgressState.REPLICATE


def test_an_old_answer_does_not_open_the_window() -> None:
    progress = Progress(next_index=LogIndex(9), probe_round=5)

    progress.accepted(LogIndex(3), 2)

    assert progress.state is ProgressState.PROBE
    assert (progress.match_index, progress.next_index) == (3, 9)


def test_a_window_has_room_until_it_is_full() -> None:
    progress = replicating(0)

    progress.sent(LogIndex(2))
    has_room_with_one = progress.has_room(2)
    progress.sent(LogIndex(3))

    assert has_room_with_one
    assert not progress.has_room(2)
    assert progress.next_index == 4


def test_a_probe_has_no_window() -> None:
    assert not Progress(next_index=LogIndex(1)).has_room(9)


def test_an_answer_acknowledges_all_before_it() -> None:
    progress = replicating(0)
    for last_index in (1, 2, 3):
        progress.sent(LogIndex(last_index))

    progress.accepted(LogIndex(2), 1)

    assert list(progress.in_flight) == [3]
    assert not progress.is_idle()


def test_a_late_answer_lowers_nothing() -> None:
    progress = replicating(5)

    rose = progress.accepted(LogIndex(3), 1)

    assert not rose
    assert (progress.match_index, progress.next_index) == (5, 6)


def test_a_probe_forgets_what_was_in_flight() -> None:
    progress = replicating(2)
    progress.sent(LogIndex(5))

    progress.probe(LogIndex(3), 2)

    assert progress.state is ProgressState.PROBE
    assert (progress.next_index, len(progress.in_flight)) == (3, 0)


def test_a_refusal_of_a_round_before_the_probe_is_stale() -> None:
    progress = replicating(2)

    progress.probe(LogIndex(3), 4)

    assert progress.is_stale_refusal(3)
    assert not progress.is_stale_refusal(4)


def test_what_is_stored_is_not_probed_for() -> None:
    with pytest.raises(AssertionError, match="need not be sent again"):
        replicating(5).probe(LogIndex(5), 2)


def test_a_probe_needs_a_round_of_its_own() -> None:
    with pytest.raises(AssertionError, match="a round of its own"):
        replicating(5).probe(LogIndex(6), 1)


def test_nothing_is_sent_ahead_of_a_probe() -> None:
    with pytest.raises(AssertionError, match="not sent ahead"):
        Progress(next_index=LogIndex(1)).sent(LogIndex(1))


def sending() -> Progress:
    """Return the progress of a follower that is sent a snapshot that ends at 7."""
    progress = replicating(2)
    progress.await_snapshot()
    progress.send_snapshot(transfer_of(7))
    return progress


def transfer_of(last_included_index: int) -> Transfer:
    return Transfer(
        snapshot=Snapshot(LogIndex(last_included_index), Term(1), b"", b"state"),
        first_round=1,
        offset=0,
        round=1,
        sent_at=Instant(0),
        answered_at=Instant(0),
    )


def test_a_snapshot_forgets_what_was_in_flight_and_leaves_no_room() -> None:
    progress = replicating(2)
    progress.sent(LogIndex(4))

    progress.await_snapshot()

    assert (progress.state, len(progress.in_flight)) == (ProgressState.SNAPSHOT, 0)
    assert not progress.has_room(9)
    assert not progress.is_idle()


def test_what_follows_a_snapshot_is_next() -> None:
    assert sending().next_index == 8


def test_an_answer_does_not_end_a_snapshot_by_itself() -> None:
    progress = sending()

    rose = progress.accepted(LogIndex(7), 1)

    assert rose
    assert progress.state is ProgressState.SNAPSHOT


def test_replication_resumes_behind_what_is_stored() -> None:
    progress = sending()
    progress.accepted(LogIndex(5), 1)

    progress.resume()

    assert (progress.state, progress.next_index) == (ProgressState.REPLICATE, 6)
    assert progress.transfer is None


def test_a_probe_gives_a_snapshot_up() -> None:
    progress = sending()

    progress.probe(LogIndex(5), 2)

    assert (progress.state, progress.transfer) == (ProgressState.PROBE, None)


def test_a_snapshot_of_what_is_stored_is_not_sent() -> None:
    progress = replicating(7)
    progress.await_snapshot()

    with pytest.raises(AssertionError, match="need not be sent again"):
        progress.send_snapshot(transfer_of(7))


def test_a_snapshot_under_way_is_not_started_again() -> None:
    with pytest.raises(AssertionError, match="not started again"):
        sending().await_snapshot()


def test_only_a_snapshot_is_resumed_from() -> None:
    with pytest.raises(AssertionError, match="only a snapshot"):
        replicating(2).resume()
