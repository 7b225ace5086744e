"""Logs on disk, read as facts: what a write-ahead log holds, record by record, oldest first.

Whoever can decode a store's log (our node's, etcd's `member/wal`) makes these records of it. There
is no clock in a log, so each node's records are ordered among themselves only, and nothing tells
who led: election safety shows only where two leaders of one term wrote.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, assert_never

import msgspec

from checkers.raft.facts import (
    UNTIMED,
    Appended,
    CommittedTo,
    EntryMark,
    Fact,
    HardState,
    Installed,
    What,
)


class WalEntry(msgspec.Struct, frozen=True, kw_only=True, tag="entry", gc=False):
    """An entry of the log (etcd raftpb.Entry)."""

    node: str
    term: int
    index: int
    kind: str
    """`command`, `no-op`, `configuration`, ...: whatever the store calls it."""
    data_hash: str
    """Of its data, by any hash that is the same for all nodes."""


class WalState(msgspec.Struct, frozen=True, kw_only=True, tag="state", gc=False):
    """A hard state (etcd raftpb.HardState)."""

    node: str
    term: int
    voted_for: str | None
    commit_index: int


class WalSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", gc=False):
    """The log up to here may be forgotten: a snapshot holds its outcome (etcd walpb.Snapshot)."""

    node: str
    index: int
    term: int


WalRecord: TypeAlias = WalEntry | WalState | WalSnapshot

_EMPTY: Final = 0


def facts_of_wals(wals: Mapping[str, Sequence[WalRecord]]) -> list[Fact]:
    """Return the facts of every node's records, node by node in the order of their names."""
    contents: dict[tuple[str, str], int] = {}
    return [
        Fact(UNTIMED, node, what) for node in sorted(wals) for what in _facts(wals[node], contents)
    ]


def _facts(records: Iterable[WalRecord], contents: dict[tuple[str, str], int]) -> Iterator[What]:
    """Yield the facts; `contents` numbers what entries say, for all nodes alike."""
    commit_index, last_index = 0, 0
    for record in records:
        match record:
            case WalEntry(term=term, index=index, kind=kind, data_hash=data_hash):
                content = contents.setdefault((kind, data_hash), len(contents))
                last_index = index
                yield Appended((EntryMark(index, term, content),))
            case WalState(term=term, voted_for=voted_for):
                yield HardState(term, voted_for)
                # A hard state may be written before the entries that it commits.
                reached = min(record.commit_index, last_index)
                if reached > commit_index:
                    commit_index = reached
                    yield CommittedTo(reached)
            case WalSnapshot(index=index, term=term):
                if index > last_index:
                    last_index = index
                    yield Installed(index, term)
            case _:
                assert_never(record)
