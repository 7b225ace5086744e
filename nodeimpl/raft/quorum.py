"""What a majority has said or stored: pure functions over a set of voters (Raft §5.2, §5.3).

Each takes the voters as an argument and ignores answers of all others. A joint configuration
(Raft §6) has two sets of voters, and asks both.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

from nodeimpl.ids import LogIndex, NodeId

_Counter = TypeVar("_Counter", bound=int)


def quorum_size(voters: Collection[NodeId]) -> int:
    """Return how many voters make a majority: any two majorities share a voter."""
    assert voters, "a configuration has at least one voter"
    return len(voters) // 2 + 1


def is_quorum(voters: Collection[NodeId], agreeing: AbstractSet[NodeId]) -> bool:
    """Return whether a majority of `voters` is among `agreeing`."""
    return sum(voter in agreeing for voter in voters) >= quorum_size(voters)


def quorum_index(voters: Collection[NodeId], match_index: Mapping[NodeId, LogIndex]) -> LogIndex:
    """Return the highest index that a majority of `voters` have stored.

    `match_index` has an entry for every voter, the leader included. Terms are not looked at: the
    caller may commit this index only if the entry there is of its own term (Raft §5.4.2).
    """
    return _reached_by_quorum(voters, match_index)


def quorum_round(voters: Collection[NodeId], acked_round: Mapping[NodeId, int]) -> int:
    """Return the latest heartbeat round that a majority of `voters` have answered (thesis §6.4).

    `acked_round` has an entry for every voter, the leader included.
    """
    return _reached_by_quorum(voters, acked_round)


def _reached_by_quorum(voters: Collection[NodeId], reached: Mapping[NodeId, _Counter]) -> _Counter:
    descending = sorted([reached[voter] for voter in voters], reverse=True)
    return descending[quorum_size(voters) - 1]
