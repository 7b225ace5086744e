"""Windows: what they show, what they leave open, and that they are quick where a search is lost."""

from collections.abc import Sequence
from functools import partial
from random import Random

import pytest

from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide, decide_window
from checkers.linearizability.sweep import REMEMBERED_MAX
from checkers.linearizability.windows import PASSES, Refutation, Windows
from checkers.models.cas_register import Cas, CasRegister, RegisterOperation
from checkers.models.kv import Kv
from checkers.models.queue import FifoQueue, QueueOperation
from checkers.models.register import Read, Write
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.lost_writes import (
    register_that_lost_a_write,
    string_that_lost_an_append,
)
from tests.checkers.linearizability.random_histories import (
    FewValues,
    FifoQueues,
    Sizes,
    Strings,
    record,
    small,
    tamper,
)

History = Sequence[Interval[RegisterOperation]]
STEPS_MAX = 100_000


def during(
    operation: RegisterOperation, call: int, ret: int | None = None
) -> Interval[RegisterOperation]:
    return Interval(operation, call, ret, call)


def refuted(history: History, *passes: tuple[int, bool], steps_max: int = STEPS_MAX) -> Refutation:
    judge = partial(decide_window, REMEMBERED_MAX)
    return Windows(history, CasRegister(), judge, passes=passes or PASSES).refute(steps_max)


PAST = [during(Write(value % 3), 2 * value, 2 * value + 1) for value in range(20)]
"""What has long returned when the story begins, at moment 40."""


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([during(Write(7), 41, 42), during(Read(1), 43, 44)], id="lost write"),
        pytest.param([during(Read(1), 41, 42), during(Read(2), 43, 44)], id="stale read"),
        pytest.param([during(Write(7), 41, 42), during(Cas(1, 2), 43, 44)], id="impossible cas"),
    ],
)
def test_a_short_story_is_refuted_whatever_was_before(story: History) -> None:
    outcome = refuted([*PAST, *story], (2, True)).outcome

    assert outcome is not None
    assert (outcome.answer, outcome.method, outcome.place) == (Answer.INVALID, "window", 21)


@pytest.mark.parametrize(
    "writer",
    [
        pytest.param(during(Write(1), 39), id="called before it and never answered"),
        pytest.param(during(Write(1), 39, 44), id="called before it and answered within"),
        pytest.param(during(Write(1), 42, 90), id="called within and answered after it"),
    ],
)
def test_what_reaches_into_a_window_may_explain_it(writer: Interval[RegisterOperation]) -> None:
    story = [during(Read(0), 40, 41), writer, during(Read(1), 45, 46)]
    history = sorted([*PAST[:-1], *story], key=lambda each: each.call)

    assert refuted(history, (2, True), (2, False), (3, True), (3, False)).outcome is None


def test_what_is_unknown_is_counted_at_last() -> None:
    once = [during(Write(1), 39)]
    story = [
        during(Read(value), 40 + 2 * number, 41 + 2 * number)
        for number, value in enumerate((7, 1, 7, 1))
    ]
    history = [*PAST[:-1], during(Write(7), 38), *once, *story]

    assert refuted(history, (4, True)).outcome is None
    assert refuted(history, (4, False)).outcome is not None


def test_it_spends_no_more_than_it_may() -> None:
    history = [*PAST, during(Write(7), 41, 42), during(Read(1), 43, 44)]

    found = refuted(history, (2, True), steps_max=10)

    assert found.outcome is None
    assert found.steps < 40


def test_a_model_that_cannot_begin_anywhere_is_left_to_others() -> None:
    kind = FifoQueues()
    history = record(Random(1), kind, Sizes(operations=50, processes=3, crash_rate=0.1))
    judge = partial(decide_window, REMEMBERED_MAX)

    assert Windows[tuple[object, ...], QueueOperation](history, FifoQueue(), judge).refute(
        STEPS_MAX
    ) == Refutation(None, 0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [FewValues(), Strings()], ids=lambda kind: type(kind).__name__)
def test_no_window_of_a_history_that_has_an_order_is_refuted(kind: FewValues, seed: int) -> None:
    random, convicted = Random(seed), 0
    judge = partial(decide_window, REMEMBERED_MAX)
    for case in range(50):
        history = tamper(random, kind, record(random, kind, small(random)))
        passes = [(size, reusable) for size in (1, 3, 5) for reusable in (True, False)]
        found = Windows(history, kind.model, judge, passes=passes).refute(STEPS_MAX)
        if found.outcome is not None:
            convicted += 1
            assert not has_order(history, kind.model), f"seed {seed}, case {case}"
    assert convicted > 5


@pytest.mark.parametrize("crash_rate", [0.02, 0.2])
def test_a_lost_write_is_refuted_among_many_clients(crash_rate: float) -> None:
    sizes = Sizes(operations=600, processes=30, crash_rate=crash_rate)
    history = register_that_lost_a_write(30, sizes)

    found = refuted(history)

    assert found.outcome is not None
    assert found.outcome.place == len(history) - 1
    assert found.steps < 10 * len(history)


def test_a_lost_append_is_refuted_among_many_clients() -> None:
    history = string_that_lost_an_append(Sizes(operations=300, processes=30, crash_rate=0.05))

    outcome = decide(history, Kv(), steps_max=STEPS_MAX)

    assert (outcome.answer, outcome.method) == (Answer.INVALID, "window")
