"""Answers that must be stale: which are refuted, and which may be right after all."""

from collections.abc import Sequence
from random import Random

import pytest

from checkers.linearizability.interval import Interval
from checkers.linearizability.register_history import RegisterHistory
from checkers.linearizability.search import decide
from checkers.linearizability.stale_values import refute
from checkers.linearizability.sweep import Outcome
from checkers.models.cas_register import Cas, CasMismatch, CasRegister, RegisterOperation
from checkers.models.register import Read, Write
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import (
    FewValues,
    Sizes,
    record,
    small,
    tamper,
)

History = Sequence[Interval[RegisterOperation]]


def during(
    operation: RegisterOperation, call: int, ret: int | None = None
) -> Interval[RegisterOperation]:
    return Interval(operation, call, ret, call)


def refuted(*history: Interval[RegisterOperation]) -> Outcome | None:
    return refute(RegisterHistory(history, None))


ONE = during(Write(1), 0, 1)
STALE = {
    "a write in between": [ONE, during(Write(2), 2, 3), during(Read(1), 4, 5)],
    "a read in between": [
        ONE, during(Write(2), 1, 9), during(Read(2), 2, 3), during(Read(1), 10, 11)
    ],
    "a cas in between": [
        ONE, during(Write(2), 2), during(Cas(2, 3), 3, 4), during(Read(1), 5, 6)
    ],
    "a cas from what is gone": [ONE, during(Write(2), 2, 3), during(Cas(1, 5), 4, 5)],
    "the initial value": [ONE, during(Read(None), 2, 3)],
    "what nobody wrote": [ONE, during(Read(7), 2, 3)],
    "what is written only later": [ONE, during(Read(7), 2, 3), during(Write(7), 4, 5)],
    "among many sources": [
        ONE, during(Write(1), 2, 3), during(Write(1), 4, 7), during(Write(2), 8, 9),
        during(Write(1), 20, 21), during(Read(1), 10, 11),
    ],
}  # fmt: skip
POSSIBLE = {
    "nothing in between": [ONE, during(Read(1), 4, 5)],
    "a write at the same time as its source": [
        during(Write(1), 0, 5), during(Write(2), 1, 4), during(Read(1), 6, 7)
    ],
    "a write at the same time as the read": [ONE, during(Write(2), 2, 5), during(Read(1), 4, 6)],
    "a write of the same value in between": [
        ONE, during(Write(2), 2, 3), during(Write(1), 4, 5), during(Read(1), 6, 7)
    ],
    "a source of unknown outcome": [
        during(Write(1), 0), during(Write(2), 2, 3), during(Read(1), 4, 5)
    ],
    "a cas of unknown outcome": [
        ONE, during(Cas(2, 1), 1), during(Write(2), 2, 3), during(Read(1), 4, 5)
    ],
    "a read of the same value in between": [ONE, during(Read(1), 2, 3), during(Read(1), 4, 5)],
    "a mismatch of another value": [ONE, during(CasMismatch(2), 2, 3), during(Read(1), 4, 5)],
    "what was never answered": [ONE, during(Write(2), 2, 3), during(Read(1), 4)],
    "the initial value before all": [during(Read(None), 0, 1), during(Write(1), 2, 3)],
}  # fmt: skip


@pytest.mark.parametrize("name", STALE)
def test_what_is_stale_is_refuted(name: str) -> None:
    outcome = refuted(*STALE[name])

    assert outcome is not None
    assert (outcome.answer, outcome.method) == (Answer.INVALID, "stale value")
    assert not has_order(STALE[name], CasRegister())


@pytest.mark.parametrize("name", POSSIBLE)
def test_what_is_possible_is_not(name: str) -> None:
    assert refuted(*POSSIBLE[name]) is None
    assert has_order(POSSIBLE[name], CasRegister())


def test_the_answer_that_is_stale_is_named() -> None:
    outcome = refuted(ONE, during(Write(2), 2, 3), during(Read(2), 4, 5), during(Read(1), 6, 7))

    assert outcome is not None
    assert outcome.place == 3


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_has_an_order_is_refuted(seed: int) -> None:
    random, kind, convicted = Random(seed), FewValues(4), 0
    for case in range(400):
        history = tamper(random, kind, record(random, kind, small(random)))
        if refuted(*history) is not None:
            convicted += 1
            assert not has_order(history, kind.model), f"seed {seed}, case {case}"
    assert convicted > 80


def test_a_stale_read_among_many_clients_is_found_at_once() -> None:
    sizes = Sizes(operations=400, processes=50, crash_rate=0.02)
    history = record(Random(1), FewValues(30), sizes)
    end = max(each.ret or each.call for each in history)
    old = next(
        value
        for value in range(30)
        if refuted(*history, during(Read(value), end + 1, end + 2)) is not None
    )

    outcome = decide(
        [*history, during(Read(old), end + 1, end + 2)], CasRegister(), steps_max=20_000
    )

    assert (outcome.answer, outcome.method) == (Answer.INVALID, "stale value")
    assert outcome.place == len(history)
