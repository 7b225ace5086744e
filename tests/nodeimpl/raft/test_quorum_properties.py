"""Majorities against slow, obvious twins, after etcd's quorum/quick_test.go."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import LogIndex, NodeId
from nodeimpl.raft.quorum import is_quorum, quorum_index

node_ids = st.integers(1, 9).map(NodeId)
voter_sets = st.sets(node_ids, min_size=1, max_size=7)
match_indices = st.dictionaries(node_ids, st.integers(0, 20).map(LogIndex), min_size=9, max_size=9)


@given(voters=voter_sets, match_index=match_indices)
def test_quorum_index_is_the_highest_index_that_more_than_half_have_stored(
    voters: set[NodeId], match_index: dict[NodeId, LogIndex]
) -> None:
    stored = [
        index
        for index in range(21)
        if 2 * len([voter for voter in voters if match_index[voter] >= index]) > len(voters)
    ]

    assert quorum_index([voters], match_index) == max(stored)


@given(voters=voter_sets, match_index=match_indices)
def test_quorum_index_does_not_depend_on_the_order_of_voters(
    voters: set[NodeId], match_index: dict[NodeId, LogIndex]
) -> None:
    ascending, descending = sorted(voters), sorted(voters, reverse=True)

    assert quorum_index([ascending], match_index) == quorum_index([descending], match_index)


@given(voters=voter_sets)
def test_any_two_majorities_share_a_voter(voters: set[NodeId]) -> None:
    subsets = [
        set(subset)
        for size in range(len(voters) + 1)
        for subset in combinations(sorted(voters), size)
    ]
    majorities = [subset for subset in subsets if is_quorum([voters], subset)]

    assert majorities
    assert all(one & other for one in majorities for other in majorities)
