"""Which method answers for which history, and in which order they are tried.

Every method is exact within its budget. `decide` picks by what the operations are:

- registers in which every value is written once: `unique_values`, in O(n log n);
- queues in which every value is enqueued once: `distinct_queue`, in O(n log n);
- other registers, by `register_search` and the moves made for them; strings, by theirs; anything
  else, by asking the model: depth first, hastily; then `stale_values` (registers only) and
  `windows`, which refute what is wrong for one answer, or within a few returns; where outcomes are
  unknown, a short sweep, and the relaxation, in which operations of unknown outcome may be used
  again and again, so that it refutes what is wrong for simple reasons; then depth first, patiently;
  and if all that is not enough, ever more thorough sweeps.

Most histories are linearizable, and then the first attempt depth first often shows it, however many
outcomes are unknown. Where it fails, the sweeps are quicker to show that nothing else will do:
narrow beams first, in long histories; where outcomes are unknown, wider ones; and only then all.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from checkers.linearizability import distinct_queue, stale_values, unique_values
from checkers.linearizability.depth_first import DepthFirst, ReversibleMoves
from checkers.linearizability.interval import Interval
from checkers.linearizability.model_moves import ModelMoves
from checkers.linearizability.register_history import RegisterHistory
from checkers.linearizability.register_moves import RegisterMoves
from checkers.linearizability.register_search import RegisterSearch
from checkers.linearizability.register_tables import RegisterTables
from checkers.linearizability.string_moves import StringMoves
from checkers.linearizability.sweep import REMEMBERED_MAX, Moves, Outcome, Sweep
from checkers.linearizability.windows import Refutation, Windows
from checkers.models.cas_register import CasRegister
from checkers.models.kv import Kv
from checkers.models.model import Model
from checkers.models.queue import FifoQueue, UnorderedQueue
from checkers.models.register import Register
from checkers.verdict import Answer

StateT = TypeVar("StateT", bound=Hashable)
OperationT = TypeVar("OperationT", bound=Hashable)

_SHORT: Final = 200
"""Operations of a history so short that a beam is not worth a sweep."""

_NARROW_BEAMS: Final = (2, 16)
_WIDE_BEAMS: Final = (128, 1024, 8192)

_HASTY_STEPS_EACH: Final = 4
"""What a search depth first may spend for each operation at first: twice what a lucky one needs."""

_PATIENCE: Final = 20
"""How many times a cautious sweep's steps it may spend before sweeps are tried."""

_PATIENCE_IF_KNOWN: Final = 2
"""The same where no outcome is unknown, for then a sweep need not be feared."""

_RELAXED_CHAINS_MAX: Final = 1000
"""Configurations that a relaxation may hold at one return."""

_BRIEF_STEPS_MAX: Final = 500
_BRIEF_STEPS_EACH: Final = 20
"""What one search of a window may spend, at all and for each operation."""

_WINDOWS_PATIENCE: Final = 2
"""How many times a cautious sweep's steps windows are worth."""

_CAUTIOUS_STEPS_MAX: Final = 2000
_CAUTIOUS_STEPS_EACH: Final = 20
"""What a full sweep may spend, at all and for each operation, before anything else is tried."""


class Limits(NamedTuple):
    """What one search may spend."""

    steps_max: int
    remembered_max: int
    """Configurations that may be held at once."""

    def after(self, steps: int) -> "Limits":
        """Return what is left after so many steps."""
        return self._replace(steps_max=self.steps_max - steps)


def decide(
    intervals: Sequence[Interval[OperationT]],
    model: Model[StateT, OperationT],
    *,
    steps_max: int,
    remembered_max: int = REMEMBERED_MAX,
) -> Outcome:
    """Return whether `intervals` have an order that `model` and real time allow.

    `UNKNOWN` only if more than `steps_max` steps were needed, or if more than `remembered_max`
    configurations were to be held at once.
    """
    limits = Limits(steps_max, remembered_max)

    refute = Windows(intervals, model, partial(decide_window, remembered_max)).refute
    known: object = model
    match known:
        case Register(value) | CasRegister(value):
            return unique_values.judge(intervals, value) or _decide_register(
                RegisterHistory(intervals, value), intervals, limits, refute
            )
        case Kv(initial):
            moves_for = partial(StringMoves, intervals, initial)
            return _decide_any(moves_for, intervals, limits, refute)
        case FifoQueue(waiting):
            outcome = distinct_queue.judge(intervals, waiting, in_order=True)
        case UnorderedQueue((items, 0)):
            values = [value for value, count in sorted(items, key=repr) for _ in range(count)]
            outcome = distinct_queue.judge(intervals, values, in_order=False)
        case _:
            outcome = None
    return outcome or _decide_any(partial(ModelMoves, intervals, model), intervals, limits, refute)


_Refute: TypeAlias = Callable[[int], Refutation]
"""See `Windows.refute`."""


def _decide_register(
    history: RegisterHistory,
    intervals: Sequence[Interval[object]],
    limits: Limits,
    refute: _Refute,
) -> Outcome:
    """Search depth first; if that takes long, look at windows; relax; search on; and then sweep."""
    outcome = _search_register(history, limits, refute)
    if outcome.answer is not Answer.UNKNOWN or outcome.steps >= limits.steps_max:
        return outcome
    swept = _climb(partial(RegisterMoves, history), intervals, limits.after(outcome.steps))
    return msgspec.structs.replace(swept, steps=swept.steps + outcome.steps)


def _search_register(history: RegisterHistory, limits: Limits, refute: _Refute) -> Outcome:
    """Return what comes of searching a while, from the tables, which are forgotten."""
    tables, count = RegisterTables(history), len(history.coded)
    search = RegisterSearch(tables, limits.steps_max, limits.remembered_max)
    hasty = _CAUTIOUS_STEPS_MAX + _HASTY_STEPS_EACH * count
    outcome = search.run(min(hasty, limits.steps_max))
    spent = 0
    if outcome.answer is Answer.UNKNOWN:
        left = limits.steps_max - outcome.steps
        stale = stale_values.refute(history) if count <= left else None
        found = stale or _refuted(refute, count, left)
        spent = found.steps
        if found.answer is Answer.INVALID:
            return msgspec.structs.replace(found, steps=spent + outcome.steps)
    if outcome.answer is Answer.UNKNOWN and history.crashed_count:
        allowed = min(hasty, limits.steps_max - outcome.steps - spent)
        relaxed = RegisterSearch(tables, allowed, limits.remembered_max, reusable=True).run(allowed)
        spent += relaxed.steps
        if relaxed.answer is Answer.INVALID:
            return msgspec.structs.replace(
                relaxed, steps=spent + outcome.steps, method="relaxation"
            )
    if outcome.answer is Answer.UNKNOWN:
        outcome = search.run(min(_patient_steps(count, _PATIENCE), limits.steps_max - spent))
    return msgspec.structs.replace(outcome, steps=outcome.steps + spent)


def _refuted(refute: _Refute, count: int, steps_max: int) -> Outcome:
    """Return what comes of looking at windows: `INVALID` or `UNKNOWN`."""
    if steps_max <= 0:
        return Outcome(answer=Answer.UNKNOWN, steps=0)
    found = refute(min(_patient_steps(count, _WINDOWS_PATIENCE), steps_max))
    return found.outcome or Outcome(answer=Answer.UNKNOWN, steps=found.steps)


def decide_window(
    remembered_max: int,
    window: Sequence[Interval[OperationT]],
    start: Model[StateT, OperationT],
    steps_max: int,
    *,
    reusable: bool,
) -> Outcome:
    """Return what comes of searching a window a little."""
    allowed = min(_BRIEF_STEPS_MAX + _BRIEF_STEPS_EACH * len(window), steps_max)
    known: object = start
    match known:
        case Register(value) | CasRegister(value):
            tables = RegisterTables(RegisterHistory(window, value))
            search = RegisterSearch(tables, allowed, remembered_max, reusable=reusable)
            return search.run(allowed)
        case Kv(initial):
            moves: ReversibleMoves[str | None] = StringMoves(window, initial, reusable=reusable)
            return _search_briefly(moves, window, Limits(allowed, remembered_max))
        case _:
            any_moves = ModelMoves(window, start, reusable=reusable)
            return _search_briefly(any_moves, window, Limits(allowed, remembered_max))


def _search_briefly(
    moves: ReversibleMoves[StateT], window: Sequence[Interval[object]], limits: Limits
) -> Outcome:
    search = DepthFirst(
        moves, window, steps_max=limits.steps_max, remembered_max=limits.remembered_max
    )
    return search.run(limits.steps_max)


class _MovesFor(Protocol[StateT]):
    """Makes the moves for one search."""

    def __call__(self, *, reusable: bool) -> ReversibleMoves[StateT]:
        """Return fresh moves; `reusable` as in `ModelMoves`."""


class _SweepMovesFor(Protocol[StateT]):
    """Makes the moves for one sweep."""

    def __call__(self, *, reusable: bool) -> Moves[StateT]:
        """Return fresh moves; `reusable` as in `RegisterMoves`."""


def _decide_any(
    moves_for: _MovesFor[StateT],
    intervals: Sequence[Interval[object]],
    limits: Limits,
    refute: _Refute,
) -> Outcome:
    """Search depth first; then look at windows; sweep a while and relax; search on; then sweep."""
    outcome = _search(moves_for, intervals, limits, refute)
    if outcome.answer is not Answer.UNKNOWN or outcome.steps >= limits.steps_max:
        return outcome
    swept = _climb(moves_for, intervals, limits.after(outcome.steps))
    return msgspec.structs.replace(swept, steps=swept.steps + outcome.steps)


def _search(
    moves_for: _MovesFor[StateT],
    intervals: Sequence[Interval[object]],
    limits: Limits,
    refute: _Refute,
) -> Outcome:
    """Return what comes of searching a while; all that was remembered is forgotten."""
    count = len(intervals)
    is_known = all(interval.ret is not None for interval in intervals)
    search = DepthFirst(
        moves_for(reusable=False),
        intervals,
        steps_max=limits.steps_max,
        remembered_max=limits.remembered_max,
    )
    hasty = _CAUTIOUS_STEPS_MAX + _HASTY_STEPS_EACH * count
    outcome = search.run(min(hasty, limits.steps_max))
    spent = 0
    if outcome.answer is Answer.UNKNOWN:
        found = _refuted(refute, count, limits.steps_max - outcome.steps)
        spent = found.steps
        if found.answer is Answer.INVALID:
            return msgspec.structs.replace(found, steps=spent + outcome.steps)
    if outcome.answer is Answer.UNKNOWN and not is_known:
        # A sweep forgets what it saw, and so does a search where it comes back too seldom.
        left = limits.after(outcome.steps + spent)
        tried = _climb(moves_for, intervals, left, _cautious_rungs(count))
        spent += tried.steps
        if tried.answer is not Answer.UNKNOWN:
            return msgspec.structs.replace(tried, steps=spent + outcome.steps)
    if outcome.answer is Answer.UNKNOWN:
        patient = _patient_steps(count, _PATIENCE_IF_KNOWN if is_known else _PATIENCE)
        outcome = search.run(min(patient, limits.steps_max - spent))
    return msgspec.structs.replace(outcome, steps=outcome.steps + spent)


def _patient_steps(count: int, patience: int) -> int:
    return patience * (_CAUTIOUS_STEPS_MAX + _CAUTIOUS_STEPS_EACH * count)


class _Rung(NamedTuple):
    """One way to sweep."""

    method: str
    steps_max: int | None = None
    """None: whatever is left."""
    beam: int | None = None
    reusable: bool = False
    chains_max: int | None = None
    """Configurations held at one return; None: as many as may be remembered."""


def _climb(
    moves_for: _SweepMovesFor[StateT],
    intervals: Sequence[Interval[object]],
    limits: Limits,
    rungs: Iterable[_Rung] | None = None,
) -> Outcome:
    """Try ever more thorough sweeps, until one is sure or all steps are spent."""
    steps = place_max = 0
    is_out_of_memory = False
    for rung in _thorough_rungs(intervals) if rungs is None else rungs:
        left = limits.steps_max - steps
        sweep = Sweep(
            moves_for(reusable=rung.reusable),
            intervals,
            steps_max=left if rung.steps_max is None else min(rung.steps_max, left),
            beam=rung.beam,
            chains_max=rung.chains_max,
            remembered_max=limits.remembered_max,
        )
        outcome = sweep.run()
        steps += outcome.steps
        place_max = max(place_max, outcome.place or 0)
        is_out_of_memory = outcome.is_out_of_memory
        if outcome.answer is Answer.INVALID or (
            outcome.answer is Answer.VALID and not rung.reusable
        ):
            return msgspec.structs.replace(outcome, steps=steps, method=rung.method)
        if steps >= limits.steps_max:
            break
    return Outcome(
        answer=Answer.UNKNOWN,
        steps=steps,
        place=place_max,
        method="all, in vain",
        is_out_of_memory=is_out_of_memory,
    )


def _cautious_rungs(count: int) -> Iterator[_Rung]:
    """Yield sweeps that cost little, for histories with operations of unknown outcome."""
    cautious = _CAUTIOUS_STEPS_MAX + _CAUTIOUS_STEPS_EACH * count
    yield _Rung("sweep", cautious)
    yield _relaxation(cautious)


def _relaxation(steps_max: int) -> _Rung:
    # Where states are without number, as sums or queues, a relaxation need not come to an end,
    # and each state may be larger than the one before.
    return _Rung("relaxation", steps_max, reusable=True, chains_max=_RELAXED_CHAINS_MAX)


def _thorough_rungs(intervals: Sequence[Interval[object]]) -> Iterator[_Rung]:
    if len(intervals) > _SHORT:
        yield from _beams(_NARROW_BEAMS)
    if any(interval.ret is None for interval in intervals):
        yield _relaxation(_patient_steps(len(intervals), _PATIENCE // 2))
        yield from _beams(_WIDE_BEAMS)
    yield _Rung("sweep")


def _beams(widths: Iterable[int]) -> Iterator[_Rung]:
    for width in widths:
        yield _Rung(f"beam of {width}", beam=width)
