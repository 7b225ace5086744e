"""What models say of themselves, against what they do: for every model, over random states."""

from random import Random

import pytest

from checkers.models.model import Absorbing, OperationT, Pure, StateT
from tests.checkers.linearizability.random_histories import (
    FewValues,
    Kind,
    Locks,
    Sets,
    Strings,
    Transactions,
    UniqueValues,
)

KINDS = [FewValues(), UniqueValues(), Strings(), Locks(), Transactions(), Sets()]


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
