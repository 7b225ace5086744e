"""What readers of foreign formats have in common: from lines in a file to a `History`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from checkers.history import History, HistoryError, Op, OpType, Process
from checkers.history_file import HistoryFileError


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One op as a foreign format wrote it; the order of entries is the order of the history."""

    line: int
    """Where it begins in the file, from 1."""
    process: Process
    type: OpType
    f: str
    time: int | None = None
    """Nanoseconds, if the format knows."""
    key: str | None = None
    value: object = None
    error: str | None = None


def read_text(path: Path) -> str:
    """Return the file's text, or raise `HistoryFileError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HistoryFileError(path, None, f"cannot be opened: {error.strerror}") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise HistoryFileError(path, line, "is not text; expected UTF-8") from error


def history_of(path: Path, entries: Iterable[Entry]) -> History:
    """Return the history that `entries` tell, or raise `HistoryFileError` with their line.

    Ops are numbered in the order of the entries. Times are the entries' own if all have one, each
    raised to the one before it: Jepsen stamps an op shortly before it appends it, so neighbours
    may be swapped, and it is the order of the lines that counts. Otherwise an op's time is its
    number.
    """
    listed = list(entries)
    if not listed:
        raise HistoryFileError(path, None, "holds no operation")
    try:
        return History(
            Op(
                index=index,
                time=time,
                process=entry.process,
                type=entry.type,
                f=entry.f,
                key=entry.key,
                value=entry.value,
                error=entry.error,
            )
            for index, (entry, time) in enumerate(zip(listed, _times(listed), strict=True))
        )
    except HistoryError as error:
        raise HistoryFileError(path, listed[error.index].line, error.message) from error


def _times(entries: Sequence[Entry]) -> list[int]:
    times: list[int] = []
    latest = 0
    for entry in entries:
        if entry.time is None:
            return list(range(len(entries)))
        latest = max(latest, entry.time)
        times.append(latest)
    return times
