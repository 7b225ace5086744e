"""What readers of foreign formats have in common: from lines in a file to a `History`."""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkers.history import NEMESIS, History, HistoryError, Op, OpType, Process
from checkers.history_file import HistoryFileError
from checkers.shared_text import sharing

TRANSACTION: Final = "txn"
"""The `f` of an operation whose value is a list of micro-operations."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


def history_of(path: Path, entries: Iterable[Entry]) -> History:
    """Return the history that `entries` tell, or raise `HistoryFileError` with their line.

    Ops are numbered in the order of the entries. Times are the entries' own if all have one, each
    raised to the one before it: Jepsen stamps an op shortly before it appends it, so neighbours
    may be swapped, and it is the order of the lines that counts. Otherwise an op's time is its
    number.

    Each entry is let go once its op is made, if the caller keeps none.
    """
    waiting = deque(entries)
    if not waiting:
        raise HistoryFileError(path, None, "holds no operation")
    lines = array("Q", (entry.line for entry in waiting))
    timed = all(entry.time is not None for entry in waiting)
    try:
        return History(_ops(waiting, timed=timed))
    except HistoryError as error:
        raise HistoryFileError(path, lines[error.index], error.message) from error


def _ops(waiting: deque[Entry], *, timed: bool) -> Iterator[Op]:
    shared = sharing()
    index, latest = 0, 0
    while waiting:
        entry = waiting.popleft()
        latest = max(latest, entry.time) if timed and entry.time is not None else index
        process = entry.process
        yield Op(
            index=index,
            time=latest,
            process=shared(process) if isinstance(process, str) else process,
            # Whatever a nemesis does, others may call it asked and done: it is a note.
            type=OpType.INFO if process == NEMESIS else entry.type,
            f=shared(entry.f),
            key=None if entry.key is None else shared(entry.key),
            value=entry.value,
            error=None if entry.error is None else shared(entry.error),
        )
        index += 1
