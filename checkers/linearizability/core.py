"""From a history that is not linearizable to the few operations that show it.

The core is found by *monotone relaxations* only: changes that can turn an illegal history legal,
but never a legal one illegal. What is still illegal after them was illegal before, and for the same
reason. There are four:

- the past is forgotten: all that returned before some call is dropped, the state at that moment may
  be any, and what was in flight then may take effect later, or never. (Take an order of the whole,
  and in it the last operation that returned before that call. What follows is an order of what is
  left, from the state it left behind.) Where it applies, this is tried first, for it alone keeps
  cores small in long histories: an old write that is merely allowed to take effect late explains
  many a stale read;
- a pure operation (a read) is dropped: less must be explained;
- any other operation loses its return: it may take effect later, or never;
- an operation without a return loses its call: it may take effect at any time, or never.

Dropping a write is not one of them: others may have needed it. What is left after all is
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
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Outcome
from checkers.verdict import Answer

OperationT = TypeVar("OperationT")

_WINDOW_MIN: Final = 16
"""How many of the last operations are tried first as all that matters; then four times as many."""

OperationT_contra = TypeVar("OperationT_contra", contravariant=True)


class Judge(Protocol[OperationT_contra]):
    """Decides about variants of one history."""

    def __call__(
        self, intervals: Sequence[Interval[OperationT_contra]], *, from_anywhere: bool
    ) -> Answer:
        """Return whether `intervals` have an order; if `from_anywhere`, from any state at all.

        `UNKNOWN` if that takes too long, or if the states are too many to try.
        """


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
    since: int | None
    """The op before which all is forgotten: from no state at all is there an order from there on.

    None if the core goes by the initial state.
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
    judge: Judge[OperationT],
) -> Core[OperationT]:
    """Return the core of `intervals`, by call, which `outcome` found illegal.

    `judge` may answer `UNKNOWN`: then the core has more operations than it need have.
    """
    reduction = _Reduction(intervals, is_pure, judge)
    if outcome.place is not None:
        reduction.cut_at(outcome.place)
    if outcome.suspects:
        reduction.suspect(frozenset(outcome.suspects))
    if not reduction.forget():
        reduction.narrow()
    reduction.reduce(reduction.required(pure=True), reduction.weaken)
    reduction.reduce(reduction.required(pure=False), reduction.weaken)
    reduction.reduce(reduction.optional(), reduction.free)
    core = reduction.core()
    return dataclasses.replace(core, supporting=_support(core, judge))


def _support(core: Core[OperationT], judge: Judge[OperationT]) -> tuple[Interval[OperationT], ...]:
    """Return as few of what supports `core` as let it happen without its dying operation."""
    dying = core.dying
    others = [interval for interval in (*core.required, *core.optional) if interval != dying]
    needed = list(core.supporting)

    def is_enough(supporting: Sequence[Interval[OperationT]]) -> bool:
        answer = judge([*supporting, *others], from_anywhere=core.since is not None)
        return answer is Answer.VALID

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

    __slots__ = ("_is_pure", "_judge", "_now", "_since")

    def __init__(
        self,
        intervals: Sequence[Interval[OperationT]],
        is_pure: Callable[[OperationT], bool],
        judge: Judge[OperationT],
    ) -> None:
        self._is_pure: Final = is_pure
        self._judge: Final = judge
        self._now: Final[list[Interval[OperationT] | None]] = list(intervals)
        self._since: int | None = None

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
            since=self._since,
        )

    # ------------------------------------------------------------ the search

    def attempt(self, places: Sequence[int], relaxation: _Relaxation[OperationT]) -> bool:
        """Relax `places` if the history stays illegal; return whether it did."""
        if not places:
            return True
        before = [self._now[place] for place in places]
        for place in places:
            self._now[place] = relaxation(place)
        if self._is_illegal(self._now, from_anywhere=self._since is not None):
            return True
        for place, interval in zip(places, before, strict=True):
            self._now[place] = interval
        return False

    def _is_illegal(
        self, variant: Sequence[Interval[OperationT] | None], *, from_anywhere: bool
    ) -> bool:
        left = [interval for interval in variant if interval is not None]
        return self._judge(left, from_anywhere=from_anywhere) is Answer.INVALID

    def suspect(self, suspects: frozenset[int]) -> None:
        """Forget what happened after all of `suspects` returned, and weaken all others.

        A method that does not go by time may blame too few, so both are tried, not taken for
        granted.
        """
        returned = [place for place in self.required() if place in suspects]
        before = list(self._now)
        if returned:
            self.cut_at(max(returned, key=self._ret_at))
            if not self._is_illegal(self._now, from_anywhere=False):
                self._now[:] = before
        self.attempt([place for place in self.required() if place not in suspects], self.weaken)

    def forget(self) -> bool:
        """Forget as much of the past as possible; return whether anything could be forgotten.

        Whether the rest is illegal falls from yes to no as more is forgotten, so the last moment is
        found by doubling what is kept, and then by halving the doubt.
        """
        calls = self.required()
        kept, kept_max = 1, len(calls)
        while kept < kept_max and not self._is_illegal(
            self._without_past(calls[-kept]), from_anywhere=True
        ):
            kept *= 2
        if kept >= kept_max:
            return False
        too_few = kept // 2
        while kept - too_few > 1:
            middle = (kept + too_few) // 2
            if self._is_illegal(self._without_past(calls[-middle]), from_anywhere=True):
                kept = middle
            else:
                too_few = middle
        self._now[:] = self._without_past(calls[-kept])
        first = self._now[calls[-kept]]
        assert first is not None, "what is kept is not dropped"
        self._since = first.invoke
        return True

    def _without_past(self, first: int) -> list[Interval[OperationT] | None]:
        """Return the history from the call of the operation at `first` on."""
        start = self._now[first]
        assert start is not None, "dropped operations are not required"
        variant = list(self._now)
        for place in range(first):
            interval = self._now[place]
            if interval is not None and interval.ret is not None:
                variant[place] = self.weaken(place) if interval.ret > start.call else None
        return variant

    def cut_at(self, dying: int) -> None:
        """Forget what happened after the return of the operation at `dying`, which killed it."""
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
