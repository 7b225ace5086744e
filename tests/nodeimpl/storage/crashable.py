"""Backends that can be crashed, so that one set of tests judges all of them."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from nodeimpl.mvcc.backend import Applied, Backend, CommitPoint
from nodeimpl.spool import Spool, StateBytes
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.lmdb_backend import LmdbBackend
from nodeimpl.storage.memory_backend import MemoryBackend


class CrashableBackend(Backend, Protocol):
    """A backend, and the end of the daemon that uses it."""

    @property
    def durable(self) -> Applied:
        """What a crash would return to."""

    def crash(self) -> None:
        """Return to the last commit."""


class ReopenedBackend:
    """An LMDB backend whose crash is that its file is opened anew, without what was in memory."""

    def __init__(self, directory: Path, cipher: Cipher, map_bytes: int) -> None:
        self._path = directory / "backend.mdb"
        self._cipher = cipher
        self._map_bytes = map_bytes
        self.inner = LmdbBackend(self._path, cipher, map_bytes=map_bytes)

    @property
    def applied(self) -> Applied:
        return self.inner.applied

    @property
    def durable(self) -> Applied:
        return self.inner.durable

    @property
    def is_sealed(self) -> bool:
        return self.inner.is_sealed

    def get(self, key: bytes) -> bytes | None:
        return self.inner.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.inner.put(key, value)

    def delete(self, key: bytes) -> None:
        self.inner.delete(key)

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        return self.inner.scan(start, end)

    def seal(self, applied: Applied) -> CommitPoint:
        return self.inner.seal(applied)

    def restore(self, applied: Applied, rows: Iterable[tuple[bytes, bytes]]) -> CommitPoint:
        return self.inner.restore(applied, rows)

    def commit(self, point: CommitPoint) -> None:
        self.inner.commit(point)

    def size_bytes(self) -> int:
        return self.inner.size_bytes()

    @property
    def is_behind(self) -> bool:
        return self.inner.is_behind

    def row_count(self) -> int:
        return self.inner.row_count()

    def spool(self) -> Spool:
        return self.inner.spool()

    def spooled(self, pieces: Iterable[bytes]) -> StateBytes:
        return self.inner.spooled(pieces)

    def crash(self) -> None:
        self.inner.close()
        self.inner = LmdbBackend(self._path, self._cipher, map_bytes=self._map_bytes)


MakeBackend = Callable[[Path], CrashableBackend]


def counted(length: int) -> bytes:
    """Return bytes no two of which are alike, as entropy."""
    return next(_COUNTER).to_bytes(length, "big")


_COUNTER = itertools.count()

KINDS: dict[str, MakeBackend] = {
    "memory": lambda _: MemoryBackend(),
    "lmdb": lambda directory: ReopenedBackend(directory, PLAIN, 1 << 22),
    "lmdb, encrypted": lambda directory: ReopenedBackend(
        directory, Providers((AesGcm("key1", bytes(32), counted),)), 1 << 22
    ),
}
