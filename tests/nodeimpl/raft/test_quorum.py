"""Majorities by example."""

import pytest

from nodeimpl.ids import LogIndex, NodeId
from nodeimpl.raft.quorum import is_quorum, quorum_index, quorum_round, quorum_size
from tests.nodeimpl.raft.situations import FIVE, THREE


@pytest.mark.parametrize(("voters_count", "size"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_majority_is_more_than_half(voters_count: int, size: int) -> None:
    assert quorum_size([NodeId(number) for number in range(voters_count)]) == size


def test_a_configuration_without_voters_is_an_error() -> None:
    with pytest.raises(AssertionError, match="at least one voter"):
        quorum_size([])


def test_who_is_no_voter_does_not_count() -> None:
    assert not is_quorum([THREE], {NodeId(1), NodeId(8), NodeId(9)})
    assert is_quorum([THREE], {NodeId(1), NodeId(3), NodeId(9)})


def test_the_quorum_index_is_the_highest_that_a_majority_has_reached() -> None:
    match_index = dict(zip(FIVE, map(LogIndex, (9, 2, 7, 4, 4)), strict=True))

    assert quorum_index([FIVE], match_index) == 4


def test_of_an_even_number_of_voters_more_than_half_must_have_reached_it() -> None:
    match_index = dict(zip(FIVE[:4], map(LogIndex, (9, 8, 3, 1)), strict=True))

    assert quorum_index([FIVE[:4]], match_index) == 3


def test_the_quorum_round_is_the_latest_that_a_majority_has_answered() -> None:
    assert quorum_round([THREE], dict(zip(THREE, (7, 0, 5), strict=True))) == 5


def test_two_sets_of_voters_need_a_majority_each() -> None:
    old, new = FIVE[:3], FIVE[2:]

    assert not is_quorum([old, new], {NodeId(1), NodeId(2), NodeId(4)})
    assert not is_quorum([old, new], {NodeId(1), NodeId(4), NodeId(5)})
    assert is_quorum([old, new], {NodeId(1), NodeId(3), NodeId(5)})


def test_the_quorum_index_of_two_sets_is_the_lower_one() -> None:
    match_index = dict(zip(FIVE, map(LogIndex, (9, 8, 3, 2, 1)), strict=True))

    assert quorum_index([FIVE[:3], FIVE[2:]], match_index) == 2
    assert quorum_index([FIVE[2:], FIVE[:3]], match_index) == 2


def test_nobody_agrees_where_nobody_votes() -> None:
    with pytest.raises(AssertionError, match="at least one voter"):
        is_quorum([], {NodeId(1)})
