"""The lines of a text file, one after another, in memory bounded by the longest."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from checkers.heard_file import Heard, HeardFile
from checkers.history_file import LINE_BYTES_MAX, HistoryFileError, too_long


def byte_lines(
    path: Path, heard: Heard, *, bytes_max: int = LINE_BYTES_MAX
) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number, from 1, and its newline; the last may lack one.

    Raises `HistoryFileError` for a file that cannot be read, and for a line of more than
    `bytes_max`.
    """
    number = 0
    try:
        with closing(HeardFile(path, heard)) as file:
            while line := file.readline(bytes_max + 1):
                number += 1
                if len(line) > bytes_max:
                    raise too_long(path, number, bytes_max)
                yield number, line
    except OSError as error:
        raise HistoryFileError(path, None, f"cannot be opened: {error.strerror}") from error


def text_lines(path: Path, heard: Heard) -> Iterator[tuple[int, str]]:
    """Yield each line as `byte_lines` does, as text; a mark of byte order before the first goes.

    Raises `HistoryFileError` for what is not UTF-8, too.
    """
    for number, line in byte_lines(path, heard):
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise HistoryFileError(path, number, "is not text; expected UTF-8") from error
