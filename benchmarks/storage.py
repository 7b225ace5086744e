"""What the real node's storage costs beside the plainest way to do the same on this disk.

    .venv/bin/python -m benchmarks.storage [REVISIONS] [DIRECTORY]

Each ratio is time over that of its reference, on the same disk in the same run (1.0 = as fast).
REVISIONS (100,000 unless said) are what a node restarts with, compacts and defragments; DIRECTORY
decides which disk. Medians; ratios are of wall time.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nodeimpl.api.rpc_pb2 import CompactionRequest, PutRequest
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied, CommitPoint
from nodeimpl.mvcc.store import Store
from nodeimpl.raft.effects import Persist
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage.encryption.aes import AesCbc, AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.encryption.secretbox import Secretbox
from nodeimpl.storage.lmdb_backend import LmdbBackend
from nodeimpl.storage.snapshot_file import Origin, snapshot_pieces, write_snapshot
from nodeimpl.storage.wal import Wal

REVISIONS_DEFAULT = 100_000
ENTRY_BYTES = 300
SYNCS = 200
KEYS = 10_000
COMMIT_ROWS = 1_000
COMMITS = 30


class Took(NamedTuple):
    """Milliseconds."""

    wall: float
    cpu: float
    """Of all threads of this process: what a busy machine does not change."""


def timed(call: Callable[[], object]) -> Took:
    """Return how long one call took."""
    started, cpu_started = time.perf_counter_ns(), time.process_time_ns()
    call()
    return Took(
        (time.perf_counter_ns() - started) / 1e6, (time.process_time_ns() - cpu_started) / 1e6
    )


def median(times: Iterable[Took]) -> Took:
    """Return the medians of both."""
    walls, cpus = zip(*times, strict=True)
    return Took(statistics.median(walls), statistics.median(cpus))


def row(name: str, took: Took, reference: str, reference_took: Took) -> None:
    """Print a line of the table."""
    ratio = took.wall / reference_took.wall
    print(f"{name:<42} {took.wall:10.3f} {took.cpu:10.3f} {ratio:8.2f} x {reference}")


def plain_syncs(directory: Path, length: int) -> Took:
    """Return the median of: append `length` bytes to a preallocated file, fdatasync."""
    descriptor = os.open(directory / "plain", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(descriptor, 0, 64 << 20)
    os.fsync(descriptor)
    position = 0

    def write_and_sync() -> None:
        nonlocal position
        position += os.pwrite(descriptor, bytes(length), position)
        os.fdatasync(descriptor)

    took = median(timed(write_and_sync) for _ in range(SYNCS))
    os.close(descriptor)
    return took


class Appender:
    """Appends entries to a log."""

    def __init__(self, directory: Path, cipher: Providers) -> None:
        directory.mkdir()
        self.wal = Wal(directory, cluster_id=1, member_id=1, cipher=cipher)
        self.wal.append(Persist(HardState(Term(1), None), ()))
        self._last = 0

    def append(self) -> None:
        """Append one entry."""
        self._last += 1
        entry = Entry(Term(1), LogIndex(self._last), EntryKind.COMMAND, bytes(ENTRY_BYTES))
        self.wal.append(Persist(None, (entry,)))

    def append_and_sync(self, count: int) -> None:
        """Append so many, and make them durable."""
        for _ in range(count):
            self.append()
        self.wal.sync()


def wal_rows(directory: Path) -> None:
    """Append and sync, alone and in groups."""
    encrypted = Providers((AesGcm("k", bytes(32), os.urandom),))
    for name, cipher in (("", PLAIN), (", aesgcm", encrypted)):
        log = Appender(directory / f"wal{name}", cipher)
        for count in (1, 64):
            append = partial(log.append_and_sync, count)
            took = median(timed(append) for _ in range(SYNCS))
            reference = plain_syncs(directory, count * ENTRY_BYTES)
            row(f"log: {count} entries, sync{name}", took, "the same bytes in a file", reference)
        alone = median(timed(log.append) for _ in range(5_000))
        print(f"{f'log: append only{name}':<42} {alone.wall:10.4f} {alone.cpu:10.4f}")
        log.wal.close()


def commit_rows(directory: Path) -> None:
    """Commit a thousand rows, with every provider."""
    ciphers = {
        "": PLAIN,
        ", aesgcm": Providers((AesGcm("k", bytes(32), os.urandom),)),
        ", aescbc": Providers((AesCbc("k", bytes(32), os.urandom),)),
        ", secretbox": Providers((Secretbox("k", bytes(32), os.urandom),)),
    }
    reference = plain_syncs(directory, COMMIT_ROWS * ENTRY_BYTES)
    for name, cipher in ciphers.items():
        backend = LmdbBackend(directory / f"commit{name}", cipher)
        number = 0
        times: list[Took] = []
        for round_number in range(COMMITS):
            for _ in range(COMMIT_ROWS):
                number += 1
                backend.put(b"r%016d" % number, bytes(ENTRY_BYTES))
            point = backend.seal(Applied(LogIndex(round_number), Term(1)))
            times.append(timed(partial(backend.commit, point)))
        backend.close()
        row(
            f"backend: commit {COMMIT_ROWS} rows{name}",
            median(times),
            "the same bytes in a file",
            reference,
        )


def filled(directory: Path, revisions: int) -> LmdbBackend:
    """Return a backend of so many revisions, of `KEYS` keys in turn."""
    backend = LmdbBackend(directory / "db")
    store = Store(backend, StoreConfig())
    point = CommitPoint(0)
    for number in range(revisions):
        store.apply(PutRequest(key=b"key%08d" % (number % KEYS), value=bytes(100)))
        if number % 10_000 == 9_999 or number + 1 == revisions:
            point = backend.seal(Applied(LogIndex(number), Term(1)))
            backend.commit(point)
    return backend


def compaction_rows(directory: Path, backend: LmdbBackend, store: Store, reading: Took) -> None:
    """Compact everything, a batch at a time, each committed: none may block writes for long."""
    store.apply(CompactionRequest(revision=store.revision))
    index = int(backend.applied.index)
    steps: list[Took] = []

    more = True

    def step() -> None:
        nonlocal index, more
        more = store.compact_step()
        index += 1
        backend.commit(backend.seal(Applied(LogIndex(index), Term(1))))

    while more:
        steps.append(timed(step))
    sync = plain_syncs(directory, 4096)
    row(f"compact: {len(steps)} steps, median", median(steps), "one sync of 4 kB", sync)
    total = Took(sum(step.wall for step in steps), sum(step.cpu for step in steps))
    row("compact: all", total, "reading the file", reading)


def bulk_rows(directory: Path, revisions: int) -> None:
    """Restart, back up, compact and defragment a store of many revisions."""
    backend = filled(directory, revisions)
    backend.close()
    path = directory / "db"
    reading = timed(path.read_bytes)
    opened: list[LmdbBackend] = []
    starting = timed(lambda: opened.append(LmdbBackend(path)))
    stores: list[Store] = []
    loading = timed(lambda: stores.append(Store(opened[0], StoreConfig())))
    backend, store = opened[0], stores[0]
    restart = Took(starting.wall + loading.wall, starting.cpu + loading.cpu)
    row(f"restart: {revisions:,} revisions", restart, "reading the file", reading)
    print(f"{'':<42} {1000 * restart.cpu / revisions:.2f} us of CPU a revision")

    def back_up() -> None:
        with (directory / "backup").open("wb") as file:
            write_snapshot(file, snapshot_pieces(backend.scan(b"", None), Origin(1, 1), PLAIN))

    row("back up to a file", timed(back_up), "reading the file", reading)
    compaction_rows(directory, backend, store, reading)
    before = path.stat().st_size
    row("defragment", timed(backend.defragment), "reading the file", reading)
    after = path.stat().st_size
    print(f"{'':<42} {before / 1e6:.1f} MB -> {after / 1e6:.1f} MB, {after / before:.2f} of it")
    backend.close()


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    revisions = int(arguments[0]) if arguments else REVISIONS_DEFAULT
    print(f"{'':<42} {'ms':>10} {'ms of CPU':>10}    ratio")
    with tempfile.TemporaryDirectory(dir=arguments[1] if len(arguments) > 1 else None) as name:
        directory = Path(name)
        wal_rows(directory)
        commit_rows(directory)
        bulk_rows(directory, revisions)


if __name__ == "__main__":
    main(sys.argv[1:])
