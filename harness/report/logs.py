"""What the nodes said and did around the conviction."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from checkers.verdict import Verdict
from harness.errors import RunDirectoryError
from harness.report.daemon_log import LogLine, log_lines
from harness.report.excerpt import Excerpt, Line, Moment, around
from harness.report.moments import moments_of
from harness.report.recorded import Recorded
from nemesis.applied import Outcome
from nemesis.faults.clock import ClockFault
from nodeimpl.ids import SECOND

TAIL_LINES: Final = 60
"""Of the transitions of a simulation, if there is no moment to look at."""

LOG_TAIL_LINES: Final = 40
"""Of each real node's log: its last lines, and the last of those that warn."""

_TIME_COLUMNS: Final = 15
"""Of a transition: its time in seconds."""


def excerpts_of(run: Recorded, conviction: Verdict | None) -> tuple[Excerpt, ...]:
    """Return what is worth reading: around the moments of `conviction`, or the end without one."""
    moments = () if conviction is None else moments_of(run, conviction)
    if run.transitions_path.is_file():
        return (_transitions(run.transitions_path, moments),)
    nodes = run.directory.path / "nodes"
    logs = sorted(nodes.glob("*/daemon.log")) if nodes.is_dir() else []
    return tuple(each for path in logs for each in _daemon_log(run, path, moments))


def _when(moments: Sequence[Moment]) -> str:
    first, last = moments[0].at_ns / SECOND, moments[-1].at_ns / SECOND
    return f"around {first:.3f} s" if first == last else f"from {first:.3f} s to {last:.3f} s"


# ---------------------------------------------------------------- simulated nodes
def _transitions(path: Path, moments: Sequence[Moment]) -> Excerpt:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            if not moments:
                tail = deque((text for _, text in _timed(path, file)), maxlen=TAIL_LINES)
                lines = tuple(map(Line, tail))
                return Excerpt(title="What the nodes did at the end", lines=lines)
            lines = tuple(around(_timed(path, file), moments))
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error
    return Excerpt(title=f"What the nodes did {_when(moments)}", lines=lines)


def _timed(path: Path, file: TextIO) -> Iterator[tuple[int, str]]:
    """Yield each transition with its time; the last one may be torn by a kill of the harness."""
    for number, line in enumerate(file, 1):
        if not line.endswith("\n"):
            return
        try:
            at_ns = round(float(line[:_TIME_COLUMNS]) * SECOND)
        except ValueError as error:
            raise RunDirectoryError("not a transition", path=path, line=number) from error
        yield at_ns, line.rstrip("\n")


# ---------------------------------------------------------------- real nodes
def _daemon_log(run: Recorded, path: Path, moments: Sequence[Moment]) -> Iterator[Excerpt]:
    node = path.parent.name
    zero = run.directory.header.zero
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            if zero is not None and moments:
                lines = tuple(around(_stamped(file, zero), moments))
                clock = ", by its own clock, which faults bent" if _is_bent(run, node) else ""
                yield Excerpt(title=f"{node}: its log {_when(moments)}{clock}", lines=lines)
                file.seek(0)
            last: deque[str] = deque(maxlen=LOG_TAIL_LINES)
            warned: deque[str] = deque(maxlen=LOG_TAIL_LINES)
            for line in log_lines(file, zero):
                last.append(_with_time(line) if zero is not None else line.text)
                if line.warns:
                    warned.append(last[-1])
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error
    if warned:
        title = f"{node}: the last warnings and errors"
        yield Excerpt(title=title, lines=tuple(map(Line, warned)))
    if last:
        yield Excerpt(title=f"{node}: the end of its log", lines=tuple(map(Line, last)))


def _stamped(file: TextIO, zero: datetime) -> Iterator[tuple[int | None, str]]:
    for line in log_lines(file, zero):
        yield line.at_ns, _with_time(line)


def _with_time(line: LogLine) -> str:
    """Return the line after its time in the history, in as many columns as moments have."""
    if line.at_ns is None:
        return f"{'':15} {line.text}"
    return f"{line.at_ns / SECOND:15.6f} {line.text}"


def _is_bent(run: Recorded, node: str) -> bool:
    """Say whether a fault changed the clock of `node`, and with it the times in its log."""
    return any(
        isinstance(record.fault, ClockFault)
        and record.fault.target == node
        and record.outcome is Outcome.DONE
        for record in run.schedule.applied
    )
