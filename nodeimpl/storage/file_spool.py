"""A state's bytes in a file without a name: nothing of it outlives the process.

The bytes lie there in blocks, each of which has passed through the cipher; what does not fill a
block yet is in memory. Those that come from an iterator are taken from it as they are asked for.
"""

import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from nodeimpl.spool import Part
from nodeimpl.storage.cipher import Cipher

BLOCK_BYTES: Final = 256 << 10


class FileSpool:
    """Bytes to be read piece by piece (`nodeimpl.spool`)."""

    def __init__(self, directory: Path, cipher: Cipher, pieces: Iterable[bytes] = ()) -> None:
        """Begin with `pieces`, as far as they are asked for; raise `OSError` without a file."""
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 - see below
        weakref.finalize(self, self._file.close)
        self._cipher = cipher
        self._pieces = iter(pieces)
        self._stored: list[tuple[int, int]] = []
        """Of each block: where it lies in the file, and how many bytes it takes there."""
        self._end = 0
        """Of the file."""
        self._rest = bytearray()
        self._read: tuple[int, bytes] = (-1, b"")
        """The block that was read last, and its number."""

    def __len__(self) -> int:
        """Return how many bytes have arrived, or been taken from the pieces, so far."""
        return len(self._stored) * BLOCK_BYTES + len(self._rest)

    def extend(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._rest += data
        while len(self._rest) >= BLOCK_BYTES:
            block = bytes(self._rest[:BLOCK_BYTES])
            del self._rest[:BLOCK_BYTES]
            stored = self._cipher.encrypt(block, _place(len(self._stored)))
            self._file.seek(self._end)
            self._file.write(stored)
            self._stored.append((self._end, len(stored)))
            self._end += len(stored)

    def __getitem__(self, part: Part) -> bytes:
        """Return the bytes from `part.start` to before `part.stop`; fewer if there are no more."""
        start, stop = part.start or 0, part.stop
        self._take_until(stop)
        stop = len(self) if stop is None else min(stop, len(self))
        found = bytearray()
        while start < stop:
            number, offset = divmod(start, BLOCK_BYTES)
            piece = self._block(number)[offset : offset + stop - start]
            found += piece
            start += len(piece)
        return bytes(found)

    def _take_until(self, length: int | None) -> None:
        """Take pieces until there are so many bytes, or no more pieces."""
        while length is None or len(self) < length:
            piece = next(self._pieces, None)
            if piece is None:
                return
            self.extend(piece)

    def _block(self, number: int) -> bytes | bytearray:
        if number == len(self._stored):
            return self._rest
        if self._read[0] != number:
            position, length = self._stored[number]
            self._file.seek(position)
            stored = self._file.read(length)
            assert len(stored) == length, f"block {number} of a spool is cut short"
            self._read = (number, self._cipher.decrypt(stored, _place(number)))
        return self._read[1]


def _place(number: int) -> bytes:
    return b"spool:%d" % number
