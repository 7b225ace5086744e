"""Registers that answer with a value that must be gone: refuted in O(n log n).

However many clients there are, and however much is unknown, a wrong history is often wrong for one
answer alone: a read, or a `cas` that held, of a value that nothing can have brought back.

**The argument.** Something saw the value v; it was called at the moment c. What it saw came from a
*source* of v: a write of v, a `cas` to v, or the start. The source was called before the answer
returned, so it took effect no later than E, the latest return of all sources of v called by then.
If E < c, the register held v from E to c without a break: a break would need a source later than E.
But whatever returned has a value that the register held at some moment between its call and return:
the one it read or wrote. If there is an operation with another value than v that was called after E
and returned before c, there is no order.

A source of unknown outcome never returns: E is then for ever, and nothing is refuted. So this
finds some of what is wrong, and whatever it finds is wrong.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from checkers.linearizability.register_history import CAS, MISMATCH, READ, RegisterHistory
from checkers.linearizability.sweep import Outcome
from checkers.verdict import Answer

METHOD: Final = "stale value"

_START: Final = -(1 << 62)
_FOR_EVER: Final = 1 << 62
_INITIAL: Final = 0
"""The number of the initial value."""


class _Earliest(NamedTuple):
    """Of all that is called from some moment on: what returns first, and what of other values."""

    ret: int
    value: int
    ret_of_others: int


def refute(history: RegisterHistory) -> Outcome | None:
    """Return that `history` is `INVALID`, for the first answer that is stale; None if none is."""
    sources = _Sources(history)
    calls, earliest = _earliest(history)
    for place, (kind, value, _) in enumerate(history.coded):
        _, call, ret, _ = history.intervals[place]
        if kind not in (READ, CAS) or ret is None:
            continue
        since = sources.latest_return(value, before=ret)
        if since >= call:
            continue
        first = earliest[bisect_right(calls, since)]
        gone = first.ret_of_others if first.value == value else first.ret
        if (since == _START and value != _INITIAL) or gone < call:
            return Outcome(
                answer=Answer.INVALID, steps=len(history.coded), place=place, method=METHOD
            )
    return None


class _Sources:
    """What may have brought each value about."""

    def __init__(self, history: RegisterHistory) -> None:
        self._calls: Final[dict[int, list[int]]] = {}
        """By value, the calls of its sources, rising."""
        self._returns: Final[dict[int, list[int]]] = {}
        """By value, for each of them the latest return of it and those before."""
        for value, call, ret in sorted(_written(history)):
            calls = self._calls.setdefault(value, [])
            returns = self._returns.setdefault(value, [])
            calls.append(call)
            returns.append(max(ret, returns[-1]) if returns else ret)

    def latest_return(self, value: int, *, before: int) -> int:
        """Return the latest return of the sources of `value` that were called before a moment."""
        at = bisect_right(self._calls.get(value, ()), before)
        return self._returns[value][at - 1] if at else _START


def _written(history: RegisterHistory) -> list[tuple[int, int, int]]:
    """Return (value, call, return) of all that writes."""
    written = []
    for place, (kind, value, new) in enumerate(history.coded):
        if kind in (READ, MISMATCH):
            continue
        _, call, ret, _ = history.intervals[place]
        written.append((new if kind == CAS else value, call, _FOR_EVER if ret is None else ret))
    return written


def _earliest(history: RegisterHistory) -> tuple[Sequence[int], Sequence[_Earliest]]:
    """Return the calls of all that returned, rising; and what is the earliest from each on.

    There is one more of the latter, for after the last call.
    """
    returned = []
    for place, (kind, value, new) in enumerate(history.coded):
        _, call, ret, _ = history.intervals[place]
        if kind != MISMATCH and ret is not None:
            returned.append((call, ret, new if kind == CAS else value))
    returned.sort()
    first = _Earliest(_FOR_EVER, -1, _FOR_EVER)
    earliest = [first]
    for _, ret, value in reversed(returned):
        if value == first.value:
            first = first._replace(ret=min(first.ret, ret))
        elif ret < first.ret:
            first = _Earliest(ret, value, first.ret)
        else:
            first = first._replace(ret_of_others=min(first.ret_of_others, ret))
        earliest.append(first)
    earliest.reverse()
    return [call for call, _, _ in returned], earliest
