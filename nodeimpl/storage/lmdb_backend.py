"""The real node's backend: an LMDB file, and in memory what is not in it yet.

    put, delete     overlay (newest write of each key) and the open layer
    seal            closes the open layer: one commit point
    commit          the layers up to a point -> one LMDB transaction with their applied index

Reads look at the overlay first, then at the file. A commit has three steps, so that the long one
can run in a thread while the node goes on:

    work = backend.begin_commit(point)     in the node's thread
    work.write()                           in any thread: encrypts, writes, one fsync
    backend.finish_commit(work)            in the node's thread: the overlay forgets what is written

`defragment` has the same three steps. One of these works is under way at a time.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nodeimpl.mvcc.backend import Applied, CommitPoint
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.directories import replace_durably, sync_directory, sync_file
from nodeimpl.storage.encryption.providers import PLAIN
from nodeimpl.storage.file_spool import FileSpool
from nodeimpl.storage.lmdb_file import MAP_BYTES_DEFAULT, LmdbFile, Totals
from nodeimpl.storage.overlay import Overlay, Written, merged

_TEMPORARY: Final = ".tmp"
_LOCK: Final = "-lock"


@dataclass(slots=True)
class _Layer:
    """The writes between two seals."""

    point: CommitPoint
    totals: Totals
    writes: dict[bytes, Written]
    restored: "tuple[LmdbFile, Path] | None" = None
    """The file that replaced everything before these writes; None if they were no restore."""


@dataclass(slots=True)
class CommitWork:
    """What one commit writes."""

    point: CommitPoint
    totals: Totals
    target: Path
    file: LmdbFile
    """The file that will lie at `target` afterwards."""
    writes: dict[bytes, Written]
    restored_at: Path | None
    """Where that file lies now; None if it is at `target` already."""
    keys: list[bytes] = field(default_factory=list)

    def write(self) -> None:
        """Make it durable, all or nothing. May run in another thread."""
        self.keys = sorted(self.writes)
        self.file.write(((key, self.writes[key]) for key in self.keys), self.totals)
        if self.restored_at is not None:
            replace_durably(self.restored_at, self.target)


@dataclass(slots=True)
class DefragmentWork:
    """A compacting copy of the file."""

    file: LmdbFile
    target: Path
    copied_to: Path
    rewritten: tuple[Cipher, int, Totals] | None
    """How to encrypt every row anew: cipher, map size, and what is in the file; None: keep them."""

    def write(self) -> None:
        """Copy. May run in another thread; nothing may be committed meanwhile."""
        if self.rewritten is None:
            self.file.copy(self.copied_to)
        else:
            cipher, map_bytes, totals = self.rewritten
            copy = LmdbFile(self.copied_to, cipher, map_bytes)
            copied = copy.load(self.file.scan(b"", None), totals.applied)
            assert copied == totals, f"copied {copied}, expected {totals}"
            copy.retire()
        sync_file(self.copied_to)


class LmdbBackend:
    """An ordered map (`mvcc.backend.Backend`) in a file."""

    def __init__(
        self, path: Path, cipher: Cipher = PLAIN, *, map_bytes: int = MAP_BYTES_DEFAULT
    ) -> None:
        """Open the file, or create an empty one; its directory belongs to this process.

        Raises `BackendDamagedError`, and `CipherError` if no key fits.
        """
        _remove_leftovers(path)
        self._path = path
        self._cipher = cipher
        self._map_bytes = map_bytes
        is_new = not path.exists()
        self._file = LmdbFile(path, cipher, map_bytes)
        """What reads go to."""
        if is_new:
            sync_directory(path.parent)
        self._durable_file = self._file
        """What lies at `path`: another one while a restore is not committed."""
        self._durable = self._file.totals()
        self._size_bytes = self._durable.size_bytes
        self._row_count = self._durable.row_count
        self._largest_key = self._file.last_key() or b""
        """No key behind it was ever written: there is no need to look for one."""
        self._overlay = Overlay()
        self._layers: deque[_Layer] = deque()
        self._open: dict[bytes, Written] = {}
        self._last_point = CommitPoint(0)
        self._next_point = CommitPoint(1)
        self._work: CommitWork | DefragmentWork | None = None
        self._temporary_count = 0

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._path

    # ------------------------------------------------------------ the map
    @property
    def applied(self) -> Applied:
        """What the last point sealed, or found in the file, is the outcome of."""
        return self._layers[-1].totals.applied if self._layers else self._durable.applied

    @property
    def durable(self) -> Applied:
        """What a crash would return to."""
        return self._durable.applied

    @property
    def is_sealed(self) -> bool:
        """Nothing was written since the last seal: the map is the outcome of `applied`."""
        return not self._open

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, or None if there is none; raise `CipherError`."""
        write = self._overlay.get(key)
        return self._file.get(key) if write is None else write[0]

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`."""
        previous: bytes | None = None
        if key > self._largest_key:
            self._largest_key = key
        else:
            previous = self.get(key)
        if previous is None:
            self._row_count += 1
            self._size_bytes += len(key) + len(value)
        else:
            self._size_bytes += len(value) - len(previous)
        self._write(key, value)

    def delete(self, key: bytes) -> None:
        """Remove `key`; removing what is not there does nothing."""
        previous = self.get(key)
        if previous is not None:
            self._row_count -= 1
            self._size_bytes -= len(key) + len(previous)
            self._write(key, None)

    def _write(self, key: bytes, written: Written) -> None:
        self._open[key] = written
        self._overlay.write(key, written, self._next_point)

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start <= key < end in key order; `end` None means to the last.

        They are as of this call, whatever is written, committed or defragmented meanwhile; so a
        scan of everything is a consistent snapshot. Raises `CipherError` where no key fits.
        """
        if end is not None and end <= start:
            return iter(())
        return merged(self._overlay.slice(start, end), self._file.scan(start, end))

    # ------------------------------------------------------------ points
    def seal(self, applied: Applied) -> CommitPoint:
        """Name everything written so far, `applied` with it, as one commit point."""
        return self._close(applied, restored=None)

    def restore(self, applied: Applied, rows: Iterable[tuple[bytes, bytes]]) -> CommitPoint:
        """Put `rows`, in ascending key order, in the place of everything; seal that.

        They are written to a file of their own at once, and take the place of the old one with
        the commit; a crash before that leaves the old one.
        """
        path = self._temporary_path()
        file = LmdbFile(path, self._cipher, self._map_bytes)
        totals = file.load(rows, applied)
        self._file = file
        self._overlay = Overlay()
        self._open = {}
        self._size_bytes, self._row_count = totals.size_bytes, totals.row_count
        self._largest_key = file.last_key() or b""
        return self._close(applied, restored=(file, path))

    def _close(self, applied: Applied, restored: tuple[LmdbFile, Path] | None) -> CommitPoint:
        assert applied.index >= self.applied.index, (
            f"applied index {applied.index} after {self.applied.index}: it only grows"
        )
        totals = Totals(applied, self._size_bytes, self._row_count)
        point = self._next_point
        self._layers.append(_Layer(point, totals, self._open, restored))
        self._open = {}
        self._last_point, self._next_point = point, CommitPoint(point + 1)
        return point

    def commit(self, point: CommitPoint) -> None:
        """Make everything up to `point` durable; a point already durable changes nothing."""
        work = self.begin_commit(point)
        if work is not None:
            work.write()
            self.finish_commit(work)

    def begin_commit(self, point: CommitPoint) -> CommitWork | None:
        """Return what is to be written for `point`; None if it is durable already.

        Raises `BackendFullError` if the file cannot grow now.
        """
        assert point <= self._last_point, f"point {point} was never sealed"
        assert self._work is None, "one work at a time"
        if not self._layers or point < self._layers[0].point:
            return None
        file, restored_at = self._durable_file, None
        writes: dict[bytes, Written] = {}
        totals = self._durable
        for layer in self._layers:
            if layer.point > point:
                break
            if layer.restored is not None:
                file, restored_at = layer.restored
                writes = {}
            writes.update(layer.writes)
            totals = layer.totals
        file.make_room(
            sum(len(key) + len(value or b"") for key, value in writes.items()), len(writes)
        )
        self._work = CommitWork(point, totals, self._path, file, writes, restored_at)
        return self._work

    def finish_commit(self, work: CommitWork) -> None:
        """Take note that `work` has been written."""
        assert self._work is work, "another work is under way"
        self._work = None
        while self._layers and self._layers[0].point <= work.point:
            restored = self._layers.popleft().restored
            if restored is not None and restored[0] is not work.file:
                _discard(*restored)
        if work.file is not self._durable_file:
            self._durable_file.retire()
            self._durable_file = work.file
        self._durable = work.totals
        work.file.renew()
        self._overlay.forget(work.keys, work.point)

    # ------------------------------------------------------------ states on their way
    def spool(self) -> FileSpool:
        """Return an empty place for the bytes of a state that arrives."""
        return FileSpool(self._path.parent, self._cipher)

    def spooled(self, pieces: Iterable[bytes]) -> FileSpool:
        """Return the bytes of a state that is to be sent; pieces are read as they are asked for."""
        return FileSpool(self._path.parent, self._cipher, pieces)

    # ------------------------------------------------------------ sizes
    def size_bytes(self) -> int:
        """Bytes of all keys and values now in the map, as they were before encryption."""
        return self._size_bytes

    @property
    def is_behind(self) -> bool:
        """Whether any point waits to be committed."""
        return bool(self._layers)

    def row_count(self) -> int:
        """Return how many keys are in the map."""
        return self._row_count

    def file_bytes(self) -> int:
        """Return the size of the file (etcd, Status: db_size)."""
        return self._durable_file.file_bytes()

    def in_use_bytes(self) -> int:
        """Return how much of the file is in use (etcd, Status: db_size_in_use)."""
        return self._durable_file.in_use_bytes()

    # ------------------------------------------------------------ defragmentation
    def defragment(self, *, rewrite: bool = False) -> None:
        """Give the room of free pages back to the disk; `rewrite` also encrypts every row anew."""
        work = self.begin_defragment(rewrite=rewrite)
        work.write()
        self.finish_defragment(work)

    def begin_defragment(self, *, rewrite: bool = False) -> DefragmentWork:
        """Return the copying that is to be done. No commit may begin before it is finished."""
        assert self._work is None, "one work at a time"
        rewritten = (self._cipher, self._map_bytes, self._durable) if rewrite else None
        work = DefragmentWork(self._durable_file, self._path, self._temporary_path(), rewritten)
        self._work = work
        return work

    def finish_defragment(self, work: DefragmentWork) -> None:
        """Put the copy in the place of the file; durable on return."""
        assert self._work is work, "another work is under way"
        self._work = None
        copy = LmdbFile(work.copied_to, self._cipher, self._map_bytes)
        replace_durably(work.copied_to, self._path)
        self._durable_file.retire()
        is_read = self._file is self._durable_file
        self._durable_file = copy
        if is_read:
            self._file = copy

    def close(self) -> None:
        """Let the file go. What was not committed is lost."""
        for layer in self._layers:
            if layer.restored is not None:
                _discard(*layer.restored)
        self._durable_file.retire()

    def _temporary_path(self) -> Path:
        self._temporary_count += 1
        return self._path.with_name(f"{self._path.name}.{self._temporary_count}{_TEMPORARY}")


def _discard(file: LmdbFile, path: Path) -> None:
    """Let a restored file go that never was, or will be, in force."""
    file.retire()
    path.unlink()


def _remove_leftovers(path: Path) -> None:
    """Remove what a crash left of copies that never took the file's place, and old locks."""
    for pattern in (f"{path.name}.*{_TEMPORARY}", f"{path.name}.*{_TEMPORARY}{_LOCK}"):
        for leftover in sorted(path.parent.glob(pattern)):
            leftover.unlink()
