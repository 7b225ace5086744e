"""The log by example."""

import pytest

from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.log import RaftLog
from tests.nodeimpl.raft.situations import entries, entry


def test_an_empty_log_ends_before_the_first_index() -> None:
    log = RaftLog()

    assert (log.first_index, log.last_index, log.last_term) == (1, 0, 0)
    assert log.matches(LogIndex(0), Term(0))


def test_a_trimmed_log_still_knows_the_term_before_its_first_entry() -> None:
    log = RaftLog(entries(3, 3, after=7), prefix_index=LogIndex(7), prefix_term=Term(2))

    assert (log.first_index, log.last_index) == (8, 9)
    assert log.term_at(LogIndex(7)) == 2
    assert log.matches(LogIndex(7), Term(2))
    assert not log.matches(LogIndex(6), Term(2))


def test_an_entry_is_found_at_its_index_behind_a_trimmed_prefix() -> None:
    log = RaftLog(entries(3, 4, after=7), prefix_index=LogIndex(7), prefix_term=Term(2))

    assert log.entry_at(LogIndex(9)) == entry(9, 4)
    assert log.between(LogIndex(8), LogIndex(9)) == entries(3, 4, after=7)


@pytest.mark.parametrize("index", [0, 3])
def test_an_index_outside_of_the_log_is_an_error(index: int) -> None:
    log = RaftLog(entries(1, 1))

    with pytest.raises(AssertionError, match=f"index {index} is outside of 1..2"):
        log.entry_at(LogIndex(index))


def test_between_is_empty_just_behind_the_end() -> None:
    assert RaftLog(entries(1)).between(LogIndex(2), LogIndex(1)) == ()


@pytest.mark.parametrize(("first", "last"), [(0, 1), (1, 3), (3, 1)])
def test_between_outside_of_the_log_is_an_error(first: int, last: int) -> None:
    with pytest.raises(AssertionError, match="outside"):
        RaftLog(entries(1, 1)).between(LogIndex(first), LogIndex(last))


def test_a_gap_is_refused() -> None:
    with pytest.raises(AssertionError, match="entry 3 does not follow 1"):
        RaftLog(entries(1)).append([entry(3, 1)])


def test_a_falling_term_is_refused() -> None:
    with pytest.raises(AssertionError, match="entry 2 of term 1 follows one of term 2"):
        RaftLog(entries(2)).append([entry(2, 1)])


def test_an_entry_of_term_0_is_refused() -> None:
    with pytest.raises(AssertionError, match="entry 1 of term 0"):
        RaftLog().append([entry(1, 0)])


def test_a_refused_append_leaves_the_log_as_it_was() -> None:
    log = RaftLog(entries(1))

    with pytest.raises(AssertionError):
        log.append([entry(2, 1), entry(4, 1)])

    assert log.last_index == 1


def test_truncate_drops_an_entry_and_all_behind_it() -> None:
    log = RaftLog(entries(1, 1, 2, 2))

    log.truncate(LogIndex(3))

    assert (log.last_index, log.last_term) == (2, 1)


@pytest.mark.parametrize("first", [7, 10])
def test_only_what_is_held_can_be_truncated(first: int) -> None:
    log = RaftLog(entries(3, 4, after=7), prefix_index=LogIndex(7), prefix_term=Term(2))

    with pytest.raises(AssertionError, match="cannot truncate"):
        log.truncate(LogIndex(first))


def test_a_batch_ends_at_either_limit() -> None:
    log = RaftLog([entry(index, 1, b"12345") for index in range(1, 9)])

    assert len(log.batch(LogIndex(1), entries_max=3, bytes_max=100)) == 3
    assert len(log.batch(LogIndex(1), entries_max=100, bytes_max=14)) == 2
    assert len(log.batch(LogIndex(1), entries_max=100, bytes_max=15)) == 3
    assert len(log.batch(LogIndex(7), entries_max=100, bytes_max=100)) == 2


def test_an_entry_above_the_limit_travels_alone() -> None:
    log = RaftLog([entry(1, 1, b"12345"), entry(2, 1, b"6")])

    assert log.batch(LogIndex(1), entries_max=9, bytes_max=3) == (entry(1, 1, b"12345"),)


def test_missing_begins_at_the_first_conflict() -> None:
    log = RaftLog(entries(1, 2, 2))
    new = entries(1, 3, 3)

    assert log.missing(new) == new[1:]


def test_nothing_is_missing_of_what_is_here() -> None:
    assert RaftLog(entries(1, 2, 2)).missing(entries(1, 2)) == ()


def test_a_term_is_found_from_its_first_to_its_last_index() -> None:
    log = RaftLog(entries(1, 3, 3, 5))

    assert [log.first_index_of_term(Term(term)) for term in range(7)] == [
        None,
        1,
        None,
        2,
        None,
        4,
        None,
    ]
    assert [log.last_index_of_term(Term(term)) for term in range(7)] == [
        None,
        1,
        None,
        3,
        None,
        4,
        None,
    ]


def test_a_term_may_be_known_to_end_with_the_trimmed_prefix() -> None:
    log = RaftLog(entries(3, after=7), prefix_index=LogIndex(7), prefix_term=Term(2))

    assert log.last_index_of_term(Term(2)) == 7
    assert log.first_index_of_term(Term(2)) is None


def test_trim_forgets_entries_but_not_the_term_of_the_last_one() -> None:
    log = RaftLog(entries(1, 2, 3, 3))

    log.trim(LogIndex(2))

    assert (log.first_index, log.last_index, log.prefix_term) == (3, 4, 2)
    assert log.between(LogIndex(3), LogIndex(4)) == entries(3, 3, after=2)


def test_a_log_may_be_trimmed_to_its_end() -> None:
    log = RaftLog(entries(1, 2))

    log.trim(LogIndex(2))

    assert (log.first_index, log.last_index, log.last_term) == (3, 2, 2)


@pytest.mark.parametrize("index", [6, 10])
def test_only_what_is_held_can_be_trimmed(index: int) -> None:
    log = RaftLog(entries(3, 4, after=7), prefix_index=LogIndex(7), prefix_term=Term(2))

    with pytest.raises(AssertionError, match="cannot trim"):
        log.trim(LogIndex(index))


def test_a_restart_behind_an_entry_that_is_here_keeps_what_follows_it() -> None:
    log = RaftLog(entries(1, 2, 3))

    log.restart(LogIndex(2), Term(2))

    assert (log.first_index, log.last_index) == (3, 3)


@pytest.mark.parametrize(("index", "term"), [(2, 3), (9, 3)])
def test_a_restart_behind_an_entry_that_is_not_keeps_nothing(index: int, term: int) -> None:
    log = RaftLog(entries(1, 2, 3))

    log.restart(LogIndex(index), Term(term))

    assert (log.first_index, log.last_index, log.last_term) == (index + 1, index, term)


def test_a_log_does_not_restart_within_what_was_trimmed() -> None:
    log = RaftLog(entries(3, after=7), prefix_index=LogIndex(7), prefix_term=Term(2))

    with pytest.raises(AssertionError, match="what was trimmed is committed"):
        log.restart(LogIndex(6), Term(2))
