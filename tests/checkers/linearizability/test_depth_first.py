"""Depth first against brute force, for any model; its budgets; and how it goes on after a pause."""

from random import Random

import pytest

from checkers.linearizability.depth_first import DepthFirst
from checkers.linearizability.interval import Interval
from checkers.linearizability.model_moves import ModelMoves
from checkers.linearizability.search import decide
from checkers.linearizability.string_moves import StringMoves
from checkers.linearizability.sweep import Outcome
from checkers.models.kv import Kv
from checkers.models.model import Model, OperationT, StateT
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import (
    FewValues,
    FifoQueues,
    Kind,
    Locks,
    OwnedLocks,
    Sets,
    Sizes,
    Strings,
    Transactions,
    UnorderedQueues,
    record,
    small,
    tamper,
)

STEPS_MAX = 1_000_000
KINDS = [
    FewValues(),
    Strings(),
    Locks(),
    OwnedLocks(),
    FifoQueues(),
    UnorderedQueues(),
    Transactions(),
    Sets(),
]


def search(
    history: list[Interval[OperationT]], model: Model[StateT, OperationT], remembered_max: int
) -> "DepthFirst[int] | DepthFirst[str | None]":
    """Return a search, with the moves that `decide` would take for the model."""
    limits = {"steps_max": STEPS_MAX, "remembered_max": remembered_max}
    if model.name == Kv.name:
        return DepthFirst(StringMoves(history, ""), history, **limits)
    return DepthFirst(ModelMoves(history, model), history, **limits)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_every_kind_is_judged_as_by_brute_force(kind: Kind[StateT, OperationT], seed: int) -> None:
    random = Random(seed)
    for case in range(150):
        history = tamper(random, kind, record(random, kind, small(random)))
        outcome = search(history, kind.model, STEPS_MAX).run(STEPS_MAX)
        assert (outcome.answer is Answer.VALID) is has_order(history, kind.model), case


def in_small_steps(searching: "DepthFirst[int] | DepthFirst[str | None]") -> Outcome:
    for steps in range(STEPS_MAX):
        outcome = searching.run(steps)
        if outcome.answer is not Answer.UNKNOWN:
            return outcome
    raise AssertionError("small histories are decided")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_a_search_that_pauses_at_every_step_judges_the_same(
    kind: Kind[StateT, OperationT],
) -> None:
    random = Random(5)
    for case in range(80):
        history = tamper(random, kind, record(random, kind, small(random)))
        outcome = in_small_steps(search(history, kind.model, STEPS_MAX))
        assert (outcome.answer is Answer.VALID) is has_order(history, kind.model), case


@pytest.mark.parametrize(
    ("kind", "crash_rate"),
    [
        (Strings(), 0.03),
        (Locks(), 0.1),
        (OwnedLocks(), 0.1),
        (UnorderedQueues(), 0.1),
        (Transactions(), 0.1),
        (Sets(), 0.1),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_long_history_with_many_unknown_outcomes_is_quick(
    kind: Kind[StateT, OperationT], crash_rate: float
) -> None:
    history = record(Random(2), kind, Sizes(operations=600, processes=8, crash_rate=crash_rate))

    outcome = decide(history, kind.model, steps_max=100_000)

    assert (outcome.answer, outcome.method) == (Answer.VALID, "depth first")


@pytest.mark.parametrize("kind", [Strings(), FifoQueues()], ids=lambda kind: type(kind).__name__)
def test_it_gives_up_when_it_may_not_hold_more(kind: Kind[StateT, OperationT]) -> None:
    history = record(Random(3), kind, Sizes(operations=300, processes=10, crash_rate=0.1))

    outcome = search(history, kind.model, 200).run(STEPS_MAX)

    assert outcome.answer is Answer.UNKNOWN
    assert outcome.is_out_of_memory
    assert outcome.steps < 1_000
    assert outcome.place is not None
