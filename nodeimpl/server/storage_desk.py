"""What operators want of a member's storage, beside the node's own work."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from nodeimpl.server.driver import Driver
from nodeimpl.server.member_storage import MemberStorage
from nodeimpl.storage.snapshot_file import snapshot_pieces

PIECE_BYTES: Final = 32 << 10
"""Of a snapshot, in one response (as etcd)."""

_log: Final = structlog.stdlib.get_logger("storage")


class StorageDesk:
    """Sizes, defragmentation and snapshots."""

    def __init__(self, driver: Driver, storage: MemberStorage) -> None:
        self._driver = driver
        self._storage = storage

    def file_bytes(self) -> int:
        """Return the size of the backend's file."""
        return self._storage.backend.file_bytes()

    def in_use_bytes(self) -> int:
        """Return how much of it is in use."""
        return self._storage.backend.in_use_bytes()

    async def defragment(self) -> None:
        """Give the rest back to the file system. Nothing becomes durable meanwhile (as etcd)."""
        before = self.file_bytes()
        await self._driver.exclusively(self._defragment)
        _log.info("defragmented", bytes_before=before, bytes_after=self.file_bytes())

    async def _defragment(self) -> None:
        backend = self._storage.backend
        # While several keys are configured, they are being rotated: move everything to the first.
        work = backend.begin_defragment(rewrite=self._storage.cipher.reads_others)
        await self._storage.disk.in_thread(work.write)
        backend.finish_defragment(work)

    async def snapshot(self) -> tuple[int, AsyncIterator[bytes]]:
        """Return the size of a backup of the store as it is now, and its pieces.

        It is written to a file without a name first: so its size is known, and a slow client
        keeps no pages of the backend from being used again.
        """
        storage = self._storage
        pieces = snapshot_pieces(storage.backend.scan(b"", None), storage.origin, storage.cipher)
        file, length = await asyncio.to_thread(_spooled, pieces, storage.backend.path.parent)
        return length, _pieces(file)


def _spooled(pieces: Iterator[bytes], directory: Path) -> tuple[BinaryIO, int]:
    """Return a file of all pieces, at its beginning, and its length."""
    file: BinaryIO = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed by its reader
    file.writelines(pieces)
    length = file.tell()
    file.seek(0)
    return file, length


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
