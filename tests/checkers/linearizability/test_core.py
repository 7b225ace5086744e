"""The core: small, still illegal, and made by relaxations only."""

from collections.abc import Sequence
from random import Random

import pytest

from checkers.linearizability.core import Core, find_core
from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.linearizability.sweep import Outcome
from checkers.models.cas_register import Cas, CasRegister, RegisterOperation
from checkers.models.register import Read, Write
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import FewValues, record, small, tamper
from tests.checkers.linearizability.rows import during

MODEL = CasRegister()


def judge(intervals: Sequence[Interval[RegisterOperation]], *, from_anywhere: bool) -> Answer:
    starts = starts_of(intervals) if from_anywhere else [MODEL]
    return min(decide(intervals, start, steps_max=100_000).answer for start in starts)


def starts_of(intervals: Sequence[Interval[RegisterOperation]]) -> list[CasRegister]:
    return MODEL.starts(interval.operation for interval in intervals)


def core_of(history: list[Interval[RegisterOperation]]) -> Core[RegisterOperation]:
    outcome = decide(history, MODEL, steps_max=100_000)
    assert outcome.answer is Answer.INVALID, "only what is wrong has a core"
    return find_core(history, outcome, is_pure=MODEL.pure, judge=judge)


STALE: list[Interval[RegisterOperation]] = [
    during(Write(1), 0, 1),
    during(Read(1), 2, 3),
    during(Write(2), 4, 5),
    during(Read(2), 6, 7),
    during(Read(1), 8, 9),
    during(Write(1), 10, 11),
]


def test_what_has_nothing_to_do_with_it_is_left_out_and_the_past_forgotten() -> None:
    core = core_of(STALE)

    assert [interval.call for interval in core.required] == [6, 8]
    assert core.dying.operation == Read(1)
    assert core.since == 6


def test_where_the_past_cannot_be_forgotten_the_core_goes_by_the_initial_state() -> None:
    def judge_from_the_start(
        intervals: Sequence[Interval[RegisterOperation]], *, from_anywhere: bool
    ) -> Answer:
        return Answer.UNKNOWN if from_anywhere else judge(intervals, from_anywhere=False)

    outcome = decide(STALE, MODEL, steps_max=1000)
    core = find_core(STALE, outcome, is_pure=MODEL.pure, judge=judge_from_the_start)

    assert [interval.call for interval in core.required] == [0, 4, 8]
    assert core.since is None


def test_an_unknown_write_that_came_too_late_is_shown() -> None:
    late: list[Interval[RegisterOperation]] = [during(Read(1), 0, 1), during(Write(1), 2)]

    core = core_of([*late, during(Read(1), 3, 4)])

    assert [interval.call for interval in core.required] == [0]
    assert [interval.call for interval in core.optional] == [2]


def test_what_lets_the_others_happen_is_kept_as_support() -> None:
    needs_support: list[Interval[RegisterOperation]] = [
        during(Write(1), 0, 1),
        during(Write(3), 2, 4),
        during(Cas(3, 2), 3, 5),
        during(Read(1), 6, 7),
    ]

    core = core_of(needs_support)
    others = [interval for interval in whole(core) if interval != core.dying]

    assert is_possible(others, core)


def test_blame_that_misses_the_proof_does_not_cut_it_away() -> None:
    history: list[Interval[RegisterOperation]] = [
        during(Write(1), 0, 1),
        during(Write(2), 2, 3),
        during(Read(1), 4, 5),
    ]
    too_little_blame = Outcome(answer=Answer.INVALID, steps=1, suspects=(0, 1))

    core = find_core(history, too_little_blame, is_pure=MODEL.pure, judge=judge)

    assert not is_possible(whole(core), core)


@pytest.mark.parametrize("seed", range(150))
def test_a_core_is_illegal_and_minimal(seed: int) -> None:
    random = Random(seed)
    histories = [
        tamper(random, FewValues(), record(random, FewValues(), small(random))) for _ in range(8)
    ]
    cores = [core_of(history) for history in histories if not has_order(history, MODEL)]

    assert [core for core in cores if is_possible(whole(core), core)] == []
    assert [
        (core, weaker)
        for core in cores
        for weaker in one_weaker(core)
        if not is_possible([*weaker, *ANYTHING], core)
    ] == []


ANYTHING = [during(Write(value), -1000 - value) for value in range(3)]
"""Every value written at any time: more than the core left out as making no difference."""


def whole(core: Core[RegisterOperation]) -> list[Interval[RegisterOperation]]:
    return [*core.supporting, *core.required, *core.optional]


def is_possible(history: list[Interval[RegisterOperation]], core: Core[RegisterOperation]) -> bool:
    """Return whether `history` has an order, from where `core` says that it starts."""
    starts = [MODEL] if core.since is None else starts_of(history)
    return any(has_order(history, start) for start in starts)


def one_weaker(core: Core[RegisterOperation]) -> list[list[Interval[RegisterOperation]]]:
    """Return `core` with one required operation dropped or without its return, for each."""
    variants = []
    for interval in core.required:
        rest = [other for other in whole(core) if other is not interval]
        if not MODEL.pure(interval.operation):
            rest.append(interval._replace(ret=None))
        variants.append(rest)
    return variants
