"""What models say of themselves, against what they do: for every model, over random states."""

from random import Random

import pytest

from checkers.models.model import Absorbing, Model, OperationT, Pure, Restartable, StateT
from tests.checkers.linearizability.random_histories import (
    FewValues,
    FifoQueues,
    Kind,
    Locks,
    OwnedLocks,
    Sets,
    Strings,
    Transactions,
    UniqueValues,
    UnorderedQueues,
)

KINDS = [
    FewValues(),
    UniqueValues(),
    Strings(),
    Locks(),
    OwnedLocks(),
    FifoQueues(),
    UnorderedQueues(),
    Transactions(),
    Sets(),
]


def walk(kind: Kind[StateT, OperationT], seed: int) -> list[tuple[StateT, OperationT]]:
    """Return states that follow one another, each with an operation legal in it."""
    random, state = Random(seed), kind.model.initial
    found = []
    for number in range(60):
        operation = kind.draw(random, state, number)
        found.append((state, operation))
        after = kind.model.step(state, operation)
        assert after is not None, "a true answer is legal"
        state = after
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_called_pure_never_changes_the_state(kind: Kind[StateT, OperationT]) -> None:
    model = kind.model
    pairs = walk(kind, 1)
    pure = [
        operation for _, operation in pairs if isinstance(model, Pure) and model.pure(operation)
    ]

    changed = [
        (state, operation)
        for state, _ in pairs
        for operation in pure
        if model.step(state, operation) not in (state, None)
    ]

    assert changed == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_called_absorbed_leaves_no_trace(kind: Kind[StateT, OperationT]) -> None:
    model = kind.model
    operations = [operation for _, operation in walk(kind, 2)]
    states = [state for state, _ in walk(kind, 3)]
    absorbed = [
        (writer, earlier)
        for writer in operations
        for earlier in operations
        if isinstance(model, Absorbing) and model.absorbs(writer, earlier)
    ]

    traces = []
    for state in states:
        for writer, earlier in absorbed[:500]:
            between = model.step(state, earlier)
            if between is None or (
                model.step(state, writer) not in (None, model.step(between, writer))
            ):
                traces.append((state, writer, earlier))

    assert traces == []


def legal(
    state: StateT | None, operations: tuple[OperationT, ...], model: Model[StateT, OperationT]
) -> bool:
    """Return whether `operations` can happen in this order, from `state`."""
    for operation in operations:
        if state is not None:
            state = model.step(state, operation)
    return state is not None


@pytest.mark.parametrize("kind", [FewValues(), Strings(), Locks()])
def test_what_is_legal_from_some_state_is_legal_from_a_start(
    kind: Kind[StateT, OperationT],
) -> None:
    model, random = kind.model, Random(4)
    assert isinstance(model, Restartable)
    states = [state for state, _ in walk(kind, 5)]
    answers = [operation for _, operation in walk(kind, 6)]
    runs = [tuple(random.choices(answers, k=3)) for _ in range(300)]

    lost = [
        run
        for run in runs
        if any(legal(state, run, model) for state in states)
        and not any(legal(start.initial, run, model) for start in model.starts(run))
    ]

    assert lost == []
    assert any(legal(state, run, model) for state in states for run in runs)
