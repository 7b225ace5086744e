"""What a store is: its rows in the backend, the index over them, and where it stands."""

import zlib
from dataclasses import dataclass
from typing import Final

from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.ids import Revision
from nodeimpl.mvcc.backend import Backend
from nodeimpl.mvcc.index import Index
from nodeimpl.mvcc.key_index import Found
from nodeimpl.mvcc.rows import (
    CHANGES_END,
    CHANGES_START,
    CompactionMark,
    place_of,
    put_row,
    read_compaction_mark,
)

FIRST_REVISION: Final = Revision(1)
"""The revision of a new store (as etcd); the first change makes 2."""

NO_COMPACTION: Final = CompactionMark(Revision(-1), 0)
"""Before the first compaction (as etcd): so even revision 0 can be compacted, once."""


@dataclass(slots=True, kw_only=True)
class StoreState:
    """The whole state of one store."""

    backend: Backend
    index: Index
    revision: Revision
    """The revision of the last command that changed anything."""
    compaction: CompactionMark
    hash: int
    """Chained over all changes up to `revision`, in order (see `chain`): two stores of equal
    revision must have the same, whatever either has compacted."""

    def record(self, found: Found) -> bytes:
        """Return the bytes of the KeyValue that a change made."""
        record = self.backend.get(put_row(found.main, found.sub))
        assert record is not None, f"the index knows change {found.main}.{found.sub}, no row holds"
        return record


def chain(record: bytes, chain_hash: int) -> int:
    """Return the hash of a store after one more change, given the one before it.

    A record bears its mod_revision, and only tombstones lack a version: nothing else of a change
    needs to enter.
    """
    return zlib.crc32(record, chain_hash)


def chain_between(backend: Backend, after: CompactionMark, last: Revision) -> int:
    """Return the hash at revision `last`, given what it was at the compaction `after`.

    Reads every row between the two; compaction has removed none of them.
    """
    start = CHANGES_START if after == NO_COMPACTION else put_row(Revision(after.revision + 1), 0)
    chain_hash = after.hash
    for _, record in backend.scan(start, put_row(Revision(last + 1), 0)):
        chain_hash = chain(record, chain_hash)
    return chain_hash


def load_state(backend: Backend) -> StoreState:
    """Return the state that the backend's rows describe; a new store if there are none.

    The revision is that of the last row: no compaction removes it, for what holds at the
    revision compacted stays, even a tombstone.
    """
    index = Index()
    revision = FIRST_REVISION
    for row, record in backend.scan(CHANGES_START, CHANGES_END):
        place = place_of(row)
        kv = KeyValue.FromString(record)
        index.restore(kv.key, place, Revision(kv.create_revision), kv.version)
        revision = place.main
    compaction = read_compaction_mark(backend) or NO_COMPACTION
    return StoreState(
        backend=backend,
        index=index,
        revision=revision,
        compaction=compaction,
        hash=chain_between(backend, compaction, revision),
    )
