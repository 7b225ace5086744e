"""A file that is read line by line while somebody hears how far it is.

One that gzip compressed is read as what it was before.
"""

import errno
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

_GZIP_MAGIC: Final = b"\x1f\x8b"

NOTICE_BYTES: Final = 1024 * 1024
"""How many bytes are read, at least, from one notice to the next."""

Heard: TypeAlias = Callable[[int], None]
"""Is told of the bytes that were read since it was last called."""


def unheard(count: int) -> None:
    """Take no notice of `count` bytes."""


class HeardFile:
    """A file opened for reading; `OSError` is raised if it cannot be, or is no whole gzip file."""

    __slots__ = ("_file", "_heard", "_is_compressed", "_raw", "_said", "_unsaid")

    def __init__(self, path: Path, heard: Heard) -> None:
        self._heard: Final = heard
        raw = path.open("rb")
        self._raw: Final[BinaryIO] = raw
        self._is_compressed: Final = raw.peek(2)[:2] == _GZIP_MAGIC
        self._file: Final = gzip.GzipFile(fileobj=raw) if self._is_compressed else raw
        self._unsaid = 0
        """Bytes that came out of it since the last notice."""
        self._said = 0

    def readline(self, bytes_max: int) -> bytes:
        """Return the next line with its newline, or its first `bytes_max`; none at the end."""
        line = self._unpacked(bytes_max) if self._is_compressed else self._file.readline(bytes_max)
        self._unsaid += len(line)
        if self._unsaid >= NOTICE_BYTES or not line:
            self._unsaid = 0
            now = self._raw.tell()
            self._heard(now - self._said)
            self._said = now
        return line

    def readlines(self, bytes_max: int) -> bytes:
        """Return the next lines, until they have `bytes_max`: that much, or what is left."""
        found = bytearray()
        while len(found) < bytes_max and (line := self.readline(bytes_max - len(found))):
            found += line
        return bytes(found)

    def _unpacked(self, bytes_max: int) -> bytes:
        try:
            return self._file.readline(bytes_max)
        except (EOFError, OSError, zlib.error) as error:
            raise OSError(errno.EIO, "its gzip data is damaged or cut off") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()
