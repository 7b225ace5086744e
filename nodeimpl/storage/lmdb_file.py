"""One LMDB file: rows, and in the same transaction what of the log they are the outcome of.

    key                  value
    0x00 "applied"       index:8 term:8 size_bytes:8 row_count:8 configuration
    0x01 key             a row of the backend

All values pass through the cipher, bound to their key as it stands here. Keys are in the clear:
the store names its rows by revisions, which are no secret.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import lmdb
import msgspec

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import NOTHING_APPLIED, Applied
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.directories import replace_durably, sync_file
from nodeimpl.storage.overlay import Written

MAP_BYTES_DEFAULT: Final = 1 << 36
"""Address space reserved for a file, not room on the disk."""

_APPLIED_KEY: Final = b"\x00applied"
_ROWS: Final = b"\x01"
_ROWS_END: Final = b"\x02"
_APPLIED = struct.Struct(">QQQQ")
_READERS_MAX: Final = 1024
_LOAD_BYTES: Final = 1 << 26
"""Rows of a bulk load that make one transaction."""


class BackendFullError(Exception):
    """The file cannot grow now; the message says why."""


class BackendDamagedError(Exception):
    """The file is no LMDB file, or one that cannot be read; the message says which."""


class Totals(msgspec.Struct, frozen=True, gc=False):
    """What the rows add up to."""

    applied: Applied
    size_bytes: int
    """Of all keys and values, before encryption."""
    row_count: int


EMPTY: Final = Totals(NOTHING_APPLIED, 0, 0)


def _create(path: Path) -> None:
    """Put an empty file at `path`, whole and durable from the moment it bears that name.

    LMDB itself writes the first pages of a new file without a sync, and takes a part of them, as
    a power cut may leave, for no file of its own.
    """
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    lmdb.open(str(draft), subdir=False, lock=False, mode=0o600).close()
    sync_file(draft)
    replace_durably(draft, path)


class LmdbFile:
    """One open file. Reads and `grow` belong to one thread; `write` may run in another."""

    def __init__(self, path: Path, cipher: Cipher, map_bytes: int) -> None:
        """Open the file, or create an empty one; raise `BackendDamagedError` if it is none."""
        self._cipher = cipher
        try:
            if not path.exists():
                _create(path)
            self._environment = lmdb.open(
                str(path), subdir=False, map_size=map_bytes, max_readers=_READERS_MAX, mode=0o600
            )
        except lmdb.Error as error:
            raise BackendDamagedError(f"{path}: {error}") from error
        self._map_bytes = map_bytes
        self._scans: list[lmdb.Transaction] = []  # A scan may end in another thread.
        self._is_retired = False
        self._reading = self._environment.begin()

    # ------------------------------------------------------------ reading
    def totals(self) -> Totals:
        """Return what the file holds, as of the last `renew`."""
        stored = self._reading.get(_APPLIED_KEY)
        if stored is None:
            return EMPTY
        packed = self._cipher.decrypt(stored, _APPLIED_KEY)
        index, term, size_bytes, row_count = _APPLIED.unpack_from(packed)
        applied = Applied(LogIndex(index), Term(term), packed[_APPLIED.size :])
        return Totals(applied, size_bytes, row_count)

    def get(self, key: bytes) -> bytes | None:
        """Return the row's value as of the last `renew`; None if there is none."""
        stored_key = _ROWS + key
        stored = self._reading.get(stored_key)
        return None if stored is None else self._cipher.decrypt(stored, stored_key)

    def last_key(self) -> bytes | None:
        """Return the largest key as of the last `renew`; None if there are no rows."""
        with self._reading.cursor() as cursor:
            if not cursor.last() or not cursor.key().startswith(_ROWS):
                return None
            return cursor.key()[1:]

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows with start <= key < end, all as of this call, whatever is written later.

        Until it is exhausted or dropped, the pages it reads cannot be used again.
        """
        rows = self._scan(_ROWS + start, _ROWS_END if end is None else _ROWS + end)
        next(rows)  # Now the transaction has begun, and will be ended with the iterator.
        return rows

    def _scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        transaction = self._environment.begin()
        self._scans.append(transaction)
        try:
            yield b"", b""
            decrypt = self._cipher.decrypt
            cursor = transaction.cursor()
            if cursor.set_range(start):
                for key, stored in cursor:
                    if key >= end:
                        break
                    yield key[1:], decrypt(stored, key)
        finally:
            transaction.abort()
            self._scans.remove(transaction)
            if self._is_retired and not self._scans:
                self._environment.close()

    def renew(self) -> None:
        """Let reads see what has been written since."""
        self._reading.abort()
        self._reading = self._environment.begin()

    # ------------------------------------------------------------ writing
    def make_room(self, size_bytes: int, count: int) -> None:
        """Grow, if need be, so that so many bytes in so many rows find room.

        Raises `BackendFullError` if the file would have to grow while scans read it.
        """
        page_bytes = self._environment.stat()["psize"]
        # Every row may touch a leaf, the branches over it, and have pages of its own.
        needed = self.file_bytes() + 2 * size_bytes + (4 * count + 64) * page_bytes
        if needed <= self._map_bytes:
            return
        if self._scans:
            raise BackendFullError(
                f"{self._environment.path()} cannot grow beyond {self._map_bytes} bytes while "
                f"{len(self._scans)} snapshots of it are being read"
            )
        self._reading.abort()
        while self._map_bytes < needed:
            self._map_bytes *= 2
        self._environment.set_mapsize(self._map_bytes)
        self._reading = self._environment.begin()

    def write(self, writes: Iterable[tuple[bytes, Written]], totals: Totals) -> None:
        """Carry `writes` out, in key order, and note `totals`: in one transaction, durably.

        Raises `BackendFullError` if `make_room` was not called for as much.
        """
        try:
            self._write(writes, totals)
        except lmdb.MapFullError as error:
            raise BackendFullError(f"{self._environment.path()}: {error}") from error

    def _write(self, writes: Iterable[tuple[bytes, Written]], totals: Totals) -> None:
        encrypt = self._cipher.encrypt
        with self._environment.begin(write=True) as transaction, transaction.cursor() as cursor:
            last = cursor.key() if cursor.last() else b""
            appended: list[tuple[bytes, bytes]] = []
            for key, written in writes:
                stored_key = _ROWS + key
                if written is None:
                    transaction.delete(stored_key)
                elif stored_key > last:
                    appended.append((stored_key, encrypt(written, stored_key)))
                else:
                    transaction.put(stored_key, encrypt(written, stored_key))
            # Appended pages are filled to the end, others are left half empty by their splits.
            cursor.putmulti(appended, append=True)
            transaction.put(_APPLIED_KEY, encrypt(_packed(totals), _APPLIED_KEY))

    def load(self, rows: Iterable[tuple[bytes, bytes]], applied: Applied) -> Totals:
        """Fill this empty file with rows in ascending key order, in several transactions."""
        size_bytes = row_count = batch_bytes = 0
        batch: list[tuple[bytes, Written]] = []
        for key, value in rows:
            batch.append((key, value))
            batch_bytes += len(key) + len(value)
            if batch_bytes >= _LOAD_BYTES:
                self._load_batch(batch, batch_bytes)
                size_bytes, row_count = size_bytes + batch_bytes, row_count + len(batch)
                batch, batch_bytes = [], 0
        totals = Totals(applied, size_bytes + batch_bytes, row_count + len(batch))
        self.make_room(batch_bytes, len(batch))
        self.write(batch, totals)
        self.renew()
        return totals

    def _load_batch(self, batch: list[tuple[bytes, Written]], batch_bytes: int) -> None:
        self.make_room(batch_bytes, len(batch))
        self.write(batch, EMPTY)

    def copy(self, path: Path) -> None:
        """Write a copy without free pages, as of this call; not durable yet."""
        self._environment.copy(str(path), compact=True)

    # ------------------------------------------------------------ sizes
    def file_bytes(self) -> int:
        """Return the file's size."""
        return (self._environment.info()["last_pgno"] + 1) * self._environment.stat()["psize"]

    def in_use_bytes(self) -> int:
        """Return how much of the file is not free pages."""
        stat = self._environment.stat()
        pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        return (pages + 2) * stat["psize"]  # Two pages say where the tree begins.

    # ------------------------------------------------------------ end
    def retire(self) -> None:
        """Close the file as soon as no scan reads it any more."""
        self._is_retired = True
        self._reading.abort()
        if not self._scans:
            self._environment.close()


def _packed(totals: Totals) -> bytes:
    applied = totals.applied
    head = _APPLIED.pack(applied.index, applied.term, totals.size_bytes, totals.row_count)
    return head + applied.configuration
