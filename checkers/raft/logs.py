"""Every node's log, as *chains*: the prefix of a log up to an entry is one integer.

A chain is made of the chain before it and one entry, so two logs agree up to an index exactly if
their chains there are equal. Log matching, leader completeness and state machine safety are then
comparisons of two integers.
"""

from typing import Final, TypeAlias

from checkers.raft.facts import EntryMark

EMPTY: Final = 0
"""The chain of the log without entries."""

OPAQUE: Final = -1
"""The chain of a log whose prefix is not known: equal to no other."""


Configuration: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Voters, learners, and the voters of C_old while the configuration is joint."""


class Chains:
    """All prefixes of all logs, numbered."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, EntryMark], int] = {}
        self._entries: list[EntryMark | None] = [None]
        self.holders: list[str] = [""]
        """By chain: the first node that held it."""

    def extended(self, before: int, entry: EntryMark, node: str) -> int:
        """Return the chain `before` with `entry` behind it; `node` holds that."""
        if before == OPAQUE:
            return OPAQUE
        number = self._numbers.get((before, entry))
        if number is None:
            number = self._numbers[before, entry] = len(self._entries)
            self._entries.append(entry)
            self.holders.append(node)
        return number

    def last(self, chain: int) -> EntryMark | None:
        """Return the last entry of `chain`; None if it has none, or is opaque."""
        return None if chain == OPAQUE else self._entries[chain]


class NodeLog:
    """What one node has on disk, and what it said of that."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.chains: list[int] = [EMPTY]
        """`chains[i]` is the prefix up to index i, be it trimmed or not."""
        self.term = 0
        self.voted_for: str | None = None
        self.commit_index = 0
        self.leads: int | None = None
        """The term it leads; None if it does not."""
        self.members: tuple[int, Configuration] | None = None
        """The members in force, and the index of the entry that names them; None after a gap."""
        self.members_of: dict[int, Configuration] = {}
        """By index: the members that an entry names which is not durable yet."""

    @property
    def last_index(self) -> int:
        """The index of the last entry."""
        return len(self.chains) - 1

    def chain_at(self, index: int) -> int:
        """Return the prefix up to `index`; `OPAQUE` beyond its end."""
        return self.chains[index] if index < len(self.chains) else OPAQUE
