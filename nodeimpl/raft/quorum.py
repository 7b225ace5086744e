"""What a majority has said or stored: pure functions over sets of voters (Raft §5.2, §5.3).

Each takes the sets of voters as an argument and ignores answers of all others. There is one set, or
two in a joint configuration (Raft §6), and then a majority of each must agree.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from nodeimpl.ids import LogIndex, NodeId

_Counter = TypeVar("_Counter", bound=int)


def quorum_size(voters: Collection[NodeId]) -> int:
    """Return how many voters make a majority: any two majorities share a voter."""
    assert voters, "a configuration has at least one voter"
    return len(voters) // 2 + 1


def is_quorum(voter_sets: Sequence[Collection[NodeId]], agreeing: Collection[NodeId]) -> bool:
    """Return whether a majority of each of `voter_sets` is among `agreeing`."""
    assert voter_sets, "a configuration has at least one voter"
    return all(
        sum(voter in agreeing for voter in voters) >= quorum_size(voters) for voters in voter_sets
    )


def quorum_index(
    voter_sets: Sequence[Collection[NodeId]], match_index: Mapping[NodeId, LogIndex]
) -> LogIndex:
    """Return the highest index that a majority of each of `voter_sets` have stored.

    `match_index` has an entry for every voter, the leader included. Terms are not looked at: the
    caller may commit this index only if the entry there is of its own term (Raft §5.4.2).
    """
    return _reached_by_quorum(voter_sets, match_index)


def quorum_round(
    voter_sets: Sequence[Collection[NodeId]], acked_round: Mapping[NodeId, int]
) -> int:
    """Return the latest heartbeat round that a majority of each set have answered (thesis §6.4).

    `acked_round` has an entry for every voter, the leader included.
    """
    return _reached_by_quorum(voter_sets, acked_round)


def _reached_by_quorum(
    voter_sets: Sequence[Collection[NodeId]], reached: Mapping[NodeId, _Counter]
) -> _Counter:
    if len(voter_sets) == 1:
        return _reached_by_majority(voter_sets[0], reached)
    return min(_reached_by_majority(voters, reached) for voters in voter_sets)


def _reached_by_majority(
    voters: Collection[NodeId], reached: Mapping[NodeId, _Counter]
) -> _Counter:
    descending = sorted([reached[voter] for voter in voters], reverse=True)
    return descending[quorum_size(voters) - 1]
