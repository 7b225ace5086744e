"""A daemon that does nothing but store: to be killed at any point (`test_kill`).

It recovers, checks all it finds, says how far it got, and goes on; after each sync it says up to
which entry everything is durable.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import Providers
from nodeimpl.storage.lmdb_backend import LmdbBackend
from nodeimpl.storage.recovery import implied_trim, replay
from nodeimpl.storage.wal import Wal
from tests.nodeimpl.storage.crashable import counted

GROUP = 7
"""Entries appended between two syncs."""
COMMIT_EVERY = 40
KEPT = 30
"""Entries that trimming leaves."""
DEFRAGMENT_EVERY = 400


def data_of(index: int) -> bytes:
    """Return what entry `index` must hold: nothing short, nothing alike."""
    return b"%d," % index * (1 + index % 50)


class Store:
    """The log and the backend of the driver."""

    def __init__(self, directory: Path) -> None:
        cipher = Providers((AesGcm("key1", bytes(32), counted),))
        (directory / "wal").mkdir(exist_ok=True)
        self.wal = Wal(
            directory / "wal", cluster_id=1, member_id=1, cipher=cipher, segment_bytes=8192
        )
        self.backend = LmdbBackend(directory / "db", cipher)
        contents = self.wal.contents()
        recovered = replay(contents, self.backend.applied)
        trim = implied_trim(contents, recovered)
        if trim is not None:
            self.wal.append(trim)
        for entry in recovered.entries:
            assert entry.data == data_of(entry.index), f"entry {entry.index} is another"
        applied = self.backend.applied.index
        rows = list(self.backend.scan(b"", None))
        assert rows == [(b"%08d" % n, data_of(n)) for n in range(1, applied + 1)], "rows"
        self.last = recovered.last_index
        self.applied = int(applied)
        if not recovered.hard_state.current_term:
            self.wal.append(Persist(HardState(Term(1), None), ()))

    def append(self) -> None:
        """Append one entry."""
        self.last = LogIndex(self.last + 1)
        entry = Entry(Term(1), self.last, EntryKind.COMMAND, data_of(self.last))
        self.wal.append(Persist(None, (entry,)))

    def commit(self, pool: ThreadPoolExecutor) -> None:
        """Apply what is durable, commit it, trim; as a node's driver does."""
        while self.applied < self.last:
            self.applied += 1
            self.backend.put(b"%08d" % self.applied, data_of(self.applied))
        point = self.backend.seal(Applied(LogIndex(self.applied), Term(1)))
        work = self.backend.begin_commit(point)
        if work is not None:
            pool.submit(work.write).result()
            self.backend.finish_commit(work)
        if self.applied > KEPT:
            self.wal.append(Trim(LogIndex(self.applied - KEPT), Term(1)))
        if self.applied % DEFRAGMENT_EVERY < COMMIT_EVERY:
            self.backend.defragment()


def main(directory: Path) -> None:
    """Store until killed."""
    store = Store(directory)
    print(store.last, flush=True)  # noqa: T201 - the parent reads it
    with ThreadPoolExecutor(1) as pool:
        while True:
            syncing = pool.submit(store.wal.sync)  # Of the group before, while this one is written.
            durable = store.last
            for _ in range(GROUP):
                store.append()
            syncing.result()
            print(durable, flush=True)  # noqa: T201
            if store.last - store.applied >= COMMIT_EVERY:
                store.wal.sync()
                store.commit(pool)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
