"""The part of a long log that is worth reading: its lines around a few moments.

The moments stand between the lines, where they belong in time, and what is left out is counted.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

LINES_BEFORE: Final = 20
LINES_AFTER: Final = 10
"""Around each moment."""


class Line(msgspec.Struct, frozen=True):
    """One line of an excerpt."""

    text: str
    kind: str = ""
    """Empty of a line of the log; `moment`; `gap` where lines were left out."""


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """Some lines of a file, and where they are from."""

    title: str
    lines: tuple[Line, ...]


class Moment(msgspec.Struct, frozen=True):
    """Something that happened."""

    at_ns: int
    text: str


def around(lines: Iterable[tuple[int | None, str]], moments: Sequence[Moment]) -> Iterator[Line]:
    """Yield the lines around `moments`, which are in the order of time.

    `lines` have the time at which they were written, or None where nobody knows: they come before
    every moment. A line stands after all moments that were before it.
    """
    before: deque[str] = deque(maxlen=LINES_BEFORE)
    left_out = after = 0
    waiting = deque(moments)
    for at_ns, text in lines:
        if at_ns is not None and waiting and waiting[0].at_ns < at_ns:
            yield from _gap(left_out)
            yield from map(Line, before)
            before.clear()
            left_out, after = 0, LINES_AFTER
            while waiting and waiting[0].at_ns < at_ns:
                yield _marked(waiting.popleft())
        if after:
            yield Line(text)
            after -= 1
        else:
            left_out += len(before) == LINES_BEFORE
            before.append(text)
    if waiting:
        yield from _gap(left_out)
        yield from map(Line, before)
        yield from map(_marked, waiting)
    else:
        yield from _gap(left_out + len(before))


def _marked(moment: Moment) -> Line:
    return Line(moment.text, "moment")


def _gap(count: int) -> Iterator[Line]:
    if count:
        yield Line(f"... {count:,} {'line' if count == 1 else 'lines'}", "gap")
