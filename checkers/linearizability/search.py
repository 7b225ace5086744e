"""Which method answers for which history, and in which order they are tried.

Every method is exact within its budget. `decide` picks by what the operations are:

- registers in which every value is written once: `unique_values`, in O(n log n);
- other registers: depth first (`register_search`), hastily; then the relaxation, in which
  operations of unknown outcome may be used again and again, so that it refutes what is wrong for
  simple reasons; then depth first, patiently; and if all that is not enough, as anything else:
- strings, anything else: a `sweep`, with the moves made for them.

A long history is first swept with a narrow beam: most are linearizable, and then a few
configurations suffice to show it. Where outcomes are unknown, the search space may explode, so a
short full sweep is followed by the relaxation, which refutes what is wrong for simple reasons; by
wider beams; and only then by the full sweep.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from checkers.linearizability import unique_values
from checkers.linearizability.interval import Interval
from checkers.linearizability.model_moves import ModelMoves
from checkers.linearizability.register_history import RegisterHistory
from checkers.linearizability.register_moves import RegisterMoves
from checkers.linearizability.register_search import RegisterSearch
from checkers.linearizability.register_tables import RegisterTables
from checkers.linearizability.string_moves import StringMoves
from checkers.linearizability.sweep import CHAINS_MAX, Moves, Outcome, Sweep
from checkers.models.cas_register import CasRegister
from checkers.models.kv import Kv
from checkers.models.model import Model
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

_RELAXED_CHAINS_MAX: Final = 1000
"""Configurations that a relaxation may hold at one return."""

_CAUTIOUS_STEPS_MAX: Final = 2000
_CAUTIOUS_STEPS_EACH: Final = 20
"""What a full sweep may spend, at all and for each operation, before anything else is tried."""


def decide(
    intervals: Sequence[Interval[OperationT]],
    model: Model[StateT, OperationT],
    *,
    steps_max: int,
) -> Outcome:
    """Return whether `intervals` have an order that `model` and real time allow.

    `UNKNOWN` only if more than `steps_max` steps were needed.
    """
    known: object = model
    match known:
        case Register(value) | CasRegister(value):
            outcome = unique_values.judge(intervals, value)
            if outcome is not None:
                return outcome
            return _decide_register(RegisterHistory(intervals, value), intervals, steps_max)
        case Kv(initial):
            return _climb(partial(StringMoves, intervals, initial), intervals, steps_max)
        case _:
            return _climb(partial(ModelMoves, intervals, model), intervals, steps_max)


def _decide_register(
    history: RegisterHistory, intervals: Sequence[Interval[object]], steps_max: int
) -> Outcome:
    """Search depth first; if that takes long, relax; search on; and then sweep."""
    tables = RegisterTables(history)
    search = RegisterSearch(tables, steps_max=steps_max)
    hasty = _CAUTIOUS_STEPS_MAX + _HASTY_STEPS_EACH * len(intervals)
    patient = _PATIENCE * (_CAUTIOUS_STEPS_MAX + _CAUTIOUS_STEPS_EACH * len(intervals))
    outcome = search.run(min(hasty, steps_max))
    spent = 0
    if outcome.answer is Answer.UNKNOWN and history.crashed_count:
        allowed = min(hasty, steps_max - outcome.steps)
        relaxed = RegisterSearch(tables, steps_max=allowed, reusable=True).run(allowed)
        spent = relaxed.steps
        if relaxed.answer is Answer.INVALID:
            return msgspec.structs.replace(
                relaxed, steps=spent + outcome.steps, method="relaxation"
            )
    if outcome.answer is Answer.UNKNOWN:
        outcome = search.run(min(patient, steps_max - spent))
    spent += outcome.steps
    if outcome.answer is not Answer.UNKNOWN or spent >= steps_max:
        return msgspec.structs.replace(outcome, steps=spent)
    swept = _climb(partial(RegisterMoves, history), intervals, steps_max - spent)
    return msgspec.structs.replace(swept, steps=swept.steps + spent)


class _MovesFor(Protocol[StateT]):
    """Makes the moves for one sweep."""

    def __call__(self, *, reusable: bool) -> Moves[StateT]:
        """Return fresh moves; `reusable` as in `RegisterMoves`."""


class _Rung(NamedTuple):
    """One way to sweep."""

    method: str
    steps_max: int
    beam: int | None = None
    reusable: bool = False
    chains_max: int = CHAINS_MAX


def _climb(
    moves_for: _MovesFor[StateT], intervals: Sequence[Interval[object]], steps_max: int
) -> Outcome:
    """Try ever more thorough sweeps, until one is sure or all steps are spent."""
    steps = 0
    place_max = 0
    for rung in _ladder(intervals, steps_max):
        moves = moves_for(reusable=rung.reusable)
        allowed = min(rung.steps_max, steps_max - steps)
        sweep = Sweep(
            moves, intervals, steps_max=allowed, beam=rung.beam, chains_max=rung.chains_max
        )
        outcome = sweep.run()
        steps += outcome.steps
        place_max = max(place_max, outcome.place or 0)
        if outcome.answer is Answer.INVALID or (
            outcome.answer is Answer.VALID and not rung.reusable
        ):
            return msgspec.structs.replace(outcome, steps=steps, method=rung.method)
        if steps >= steps_max:
            break
    return Outcome(answer=Answer.UNKNOWN, steps=steps, place=place_max, method="all, in vain")


def _ladder(intervals: Sequence[Interval[object]], steps_max: int) -> Iterator[_Rung]:
    if len(intervals) > _SHORT:
        yield from _beams(_NARROW_BEAMS, steps_max)
    if any(interval.ret is None for interval in intervals):
        cautious = _CAUTIOUS_STEPS_MAX + _CAUTIOUS_STEPS_EACH * len(intervals)
        yield _Rung("sweep", cautious)
        # Where states are without number, as sums or queues, a relaxation need not come to an end,
        # and each state may be larger than the one before.
        yield _Rung("relaxation", 10 * cautious, reusable=True, chains_max=_RELAXED_CHAINS_MAX)
        yield from _beams(_WIDE_BEAMS, steps_max)
    yield _Rung("sweep", steps_max)


def _beams(widths: Iterable[int], steps_max: int) -> Iterator[_Rung]:
    for width in widths:
        yield _Rung(f"beam of {width}", steps_max, beam=width)
