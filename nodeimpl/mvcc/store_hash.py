"""The hash of a store's contents at a revision (etcd, mvcc/hash.go and kvstore.go: hashByRev).

The chained hash of `StoreState` says that two stores were given the same changes, and costs
nothing. This one reads the rows that are there: it says that they still hold the same. It is the
one that finds a store whose compaction, snapshot or disk has spoilt something.
"""

import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Final, TypeAlias

import msgspec

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.ids import Revision
from nodeimpl.mvcc.compaction import rows_until
from nodeimpl.mvcc.rows import CHANGES_START, place_of, put_row
from nodeimpl.mvcc.state import StoreState

STEP_ROWS: Final = 500
"""About a millisecond."""
_SEED: Final = 0

Rows: TypeAlias = Iterator[tuple[bytes, bytes]]


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

    Reads all these rows; those before the compaction twice while a removal is under way.

    Deviation: etcd leaves out what lies before the compaction and is superseded at `revision`
    (so that the hash does not depend on a tombstone at the revision compacted, which older
    versions remove); and its checksum is CRC-32C over its own row names.
    """
    *_, found = hash_steps(state, revision)
    assert found is not None, "the last step is the answer"
    return found


def hash_steps(state: StoreState, revision: Revision) -> Iterator[StoreHash | ApiError | None]:
    """Yield None after every `STEP_ROWS` rows, and last what `hash_at` returns as of now.

    Between two steps the store may go on if a scan of its backend holds on to what was there when
    it began, as the real node's does.
    """
    if revision > state.revision:
        return iter((FUTURE_REVISION,))
    compacted = state.compaction.revision
    if 0 < revision < compacted:
        return iter((COMPACTED,))
    at = revision if revision > 0 else state.revision
    start = put_row(Revision(compacted + 1), 0) if compacted > 0 else CHANGES_START
    looks = 0 if compacted <= 0 else 1 if state.removal is None else 2
    # All begun now: they see the same.
    older = [rows_until(state, CHANGES_START, compacted) for _ in range(looks)]
    return _steps(StoreHash(at, compacted, _SEED), older, rows_until(state, start, at))


def _steps(hashed: StoreHash, older: list[Rows], newer: Rows) -> Iterator[StoreHash | None]:
    """Hash what is kept of the rows up to the compaction, given once or twice, and all behind."""
    kept: dict[bytes, bytes] | None = None
    if len(older) > 1:
        kept = {}
        for number, (row, record) in enumerate(older.pop(), start=1):
            kept[KeyValue.FromString(record).key] = row
            if number % STEP_ROWS == 0:
                yield None
    total = hashed.hash
    for number, (row, record) in enumerate(chain(*older, newer), start=1):
        if kept is None or _is_kept(kept, row, record, hashed.compact_revision):
            total = zlib.crc32(record, zlib.crc32(row, total))
        if number % STEP_ROWS == 0:
            yield None
    yield StoreHash(hashed.revision, hashed.compact_revision, total)


def _is_kept(kept: dict[bytes, bytes], row: bytes, record: bytes, compacted: Revision) -> bool:
    """Say whether a compaction keeps a row; `kept` names each key's last row up to there.

    That one is kept, unless it is a tombstone of before (`KeyIndex.kept_from`).
    """
    place = place_of(row)
    if place.main > compacted:
        return True
    is_last = kept[KeyValue.FromString(record).key] == row
    return is_last and (place.main == compacted or not place.is_tombstone)
