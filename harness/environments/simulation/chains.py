"""What the oracle knows of one node's disk, and of the members by a log.

A log's prefix is a *chain* id (`oracle`).
"""

from collections import deque
from typing import Final, NamedTuple

from nodeimpl.ids import LogIndex, Term
from nodeimpl.raft.configuration import Configuration
from nodeimpl.raft.effects import Persist
from nodeimpl.raft.messages import HardState

EMPTY: Final = 0
"""The chain of the empty log."""


class Durable:
    """What one node has on its platter: its log as chains, and its hard state."""

    __slots__ = ("chains", "hard_state", "saved_index", "unsynced")

    def __init__(self) -> None:
        self.chains = [EMPTY]
        """`chains[i]` is the log's prefix that ends at index i, be it trimmed or not."""
        self.saved_index = LogIndex(0)
        """How much of the log the durable store is the outcome of."""
        self.hard_state = HardState(Term(0), None)
        self.unsynced: deque[Persist] = deque()
        """Written but not synced yet, oldest first."""


class Members(NamedTuple):
    """The members in force by a log, and since which of its entries."""

    since: LogIndex
    configuration: Configuration
