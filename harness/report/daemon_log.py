"""Lines of real nodes' logs: when each was written, and whether it warns.

Known are JSON lines (etcd with zap, our own node), etcd's console lines (zap's console encoder),
and those of capnslog, which etcd had before 3.5. What has no time of its own, as the lines of a
traceback, was written when the line before it was.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

_WARNING_LEVELS: Final = frozenset(
    ("warn", "warning", "error", "dpanic", "panic", "fatal", "critical")
)
_PANIC: Final = "panic:"
"""How Go begins when a program dies of its own assertion."""

_CONSOLE: Final = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))\t(\w+)\t")
_CAPNSLOG: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) ([A-Z]) \| ")
_CAPNSLOG_WARNINGS: Final = "CEW"
"""Critical, error, warning."""

_MICROSECOND: Final = timedelta(microseconds=1)
_ZONE_STEP_S: Final = 900
"""Zones are whole quarters of an hour from UTC."""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    at_ns: int | None
    """From time 0 of the history, by the node's own clock; None where nobody knows."""
    warns: bool
    text: str


class _Entry(msgspec.Struct, frozen=True):
    """What a JSON line may say; the rest of it is passed over."""

    ts: str | float | None = None
    level: str = ""


def log_lines(lines: Iterable[str], zero: datetime | None) -> Iterator[LogLine]:
    """Yield each of `lines`, which were written around `zero`, time 0 of the history.

    If `zero` is None, nobody knows when that was, and no line has a time. Times without a zone
    (capnslog) are some zone's: the one in which the first of them is nearest to `zero`.
    """
    at_ns: int | None = None
    zone: timedelta | None = None
    for line in lines:
        text = line.rstrip("\n")
        when, warns = _read(text)
        if when is not None and zero is not None:
            if when.tzinfo is None:
                when = when.replace(tzinfo=UTC)
                zone = _zone_of(when, zero) if zone is None else zone
                when -= zone
            at_ns = (when - zero) // _MICROSECOND * 1000
        yield LogLine(at_ns=at_ns, warns=warns, text=text)


def _zone_of(when: datetime, zero: datetime) -> timedelta:
    return timedelta(seconds=round((when - zero).total_seconds() / _ZONE_STEP_S) * _ZONE_STEP_S)


def _read(text: str) -> tuple[datetime | None, bool]:
    """Return when a line was written, without a zone if it names none, and whether it warns."""
    if text.startswith("{"):
        return _read_json(text)
    if match := _CONSOLE.match(text):
        return _parsed(match[1]), match[2].lower() in _WARNING_LEVELS
    if match := _CAPNSLOG.match(text):
        return _parsed(match[1]), match[2] in _CAPNSLOG_WARNINGS
    return None, _PANIC in text


def _read_json(text: str) -> tuple[datetime | None, bool]:
    try:
        entry = msgspec.json.decode(text, type=_Entry)
    except msgspec.DecodeError:
        return None, _PANIC in text  # torn by a kill, or no entry of a log
    warns = entry.level.lower() in _WARNING_LEVELS
    if isinstance(entry.ts, float):
        return _from_seconds(entry.ts), warns
    return None if entry.ts is None else _parsed(entry.ts), warns


def _from_seconds(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a number that is no time


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None  # no time that we know: the line has that of the line before
