"""All orders of a few operations, by the plain search of Wing & Gong (1993).

It shares nothing with `sweep`, so it is a second opinion on every conviction; and where there is no
order, it says how far each attempt got.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic

from checkers.linearizability.interval import Interval
from checkers.models.model import Model, OperationT, StateT

_FOR_EVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Attempt(Generic[StateT]):
    """A way things may have gone up to the last return."""

    order: tuple[int, ...]
    """The operations in the order in which they took effect, by place; as few as possible."""
    state: StateT
    """The state after them."""


@dataclass(frozen=True, slots=True)
class Search(Generic[StateT]):
    """What came of trying all orders."""

    order: tuple[int, ...] | None
    """An order of all, by place; None if there is none."""
    attempts: tuple[Attempt[StateT], ...]
    """If there is none: for each state in which the last to return finds the others, one way."""


def try_all(
    intervals: Sequence[Interval[OperationT]],
    model: Model[StateT, OperationT],
    *,
    steps_max: int,
) -> Search[StateT] | None:
    """Return what comes of trying all orders; None after `steps_max` steps without an answer."""
    count = len(intervals)
    rets = [_FOR_EVER if interval.ret is None else interval.ret for interval in intervals]
    must = sum(1 << place for place, ret in enumerate(rets) if ret != _FOR_EVER)
    last = max(range(count), key=lambda place: (rets[place] != _FOR_EVER, rets[place]))
    attempts: dict[StateT, Attempt[StateT]] = {}
    # Breadth first, so that the first way to a state is a shortest; each done once.
    queue: list[tuple[int, StateT, tuple[int, ...]]] = [(0, model.initial, ())]
    seen = {(0, model.initial)}
    for steps, (taken, state, order) in enumerate(queue):
        if steps > steps_max:
            return None
        if not must & ~taken:
            return Search(order, ())
        if not must & ~taken & ~(1 << last) and state not in attempts:
            attempts[state] = Attempt(order, state)
        left = [place for place in range(count) if not taken >> place & 1]
        deadline = min(rets[place] for place in left)
        for place in left:
            if intervals[place].call <= deadline:
                after = model.step(state, intervals[place].operation)
                known = taken | 1 << place
                if after is not None and (known, after) not in seen:
                    seen.add((known, after))
                    queue.append((known, after, (*order, place)))
    return Search(None, tuple(attempts.values()))
