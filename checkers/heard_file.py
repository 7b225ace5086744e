"""A file that is read line by line while somebody hears how far it is."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

NOTICE_BYTES: Final = 1024 * 1024
"""How many bytes are read, at least, from one notice to the next."""

Heard: TypeAlias = Callable[[int], None]
"""Is told of the bytes that were read since it was last called."""


def unheard(count: int) -> None:
    """Take no notice of `count` bytes."""


class HeardFile:
    """A file opened for reading; `OSError` is raised if it cannot be."""

    __slots__ = ("_file", "_heard", "_unsaid")

    def __init__(self, path: Path, heard: Heard) -> None:
        self._heard: Final = heard
        self._file: Final[BinaryIO] = path.open("rb")
        self._unsaid = 0

    def readline(self, bytes_max: int) -> bytes:
        """Return the next line with its newline, or its first `bytes_max`; none at the end."""
        line = self._file.readline(bytes_max)
        self._unsaid += len(line)
        if self._unsaid >= NOTICE_BYTES or not line:
            self._heard(self._unsaid)
            self._unsaid = 0
        return line

    def close(self) -> None:
        """Close the file."""
        self._file.close()
