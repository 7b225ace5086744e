"""What operators want of a member's storage, beside the node's own work."""

from collections.abc import AsyncIterator
from typing import Final

import structlog

from nodeimpl.mvcc.snapshot import encode_rows
from nodeimpl.server.driver import Driver
from nodeimpl.server.member_storage import MemberStorage

_BLOCK_BYTES: Final = 512
_LENGTH_BYTES: Final = 8

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
        work = backend.begin_defragment()
        await self._storage.disk.in_thread(work.write)
        backend.finish_defragment(work)

    def snapshot(self) -> tuple[int, AsyncIterator[bytes]]:
        """Return the size of a snapshot of the store as it is now, and its pieces."""
        rows = self._storage.backend.scan(b"", None)
        data = padded(encode_rows(self._driver.node.applied, rows))
        return len(data), _pieces(data)


def padded(snapshot: bytes) -> bytes:
    """Return a snapshot as a file that etcd's clients take for one.

    snapshot, zeros, length of the snapshot:8 (big-endian); a multiple of 512 bytes in all, as the
    clients tell by that whether the checksum that they append is there (etcd, clientv3/snapshot).
    """
    zeros = -(len(snapshot) + _LENGTH_BYTES) % _BLOCK_BYTES
    return snapshot + bytes(zeros) + len(snapshot).to_bytes(_LENGTH_BYTES, "big")


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]
