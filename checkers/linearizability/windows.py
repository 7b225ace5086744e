"""Refuting a long history by a short stretch of it: most that is wrong shows within a few returns.

**The argument.** Take an order of the whole history, and two moments. What took effect between them
is an order of its own, from whatever state the first moment found. All that was called after the
first moment and returned before the second is in it. What was called before the first, or had not
returned by the second, took effect between them or did not: here its outcome is unknown, and if it
changes nothing it can be left out. So if that has no order from any state at all, neither has the
whole.

The opposite proves nothing: this method only ever convicts. Where a search is lost in the ways in
which many clients, and operations of unknown outcome, may have brought a history to where it goes
wrong, it asks instead whether there is any way on from there.

**Where to look.** Everywhere: first at short windows, then at longer ones; each begins in the
middle of the one before. At first operations of unknown outcome may be used again and again, so
that one of each kind is enough; then they are counted. All this within a number of steps that grows
with the history.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Outcome
from checkers.models.model import Model, Pure, Restartable
from checkers.models.register import Write
from checkers.verdict import Answer

StateT = TypeVar("StateT", bound=Hashable)
OperationT = TypeVar("OperationT", bound=Hashable)

METHOD: Final = "window"

_BEFORE_ALL: Final = -(1 << 62)
_FOR_EVER: Final = 1 << 62

STARTS_MAX: Final = 60
"""States to begin from that are worth trying, one after another."""

PASSES: Final = ((8, True), (32, True), (128, True), (8, False), (32, False), (512, True))
"""How many returns a window has, and whether what is unknown may be reused."""


class Refutation(msgspec.Struct, frozen=True):
    """What came of looking for a window that has no order."""

    outcome: Outcome | None
    """The verdict; None if none was found."""
    steps: int


class Judge(Protocol[StateT, OperationT]):
    """Decides about a short history."""

    def __call__(
        self,
        window: Sequence[Interval[OperationT]],
        start: Model[StateT, OperationT],
        steps_max: int,
        *,
        reusable: bool,
    ) -> Outcome:
        """Return whether `window` has an order from the initial state of `start`.

        If `reusable`, operations of unknown outcome may take effect again and again.
        """


class Windows(Generic[StateT, OperationT]):
    """The windows of one history. Nothing is looked at before `refute`."""

    def __init__(
        self,
        intervals: Sequence[Interval[OperationT]],
        model: Model[StateT, OperationT],
        judge: Judge[StateT, OperationT],
        *,
        passes: Sequence[tuple[int, bool]] = PASSES,
    ) -> None:
        self._passes: Final = passes
        self._intervals: Final = intervals
        self._model: Final = model
        self._judge: Final = judge
        self._lucky: Hashable = model.initial
        """Where an order began last: windows are much alike."""

    def refute(self, steps_max: int) -> Refutation:
        """Return what comes of looking at windows, within `steps_max`.

        A step is one of the judge's, or an operation of a window.
        """
        steps = 0
        for size, reusable in self._passes if isinstance(self._model, Restartable) else ():
            for place, window in self._of_size(size):
                known = _of_each_kind(window) if reusable else window
                answer, spent = self._judge_from_anywhere(
                    known, steps_max - steps, reusable=reusable
                )
                steps += len(window) + spent
                if answer is Answer.INVALID:
                    outcome = Outcome(answer=answer, steps=steps, place=place, method=METHOD)
                    return Refutation(outcome, steps)
                if steps >= steps_max:
                    return Refutation(None, steps)
        return Refutation(None, steps)

    def _judge_from_anywhere(
        self, window: Sequence[Interval[OperationT]], steps_max: int, *, reusable: bool
    ) -> tuple[Answer, int]:
        """Return whether `window` has an order from any state, and the steps that this took."""
        steps = 0
        if all(each.ret is None for each in window):
            return Answer.VALID, steps
        models = starts_of(self._model, window)
        for model in sorted(models, key=lambda each: each.initial != self._lucky):
            if steps >= steps_max:
                return Answer.UNKNOWN, steps
            outcome = self._judge(window, model, steps_max - steps, reusable=reusable)
            steps += outcome.steps
            if outcome.answer is not Answer.INVALID:
                self._lucky = model.initial
                return outcome.answer, steps
        return Answer.INVALID if models else Answer.UNKNOWN, steps

    def _of_size(self, size: int) -> Iterator[tuple[int, list[Interval[OperationT]]]]:
        """Yield windows of `size` returns, each with the place of what returns last."""
        intervals, at = sorted(self._intervals, key=lambda each: each.call), 0
        opened: list[Interval[OperationT]] = []  # before the window, and may take effect in it
        for start, end, place in _moments(self._intervals, size):
            while at < len(intervals) and intervals[at].call < start:
                if not self._is_pure(intervals[at].operation):
                    opened.append(intervals[at])
                at += 1
            opened = [each for each in opened if each.ret is None or each.ret > start]
            window = [each._replace(ret=None) for each in opened]
            for each in islice(intervals, at, None):
                if each.call > end:
                    break
                if each.ret is not None and each.ret <= end:
                    window.append(each)
                elif not self._is_pure(each.operation):
                    window.append(each._replace(ret=None))
            yield place, window

    def _is_pure(self, operation: OperationT) -> bool:
        return isinstance(self._model, Pure) and self._model.pure(operation)


def _moments(
    intervals: Sequence[Interval[OperationT]], size: int
) -> Iterator[tuple[int, int, int]]:
    """Yield both moments of each window of `size` returns, and the place of what returns last."""
    returns = sorted((each.ret, place) for place, each in enumerate(intervals) if each.ret)
    for first in range(0, len(returns), max(1, size // 2)):
        start = returns[first - 1][0] if first else _BEFORE_ALL
        end, place = returns[min(first + size, len(returns)) - 1]
        yield start, end, place


def _of_each_kind(window: Sequence[Interval[OperationT]]) -> list[Interval[OperationT]]:
    """Return `window` with the first operation of each kind of those of unknown outcome."""
    kinds: dict[OperationT, int] = {}
    for each in window:
        if each.ret is None:
            kinds.setdefault(each.operation, each.call)
    return [each for each in window if each.ret is not None or kinds[each.operation] == each.call]


def starts_of(
    model: Model[StateT, OperationT], intervals: Sequence[Interval[OperationT]]
) -> Sequence[Model[StateT, OperationT]]:
    """Return `model` from all states that make a difference; none if unknown, or too many.

    To what is called when a write has returned, the state at the start makes none.
    """
    if not isinstance(model, Restartable):
        return []
    first_written = min(
        (ret for operation, _, ret, _ in intervals if isinstance(operation, Write) and ret),
        default=_FOR_EVER,
    )
    starts = model.starts(each.operation for each in intervals if each.call < first_written)
    return starts if len(starts) <= STARTS_MAX else []
