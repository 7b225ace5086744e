"""The hash of a store's contents at a revision (etcd, mvcc/hash.go and kvstore.go: hashByRev).

The chained hash of `StoreState` says that two stores were given the same changes, and costs
nothing. This one reads the rows that are there: it says that they still hold the same. It is the
one that finds a store whose compaction, snapshot or disk has spoilt something.
"""

import zlib
from typing import Final

import msgspec

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.ids import Revision
from nodeimpl.mvcc.compaction import Superseded, rows_until
from nodeimpl.mvcc.rows import CHANGES_START, change_of, put_row
from nodeimpl.mvcc.state import StoreState

_SEED: Final = 0


class StoreHash(msgspec.Struct, frozen=True):
    """What a store holds at a revision. Comparable with others of equal `compact_revision`."""

    revision: Revision
    compact_revision: Revision
    hash: int
    """32 bits."""


def hash_at(state: StoreState, revision: Revision) -> StoreHash | ApiError:
    """Return the hash of every row up to `revision` that the last compaction keeps; 0 means now.

    Rows superseded by that compaction count as gone, removed or not: members of equal
    `compact_revision` have equal hashes, however far each has come with the removal. `COMPACTED`
    for a revision before it, `FUTURE_REVISION` for one after the present (as etcd).

    Reads all these rows; their keys too while a removal is under way.

    Deviation: etcd leaves out what lies before the compaction and is superseded at `revision`
    (so that the hash does not depend on a tombstone at the revision compacted, which older
    versions remove); and its checksum is CRC-32C over its own row names.
    """
    if revision > state.revision:
        return FUTURE_REVISION
    compacted = state.compaction.revision
    if 0 < revision < compacted:
        return COMPACTED
    at = revision if revision > 0 else state.revision
    total = _hash_compacted(state) if compacted > 0 else _SEED
    start = put_row(Revision(compacted + 1), 0) if compacted > 0 else CHANGES_START
    for row, record in rows_until(state, start, at):
        total = _add(row, record, total)
    return StoreHash(at, compacted, total)


def _hash_compacted(state: StoreState) -> int:
    """Return the hash of what the last compaction keeps of the rows up to its revision."""
    rows = rows_until(state, CHANGES_START, state.compaction.revision)
    total = _SEED
    if state.removal is None:
        for row, record in rows:
            total = _add(row, record, total)
        return total
    superseded = Superseded(state.index, state.compaction.revision)
    for row, record in rows:
        if not superseded.holds(KeyValue.FromString(record).key, change_of(row)):
            total = _add(row, record, total)
    return total


def _add(row: bytes, record: bytes, total: int) -> int:
    """Return the hash with one more row."""
    return zlib.crc32(record, zlib.crc32(row, total))
