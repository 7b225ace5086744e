"""What a store is: its rows in the backend, the index over them, and where it stands."""

import zlib
from dataclasses import dataclass, field
from typing import Final

from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.ids import LeaseId, Revision
from nodeimpl.mvcc.alarms import Alarms
from nodeimpl.mvcc.auth.book import AuthBook
from nodeimpl.mvcc.backend import Backend
from nodeimpl.mvcc.facts import Facts, load_facts
from nodeimpl.mvcc.index import Index
from nodeimpl.mvcc.key_index import Found
from nodeimpl.mvcc.leases import LeaseBook, load_leases
from nodeimpl.mvcc.members import MemberBook
from nodeimpl.mvcc.rows import (
    CHANGES_END,
    CHANGES_START,
    CompactionMark,
    place_of,
    put_row,
    read_compaction_mark,
    read_finished_revision,
)
from nodeimpl.mvcc.tally import Tally

FIRST_REVISION: Final = Revision(1)
"""The revision of a new store (as etcd); the first change makes 2."""

NO_COMPACTION: Final = CompactionMark(Revision(-1), FIRST_REVISION, 0)
"""Before the first compaction (as etcd): so even revision 0 can be compacted, once."""


@dataclass(slots=True)
class Removal:
    """Rows that a compaction superseded are being removed."""

    until: Revision
    """The revision compacted: of the rows up to it, the superseded ones go."""
    next_row: bytes = CHANGES_START
    """Where to go on; before it no such row is left."""


@dataclass(slots=True, kw_only=True)
class StoreState:
    """The whole state of one store."""

    backend: Backend
    index: Index
    revision: Revision
    """The revision of the last command that changed anything."""
    compaction: CompactionMark
    """The last compaction scheduled. Every member has the same after the same commands."""
    finished_compaction: Revision
    """Every row superseded at or before it is gone. Each member comes to it in its own time."""
    removal: Removal | None
    """What is left to do for `compaction`; None if that has finished."""
    hash: int
    """Chained over all changes up to `revision`, in order (see `chain`): two stores of equal
    revision must have the same, whatever either has compacted."""
    facts: Facts
    leases: LeaseBook
    alarms: Alarms
    members: MemberBook
    auth: AuthBook
    tally: Tally = field(default_factory=Tally)

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


def chain_since(backend: Backend, compaction: CompactionMark) -> int:
    """Return the hash of everything in the backend, given what it was at the last compaction.

    Reads the rows written since that was applied; no compaction has removed one of them.
    """
    chain_hash = compaction.hash
    for _, record in backend.scan(_chain_start(compaction), CHANGES_END):
        chain_hash = chain(record, chain_hash)
    return chain_hash


def _chain_start(compaction: CompactionMark) -> bytes:
    """Return the first row that was written since the last compaction was applied."""
    return put_row(Revision(compaction.applied_at + 1), 0)


def load_state(backend: Backend) -> StoreState:
    """Return the state that the backend's rows describe; a new store if there are none.

    The revision is that of the last row. No compaction removes it, for what holds at the revision
    compacted stays, even a tombstone; yet should the rows say less than the last compaction knew,
    the revision must not go back (etcd #17780).
    """
    index = Index()
    compaction = read_compaction_mark(backend) or NO_COMPACTION
    finished = read_finished_revision(backend)
    if finished is None:
        finished = NO_COMPACTION.revision
    revision = compaction.applied_at
    lease_of: dict[bytes, LeaseId] = {}
    chain_hash, chain_start = compaction.hash, _chain_start(compaction)
    for row, record in backend.scan(CHANGES_START, CHANGES_END):
        if row >= chain_start:
            chain_hash = chain(record, chain_hash)
        place = place_of(row)
        kv = KeyValue.FromString(record)
        index.restore(kv.key, place, Revision(kv.create_revision), kv.version)
        revision = max(revision, place.main)
        if kv.lease:
            lease_of[kv.key] = LeaseId(kv.lease)
        elif lease_of:
            lease_of.pop(kv.key, None)
    facts = load_facts(backend)
    return StoreState(
        backend=backend,
        index=index,
        revision=revision,
        compaction=compaction,
        finished_compaction=finished,
        removal=Removal(until=compaction.revision) if compaction.revision > finished else None,
        hash=chain_hash,
        facts=facts,
        leases=load_leases(facts, lease_of),
        alarms=Alarms(facts),
        members=MemberBook(facts),
        auth=AuthBook(facts),
    )
