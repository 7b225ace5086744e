"""Operations drawn over time, as text.

One row for each process, time from left to right. Only the order of calls and returns is kept, not
their distances: what overlaps in the drawing overlapped in the run.

    process 0  |--write 1--|     |--read -> 1--|
    process 1                 |--write 2--|
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """One operation to draw."""

    process: str
    label: str
    call: int
    ret: int | None
    """None: it never returned, and is drawn to the right edge."""
    short: str
    """What to write instead of `label` where space is short."""


def draw(spans: Sequence[Span], *, width_max: int = 100) -> str:
    """Return the drawing of `spans`, one line for each process, in the order of first calls.

    If it does not fit in `width_max` columns, labels are short; and if it still does not, the
    earliest spans are left out.
    """
    left = sorted(spans, key=_call)
    lines = _lines(left, width_max)
    while len(left) > 1 and max(map(len, lines)) > width_max:
        left = left[1:]
        lines = _lines(left, width_max)
    return "\n".join(lines)


def _lines(spans: Sequence[Span], width_max: int) -> list[str]:
    processes = list(dict.fromkeys(span.process for span in spans))
    margin = max((len(process) for process in processes), default=0) + 2
    labels = {span.call: span.label for span in spans}
    columns = _columns(spans, labels)
    if margin + max(columns.values(), default=0) >= width_max:
        labels = {span.call: span.short for span in spans}
        columns = _columns(spans, labels)
    edge = max(columns.values(), default=0) + 1
    lines = []
    for process in processes:
        line = [" "] * edge
        for span in spans:
            if span.process == process:
                _put(line, span, labels[span.call], columns)
        lines.append((process.ljust(margin) + "".join(line)).rstrip())
    return lines


def _columns(spans: Sequence[Span], labels: Mapping[int, str]) -> dict[int, int]:
    """Return the column of each moment, the end of time included, such that all labels fit."""
    call_of = {span.ret: span.call for span in spans if span.ret is not None}
    moments = sorted([*(span.call for span in spans), *call_of])
    columns: dict[int, int] = {}
    column = -1
    for moment in moments:
        column += 1
        call = call_of.get(moment)
        if call is not None:
            column = max(column, columns[call] + _box_width(labels[call]))
        columns[moment] = column
    for span in spans:
        if span.ret is None:
            column = max(column, columns[span.call] + _box_width(labels[span.call]))
    columns[_end(spans)] = column
    return columns


def _box_width(label: str) -> int:
    return len(label) + 5


def _put(line: list[str], span: Span, label: str, columns: Mapping[int, int]) -> None:
    start = columns[span.call]
    end = columns[_end_of_time(columns) if span.ret is None else span.ret]
    box = f"--{label}--".ljust(end - start - 1, "-" if span.ret is not None else ".")
    line[start : end + 1] = f"|{box}{'|' if span.ret is not None else '.'}"


def _end(spans: Sequence[Span]) -> int:
    return max((max(span.call, span.ret or 0) for span in spans), default=0) + 1


def _end_of_time(columns: Mapping[int, int]) -> int:
    return max(columns)


def _call(span: Span) -> int:
    return span.call
