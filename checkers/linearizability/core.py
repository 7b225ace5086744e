"""From a history that is not linearizable to the few operations that show it.

The core is found by *monotone relaxations* only: changes that can turn an illegal history legal,
but never a legal one illegal. What is still illegal after them was illegal before, and for the same
reason. There are three:

- a pure operation (a read) is dropped: less must be explained;
- any other operation loses its return: it may take effect later, or never;
- an operation without a return loses its call: it may take effect at any time, or never.

Dropping a write is not one of them: others may have needed it. What is left after all three is
minimal: take any one constraint away and there is an order (Zeller & Hildebrandt 2002 would call it
1-minimal). One pass of each relaxation suffices: what could not be relaxed before others were
cannot be relaxed after.

What has lost both call and return constrains nothing. Still, some of it may be needed to believe
the rest: a read of 3 needs some write of 3. So of those, as few are kept as let the core happen up
to its last return.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Outcome
from checkers.verdict import Answer

OperationT = TypeVar("OperationT")

_WINDOW_MIN: Final = 16
"""How many of the last operations are tried first as all that matters; then four times as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core(Generic[OperationT]):
    """Operations that have no order, and need none else for it."""

    required: tuple[Interval[OperationT], ...]
    """Those that must have happened, by call; without any one of them there is an order."""
    optional: tuple[Interval[OperationT], ...]
    """Those that may have happened, but were called too late to help; by call."""
    supporting: tuple[Interval[OperationT], ...]
    """Those that may have happened at any time; without them not even the others can have.

    Their calls lie before all others, and they have no returns.
    """

    @property
    def dying(self) -> Interval[OperationT]:
        """The one whose return cannot be explained: the last to return."""
        return max(self.required, key=_ret)


def find_core(
    intervals: Sequence[Interval[OperationT]],
    outcome: Outcome,
    *,
    is_pure: Callable[[OperationT], bool],
    judge: Callable[[Sequence[Interval[OperationT]]], Answer],
) -> Core[OperationT]:
    """Return the core of `intervals`, which `outcome` found illegal.

    `judge` may answer `UNKNOWN`: then the core has more operations than it need have.
    """
    reduction = _Reduction(intervals, is_pure, judge)
    if outcome.place is not None:
        reduction.cut_at(outcome.place)
    if outcome.suspects:
        suspects = set(outcome.suspects)
        reduction.attempt([p for p in reduction.required() if p not in suspects], reduction.weaken)
    reduction.narrow()
    reduction.reduce(reduction.required(pure=True), reduction.weaken)
    reduction.reduce(reduction.required(pure=False), reduction.weaken)
    reduction.reduce(reduction.optional(), reduction.free)
    core = reduction.core()
    return dataclasses.replace(core, supporting=_support(core, judge))


def _support(
    core: Core[OperationT], judge: Callable[[Sequence[Interval[OperationT]]], Answer]
) -> tuple[Interval[OperationT], ...]:
    """Return as few of what supports `core` as let it happen without its dying operation."""
    dying = core.dying
    others = [interval for interval in (*core.required, *core.optional) if interval != dying]
    needed = list(core.supporting)

    def is_enough(supporting: Sequence[Interval[OperationT]]) -> bool:
        return judge([*supporting, *others]) is Answer.VALID

    size = len(needed)
    while needed and size:
        start = 0
        while start < len(needed):
            fewer = needed[:start] + needed[start + size :]
            if is_enough(fewer):
                needed = fewer
            else:
                start += size
        size = min(size, len(needed)) // 2 if size > 1 else 0
    return tuple(needed)


_Relaxation: TypeAlias = Callable[[int], Interval[OperationT] | None]


class _Reduction(Generic[OperationT]):
    """The history as it gets weaker; `now[place]` is None for what was dropped."""

    __slots__ = ("_is_pure", "_judge", "_now")

    def __init__(
        self,
        intervals: Sequence[Interval[OperationT]],
        is_pure: Callable[[OperationT], bool],
        judge: Callable[[Sequence[Interval[OperationT]]], Answer],
    ) -> None:
        self._is_pure: Final = is_pure
        self._judge: Final = judge
        self._now: Final[list[Interval[OperationT] | None]] = list(intervals)

    # ------------------------------------------------------------ the relaxations

    def weaken(self, place: int) -> Interval[OperationT] | None:
        """Return the operation at `place` dropped, if pure, and otherwise without its return."""
        interval = self._now[place]
        if interval is None or self._is_pure(interval.operation):
            return None
        return interval._replace(ret=None)

    def free(self, place: int) -> Interval[OperationT] | None:
        """Return the operation at `place`, which has no return, without its call."""
        interval = self._now[place]
        assert interval is not None, "what was dropped has no call to lose"
        return interval._replace(call=-1 - place)

    # ------------------------------------------------------------ what is left

    def required(self, *, pure: bool | None = None) -> list[int]:
        """Return the places of what must have happened; only those that are `pure`, or not."""
        return [
            place
            for place, interval in enumerate(self._now)
            if interval is not None
            and interval.ret is not None
            and (pure is None or self._is_pure(interval.operation) == pure)
        ]

    def optional(self) -> list[int]:
        """Return the places of what may have happened."""
        return [
            place
            for place, interval in enumerate(self._now)
            if interval is not None and interval.ret is None
        ]

    def core(self) -> Core[OperationT]:
        """Return what is left, with all of its support."""
        left = [interval for interval in self._now if interval is not None]
        open_ended = [interval for interval in left if interval.ret is None]
        return Core(
            required=tuple(interval for interval in left if interval.ret is not None),
            optional=tuple(interval for interval in open_ended if interval.call >= 0),
            supporting=tuple(interval for interval in open_ended if interval.call < 0),
        )

    # ------------------------------------------------------------ the search

    def attempt(self, places: Sequence[int], relaxation: _Relaxation[OperationT]) -> bool:
        """Relax `places` if the history stays illegal; return whether it did."""
        if not places:
            return True
        before = [self._now[place] for place in places]
        for place in places:
            self._now[place] = relaxation(place)
        left = [interval for interval in self._now if interval is not None]
        if self._judge(left) is Answer.INVALID:
            return True
        for place, interval in zip(places, before, strict=True):
            self._now[place] = interval
        return False

    def cut_at(self, dying: int) -> None:
        """Forget what happened after the return of the operation at `dying`."""
        interval = self._now[dying]
        assert interval is not None, "nothing has been dropped yet"
        assert interval.ret is not None, "only a return can kill"
        moment = interval.ret
        for place in self.required():
            other = self._now[place]
            assert other is not None, "dropped operations are not required"
            if other.ret is not None and other.ret > moment:
                self._now[place] = self.weaken(place)
        for place, other in enumerate(self._now):
            if other is not None and other.call > moment:
                self._now[place] = None

    def narrow(self) -> None:
        """Weaken all but the last operations, if they alone show the conflict."""
        by_return = sorted(self.required(), key=self._ret_at)
        size = _WINDOW_MIN
        while size < len(by_return) and not self.attempt(by_return[:-size], self.weaken):
            size *= 4

    def _ret_at(self, place: int) -> int:
        interval = self._now[place]
        assert interval is not None, "dropped operations are not required"
        return _ret(interval)

    def reduce(self, places: Sequence[int], relaxation: _Relaxation[OperationT]) -> None:
        """Relax as many of `places` as possible: all at once, then ever smaller blocks."""
        left, size = list(places), len(places)
        while left and size:
            blocks = [left[start : start + size] for start in range(0, len(left), size)]
            left = [
                place for block in blocks if not self.attempt(block, relaxation) for place in block
            ]
            size = min(size, len(left)) // 2 if size > 1 else 0


def _ret(interval: Interval[object]) -> int:
    assert interval.ret is not None, "what is required has returned"
    return interval.ret
