"""One order of all operations, for histories that have one: to show it, not to judge.

Depth first, as Wing & Gong (1993) search, with a memory of the configurations that led nowhere
(Lowe 2017). The checker's searches are faster and keep no order; this one is for what they have
found VALID.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Generic

import msgspec

from checkers.linearizability.interval import Interval
from checkers.models.model import Model, OperationT, StateT

_FOR_EVER: Final = 1 << 62


class FoundOrder(msgspec.Struct, frozen=True):
    """An order, and what it cost to find."""

    order: tuple[int, ...]
    """The operations, by the indices of their invokes. One of unknown outcome is there only if it
    must have happened."""
    steps: int


def order_of_all(
    intervals: Sequence[Interval[OperationT]], model: Model[StateT, OperationT], *, steps_max: int
) -> FoundOrder | None:
    """Return an order in which each of `intervals` is legal; None if none is found in time.

    `intervals` are sorted by call. A step is one operation tried.
    """
    return _Search(intervals, model).run(steps_max)


class _Search(Generic[StateT, OperationT]):
    __slots__ = ("_intervals", "_model", "_rets")

    def __init__(
        self, intervals: Sequence[Interval[OperationT]], model: Model[StateT, OperationT]
    ) -> None:
        self._intervals: Final = intervals
        self._model: Final = model
        self._rets: Final = [_FOR_EVER if each.ret is None else each.ret for each in intervals]

    def run(self, steps_max: int) -> FoundOrder | None:
        """Return the first order found; see `order_of_all`."""
        must = sum(1 << place for place, ret in enumerate(self._rets) if ret != _FOR_EVER)
        taken, state = 0, self._model.initial
        path: list[tuple[int, StateT, int, Iterator[int]]] = []
        choices = iter(self._choices(taken))
        dead: set[tuple[int, StateT]] = set()
        steps = 0
        while must & ~taken:
            place = next(choices, None)
            steps += 1
            if steps > steps_max:
                return None
            if place is None:
                dead.add((taken, state))
                if not path:
                    return None
                taken, state, _, choices = path.pop()
                continue
            after = self._model.step(state, self._intervals[place].operation)
            if after is None or (taken | 1 << place, after) in dead:
                continue
            path.append((taken, state, place, choices))
            taken, state = taken | 1 << place, after
            choices = iter(self._choices(taken))
        return FoundOrder(tuple(self._intervals[place].invoke for _, _, place, _ in path), steps)

    def _choices(self, taken: int) -> list[int]:
        """Return what may come next, whoever must return soonest first."""
        first = (~taken & (taken + 1)).bit_length() - 1
        deadline = _FOR_EVER
        found: list[int] = []
        for place in range(first, len(self._intervals)):
            if self._intervals[place].call > deadline:
                break
            if not taken >> place & 1:
                found.append(place)
                deadline = min(deadline, self._rets[place])
        may = [place for place in found if self._intervals[place].call < deadline]
        return sorted(may, key=self._rets.__getitem__)
