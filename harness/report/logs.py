"""What the nodes said and did around the moment that matters."""

from collections import deque
from pathlib import Path
from typing import Final

import msgspec

from harness.errors import RunDirectoryError
from harness.report.recorded import Recorded
from nodeimpl.ids import SECOND

LINES_BEFORE: Final = 60
LINES_AFTER: Final = 20
"""Of the transitions of a simulation, before and after the moment."""

TAIL_LINES: Final = 40
"""Of each real node's log: its last lines, and the last of those that warn."""

_TIME_COLUMNS: Final = 15
"""Of a transition: its time in seconds."""

_WARNINGS: Final = ('"level":"warn', '"level":"error', '"level":"fatal', '"level":"panic', "panic:")


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """Some lines of a file, and where they are from."""

    title: str
    lines: tuple[str, ...]


def excerpts_of(run: Recorded, at_ns: int | None) -> tuple[Excerpt, ...]:
    """Return what is worth reading: around `at_ns`, or, if that is None, the end."""
    if run.transitions_path.is_file():
        return (_transitions(run.transitions_path, at_ns),)
    nodes = run.directory.path / "nodes"
    logs = sorted(nodes.glob("*/daemon.log")) if nodes.is_dir() else []
    return tuple(each for path in logs for each in _daemon_log(path))


def _transitions(path: Path, at_ns: int | None) -> Excerpt:
    before: deque[str] = deque(maxlen=LINES_BEFORE)
    after: list[str] = []
    limit_s = float("inf") if at_ns is None else at_ns / SECOND
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if _seconds(path, number, line) <= limit_s:
                    before.append(line.rstrip("\n"))
                elif len(after) < LINES_AFTER:
                    after.append(line.rstrip("\n"))
                else:
                    break
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error
    when = "at the end" if at_ns is None else f"around {at_ns / SECOND:.3f} s"
    return Excerpt(title=f"What the nodes did {when}", lines=(*before, *after))


def _seconds(path: Path, number: int, line: str) -> float:
    if not line.endswith("\n"):
        return float("inf")  # torn by a kill of the harness
    try:
        return float(line[:_TIME_COLUMNS])
    except ValueError as error:
        raise RunDirectoryError("not a transition", path=path, line=number) from error


def _daemon_log(path: Path) -> list[Excerpt]:
    last: deque[str] = deque(maxlen=TAIL_LINES)
    warned: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                last.append(line.rstrip("\n"))
                if any(word in line for word in _WARNINGS):
                    warned.append(line.rstrip("\n"))
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error
    node = path.parent.name
    found = [Excerpt(title=f"{node}: the last warnings and errors", lines=tuple(warned))]
    found.append(Excerpt(title=f"{node}: the end of its log", lines=tuple(last)))
    return [excerpt for excerpt in found if excerpt.lines]
