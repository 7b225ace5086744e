"""What is known of a node's doings, wherever it was told: in a trace, or in its log on disk.

A *fact* is one step of one node. Both sources are turned into facts, so that there is one judge.
"""

from typing import Final, TypeAlias

import msgspec

UNTIMED: Final = -1
"""The time of facts whose source has no clock: they are ordered within their node only."""


class EntryMark(msgspec.Struct, frozen=True, gc=False):
    """An entry of a log, without its data."""

    index: int
    term: int
    content: int
    """A hash of what it says; two entries of one index and term that differ here are different."""


class LedFrom(msgspec.Struct, frozen=True, gc=False):
    """The node became leader of a term."""

    term: int


class StoppedLeading(msgspec.Struct, frozen=True, gc=False):
    """The node is not leader any more: it stepped down, or it crashed."""


class HardState(msgspec.Struct, frozen=True, gc=False):
    """The node's term and vote became durable."""

    term: int
    voted_for: str | None


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Entries became durable; whatever the log held from the first of them on is truncated."""

    entries: tuple[EntryMark, ...]
    """Not empty; indices rise by one."""


class CommittedTo(msgspec.Struct, frozen=True, gc=False):
    """The node takes its log to be committed up to an index."""

    last_index: int
    entries: tuple[EntryMark, ...] = ()
    """What it applied then, if that was told."""


class Installed(msgspec.Struct, frozen=True, gc=False):
    """The log was replaced by a leader's state, which is the outcome of it up to an entry."""

    index: int
    term: int


class Restarted(msgspec.Struct, frozen=True, gc=False):
    """The node came back, with this log and hard state."""

    term: int
    voted_for: str | None
    prefix_index: int
    """The log begins behind this entry."""
    last_index: int
    entries: tuple[EntryMark, ...]
    """From `prefix_index` + 1 to `last_index`; empty if that was not told."""


class MembersChanged(msgspec.Struct, frozen=True, gc=False):
    """These members are in force, by an entry of the node's log, committed or not."""

    index: int
    voters: tuple[str, ...]
    learners: tuple[str, ...]
    outgoing: tuple[str, ...]
    """The voters of C_old if the configuration is joint (Raft §6); else empty."""


What: TypeAlias = (
    LedFrom
    | StoppedLeading
    | HardState
    | Appended
    | CommittedTo
    | Installed
    | Restarted
    | MembersChanged
)


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One step of one node."""

    at_ns: int
    """When, by one clock for all nodes; `UNTIMED` if there is none."""
    node: str
    what: What
