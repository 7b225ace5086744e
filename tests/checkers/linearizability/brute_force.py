"""Whether a few operations have an order, found out by trying every one."""

from collections.abc import Hashable, Sequence

from checkers.linearizability.interval import Interval
from checkers.models.model import Model, OperationT, StateT

_FOR_EVER = float("inf")


def has_order(intervals: Sequence[Interval[OperationT]], model: Model[StateT, OperationT]) -> bool:
    """Return whether every operation that returned can take its turn, in some order."""
    hopeless: set[tuple[frozenset[int], Hashable]] = set()

    def can_finish(left: frozenset[int], state: StateT) -> bool:
        rets = [intervals[place].ret for place in left]
        deadline = min((ret for ret in rets if ret is not None), default=None)
        if deadline is None:
            return True
        if (left, state) in hopeless:
            return False
        for place in left:
            if intervals[place].call < deadline:
                after = model.step(state, intervals[place].operation)
                if after is not None and can_finish(left - {place}, after):
                    return True
        hopeless.add((left, state))
        return False

    return can_finish(frozenset(range(len(intervals))), model.initial)
