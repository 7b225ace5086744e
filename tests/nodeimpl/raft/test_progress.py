"""What a leader knows of a follower, by example."""

import pytest

from nodeimpl.ids import LogIndex
from nodeimpl.raft.progress import Progress, ProgressState


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
