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

from collections.abc import Hashable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Outcome
from checkers.models.cas_register import Cas
from checkers.models.register import Read, Write
from checkers.verdict import Answer

METHOD: Final = "unique values"

_BEFORE_ALL: Final = -(1 << 62)
_FOR_EVER: Final = 1 << 62

_INITIAL: Final = 0
"""The number of the initial value."""

_NONE: Final = -1
"""In place of the number of a value: there is none."""

_Moments: TypeAlias = npt.NDArray[np.int64]

_Blame: TypeAlias = tuple[int, ...]
"""Numbers of values that cannot go together; none at all, if there is no conflict."""


def judge(intervals: Sequence[Interval[object]], initial: Hashable) -> Outcome | None:
    """Return the answer for `intervals`, of a `Register` or `CasRegister`; None if not applicable.

    `INVALID` comes with the suspects: all that touch the values in conflict.
    """
    clusters = _Clusters(initial)
    if not clusters.take(intervals):
        return None
    stray = clusters.stray()
    blame = () if stray else clusters.conflict()
    if not stray and not blame:
        return Outcome(answer=Answer.VALID, steps=len(intervals), method=METHOD)
    names = clusters.values
    values = frozenset((*stray, *(names[number] for number in blame)))
    return Outcome(
        answer=Answer.INVALID,
        steps=len(intervals),
        suspects=tuple(_touching(intervals, values)),
        method=METHOD,
    )


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
    """The operations by value, and the `cas` that link them. Values are numbered, for speed."""

    __slots__ = ("_born", "_early", "_high", "_low", "_next", "_number", "_source")

    def __init__(self, initial: Hashable) -> None:
        self._number: Final[dict[Hashable, int]] = {initial: _INITIAL}
        # By value: the call of its write; the first return and the last call in its cluster; the
        # value that its write expected, if that was a cas; the value after it in a chain.
        self._born: Final = [_BEFORE_ALL]
        self._low: Final = [_BEFORE_ALL]
        self._high: Final = [_BEFORE_ALL]
        self._source: Final[dict[int, Hashable]] = {}
        self._next: Final[dict[int, int]] = {}
        self._early: Final[list[Interval[object]]] = []
        """Reads of values whose write had not been called yet."""

    @property
    def values(self) -> list[Hashable]:
        """Return the values by their numbers."""
        return list(self._number)

    def take(  # noqa: C901 - the hot loop: a second pass costs as much as all it does
        self, intervals: Sequence[Interval[object]]
    ) -> bool:
        """Give a number to all that is written, and put reads into clusters.

        Return False if the method is not applicable. A read that was called before the write of its
        value is put off: it may have returned after that.
        """
        number, source, born, low, high = (
            self._number,
            self._source,
            self._born,
            self._low,
            self._high,
        )
        for interval in intervals:
            operation, call, ret, _ = interval
            if type(operation) is Read:
                if ret is None:
                    continue
                try:
                    cluster = number[operation.value]
                except KeyError:
                    self._early.append(interval)
                    continue
                if ret < low[cluster]:  # noqa: PLR1730 - min() and max() are calls
                    low[cluster] = ret
                if call > high[cluster]:  # noqa: PLR1730
                    high[cluster] = call
                continue
            if type(operation) is Write:
                value = operation.value
            elif type(operation) is Cas and operation.expected != operation.new:
                value = operation.new
                source[len(born)] = operation.expected
            else:
                return False
            if value in number:
                return False
            number[value] = len(born)
            born.append(call)
            high.append(call)
            low.append(_FOR_EVER if ret is None else ret)
        return True

    def stray(self) -> tuple[Hashable, ...]:
        """Put the other reads into clusters; return a value that was read but never written."""
        number, low, high = self._number, self._low, self._high
        for operation, call, ret, _ in self._early:
            assert isinstance(operation, Read), "no others are put off"
            assert ret is not None, "nor those that prove nothing"
            cluster = number.get(operation.value, _NONE)
            if cluster == _NONE:
                return (operation.value,)
            low[cluster] = min(low[cluster], ret)
            high[cluster] = max(high[cluster], call)
        return ()

    def conflict(self) -> _Blame:
        """Return the values in conflict, if any; rule 1 first."""
        early = np.flatnonzero(np.array(self._low) < np.array(self._born))
        if early.size:
            return (int(early[0]),)
        return self._link() or self._join() or self._zones_conflict()

    def _link(self) -> _Blame:
        """Link the values of every `cas` that took effect, be it only because it was consumed."""
        todo = [cluster for cluster in self._source if self._low[cluster] != _FOR_EVER]
        linked = set(todo)
        while todo:
            cluster = todo.pop()
            expected = self._number.get(self._source[cluster], _NONE)
            if expected == _NONE:
                return tuple(self._chain_from(cluster))
            other = self._next.setdefault(expected, cluster)
            if other != cluster:
                return (expected, *self._chain_from(cluster), *self._chain_from(other))
            if expected in self._source and expected not in linked:
                linked.add(expected)
                todo.append(expected)
        return ()

    def _join(self) -> _Blame:
        """Join chains: the first value of each gets its zone, the others have none any more."""
        low, high, following = self._low, self._high, self._next
        followers = set(following.values())
        in_chains = 0
        for head in following:
            if head in followers:
                continue
            first, last, cluster = low[head], high[head], head
            while (cluster := following.get(cluster, _NONE)) != _NONE:
                in_chains += 1
                if low[cluster] < last:
                    return (head, *self._chain_after(head))
                first, last = min(first, low[cluster]), max(last, high[cluster])
                low[cluster] = _FOR_EVER
            low[head], high[head] = first, last
        if in_chains != len(followers):  # what no head leads to runs in a circle
            return tuple(sorted(followers))
        return ()

    def _zones_conflict(self) -> _Blame:
        """Compare the zones; rules 2 and 3."""
        low, high = np.array(self._low), np.array(self._high)
        # An unknown write that no read saw has no zone, unless a chain goes through it.
        heads = np.flatnonzero(low != _FOR_EVER)
        clash = _clash(low[heads], high[heads])
        return tuple(number for at in clash for number in self._chain_from(int(heads[at])))

    def _chain_from(self, cluster: int) -> Iterator[int]:
        """Yield `cluster` and what follows it in its chain, once: all that proves that it was."""
        seen = {cluster}
        yield cluster
        for after in self._chain_after(cluster):
            if after in seen:
                return
            seen.add(after)
            yield after

    def _chain_after(self, head: int) -> Iterator[int]:
        cluster = head
        while cluster in self._next:
            cluster = self._next[cluster]
            yield cluster


def _clash(low: _Moments, high: _Moments) -> tuple[int, ...]:
    """Return the places of two zones that violate rule 2 or 3, if any."""
    forward = np.flatnonzero(low < high)
    forward = forward[np.argsort(low[forward], kind="stable")]
    starts, ends = low[forward], high[forward]
    overlaps = np.flatnonzero(starts[1:] < ends[:-1])
    if overlaps.size:
        first = int(overlaps[0])
        return int(forward[first]), int(forward[first + 1])
    backward = np.flatnonzero(low >= high)
    # The last forward zone that begins before the backward one does: no other can hold it.
    around = np.searchsorted(starts, high[backward]) - 1
    if not starts.size:
        return ()
    inside = np.flatnonzero((around >= 0) & (low[backward] < ends[around]))
    if not inside.size:
        return ()
    at = int(inside[0])
    return int(forward[around[at]]), int(backward[at])
