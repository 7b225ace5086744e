"""Registers in which every value is written once: decided in O(n log n) (Gibbons & Korach 1997).

If no two operations write one value, and none writes the initial one, it is known for each read
which write it saw. The operations of one value form a *cluster*: its write and its reads. In an
order, the cluster's operations follow one another. `low` is the first return among them, `high`
the last call. If `low < high`, the register must hold the value from `low` to `high` at least: a
*forward* zone. Otherwise all of them can take effect at any one moment between `high` and `low`:
a *backward* zone.

A history is linearizable exactly if

1. no operation that consumed a value returned before the write of it was called;
2. no two forward zones overlap;
3. no backward zone lies inside a forward one.

**Compare-and-set** (this extension is ours): a `cas` from a to b writes b directly after the
cluster of a, so clusters linked by `cas` form a *chain* that nothing interrupts, with one zone: the
least `low` and the greatest `high`. In addition, no two `cas` consume one value, chains do not bite
their tails, and along a chain no operation returned before one of an earlier cluster was called.

**Unknown outcomes.** A write whose outcome is unknown took effect exactly if someone consumed its
value; then it never returned, so it does not lower `low`. Otherwise it is left out.

Not applicable if a value is written twice, if a `cas` may leave the value as it is, or if there are
mismatches: they know only what the value was not.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Outcome
from checkers.models.cas_register import Cas
from checkers.models.register import Read, Write
from checkers.verdict import Answer

METHOD: Final = "unique values"

_BEFORE_ALL: Final = -(1 << 62)
_FOR_EVER: Final = 1 << 62

_INITIAL: Final = -1
"""In place of the place of a write: the initial value was there before all operations."""

_Blame: TypeAlias = tuple[Hashable, ...]
"""Values that cannot go together; none at all, if there is no conflict."""


def judge(intervals: Sequence[Interval[object]], initial: Hashable) -> Outcome | None:
    """Return the answer for `intervals`, of a `Register` or `CasRegister`; None if not applicable.

    `INVALID` comes with the suspects: all that touch the values in conflict.
    """
    writers = _writers(intervals, initial)
    if writers is None:
        return None
    clusters = _Clusters(intervals, initial, writers)
    blame = clusters.conflict()
    if not blame:
        return Outcome(answer=Answer.VALID, steps=len(intervals), method=METHOD)
    return Outcome(
        answer=Answer.INVALID,
        steps=len(intervals),
        suspects=tuple(_touching(intervals, frozenset(blame))),
        method=METHOD,
    )


def _writers(
    intervals: Sequence[Interval[object]], initial: Hashable
) -> dict[Hashable, int] | None:
    """Return, by value, the place of the operation that writes it; None if not applicable."""
    writers: dict[Hashable, int] = {initial: _INITIAL}
    for place, (operation, _, _, _) in enumerate(intervals):
        match operation:
            case Read():
                continue
            case Write(value):
                pass
            case Cas(expected, value) if expected != value:
                pass
            case _:
                return None
        if value in writers:
            return None
        writers[value] = place
    return writers


def _touching(intervals: Sequence[Interval[object]], values: frozenset[Hashable]) -> Iterator[int]:
    for place, interval in enumerate(intervals):
        match interval.operation:
            case Read(value) | Write(value) if value in values:
                yield place
            case Cas(expected, new) if expected in values or new in values:
                yield place
            case _:
                pass


class _Clusters:
    """The operations by value, and the `cas` that link them."""

    __slots__ = ("_high", "_initial", "_intervals", "_low", "_next", "_writers")

    def __init__(
        self,
        intervals: Sequence[Interval[object]],
        initial: Hashable,
        writers: dict[Hashable, int],
    ) -> None:
        self._intervals: Final = intervals
        self._initial: Final = initial
        self._writers: Final = writers
        # By value: the first return and last call in its cluster; the value after it in a chain.
        self._low: Final[dict[Hashable, int]] = {}
        self._high: Final[dict[Hashable, int]] = {}
        self._next: Final[dict[Hashable, Hashable]] = {}

    def conflict(self) -> _Blame:
        """Return the values in conflict, if any."""
        return self._gather() or self._revive() or self._zones_conflict()

    def _gather(self) -> _Blame:
        """Put all that returned into clusters; rule 1."""
        for operation, call, ret, _ in self._intervals:
            if ret is None:
                continue
            match operation:
                case Read(value):
                    blame = self._consumed_too_early(value, ret)
                case Write(value):
                    blame = ()
                case Cas(expected, value):
                    blame = self._consumed_too_early(expected, ret) or self._link(expected, value)
                case _:
                    raise AssertionError("not applicable")
            if blame:
                return blame
            self._add(value, call, ret)
        return ()

    def _add(self, value: Hashable, call: int, ret: int) -> None:
        self._low[value] = min(ret, self._low.get(value, ret))
        self._high[value] = max(call, self._high.get(value, call))

    def _consumed_too_early(self, value: Hashable, ret: int) -> _Blame:
        writer = self._writers.get(value)
        if writer is None or (writer != _INITIAL and ret < self._intervals[writer].call):
            return (value,)
        return ()

    def _link(self, expected: Hashable, new: Hashable) -> _Blame:
        other = self._next.setdefault(expected, new)
        if other == new:
            return ()
        return (expected, *self._chain_from(new), *self._chain_from(other))

    def _revive(self) -> _Blame:
        """Add the writes of unknown outcome whose values were consumed, and theirs in turn."""
        todo = [*self._low, *self._next]
        seen: set[Hashable] = set()
        while todo:
            value = todo.pop()
            if value in seen:
                continue
            seen.add(value)
            writer = self._writers.get(value)
            if writer is None:
                return tuple(self._chain_from(value))
            if writer == _INITIAL:
                self._add(value, _BEFORE_ALL, _BEFORE_ALL)
                continue
            operation, call, ret, _ = self._intervals[writer]
            self._add(value, call, _FOR_EVER if ret is None else ret)
            if isinstance(operation, Cas):
                if blame := self._link(operation.expected, value):
                    return blame
                todo.append(operation.expected)
        return ()

    def _zones_conflict(self) -> _Blame:
        """Join chains and compare their zones; rules 2 and 3."""
        followers = set(self._next.values())
        zones: list[tuple[int, int, Hashable]] = []
        chained_count = 0
        for head in self._low:
            if head in followers:
                continue
            low, high = self._low[head], self._high[head]
            chained_count += 1
            for value in self._chain_after(head):
                if self._low[value] < high:
                    return (head, *self._chain_after(head))
                low, high = min(low, self._low[value]), max(high, self._high[value])
                chained_count += 1
            zones.append((low, high, head))
        if chained_count != len(self._low):  # what no head leads to runs in a circle
            return tuple(value for value in self._low if value in followers)
        return tuple(value for head in _clash(zones) for value in (head, *self._chain_after(head)))

    def _chain_from(self, value: Hashable) -> Iterator[Hashable]:
        """Yield `value` and what follows it in its chain, once: all that proves that it was."""
        seen = {value}
        yield value
        for after in self._chain_after(value):
            if after in seen:
                return
            seen.add(after)
            yield after

    def _chain_after(self, head: Hashable) -> Iterator[Hashable]:
        value = head
        while value in self._next:
            value = self._next[value]
            yield value


def _clash(zones: Sequence[tuple[int, int, Hashable]]) -> _Blame:
    """Return the names of two zones that violate rule 2 or 3, if any."""
    forward = sorted((zone for zone in zones if zone[0] < zone[1]), key=_start)
    for earlier, later in pairwise(forward):
        if later[0] < earlier[1]:
            return (earlier[2], later[2])
    starts = [start for start, _, _ in forward]
    for low, high, head in zones:
        if low < high:
            continue
        place = bisect_right(starts, high) - 1
        if place >= 0 and starts[place] < high and low < forward[place][1]:
            return (forward[place][2], head)
    return ()


def _start(zone: tuple[int, int, Hashable]) -> int:
    return zone[0]
