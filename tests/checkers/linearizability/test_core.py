"""The core: small, still illegal, and made by relaxations only."""

from random import Random

import pytest

from checkers.linearizability.core import Core, find_core
from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.models.cas_register import Cas, CasRegister, RegisterOperation
from checkers.models.register import Read, Write
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import FewValues, record, small, tamper
from tests.checkers.linearizability.rows import during

MODEL = CasRegister()


def judge(history: object) -> Answer:
    assert isinstance(history, list), "the core hands in lists"
    return decide(history, MODEL, steps_max=100_000).answer


def core_of(history: list[Interval[RegisterOperation]]) -> Core[RegisterOperation]:
    outcome = decide(history, MODEL, steps_max=100_000)
    assert outcome.answer is Answer.INVALID, "only what is wrong has a core"
    return find_core(history, outcome, is_pure=MODEL.pure, judge=judge)


def test_what_has_nothing_to_do_with_it_is_left_out() -> None:
    stale: list[Interval[RegisterOperation]] = [
        during(Write(1), 0, 1),
        during(Read(1), 2, 3),
        during(Write(2), 4, 5),
        during(Read(2), 6, 7),
        during(Read(1), 8, 9),
        during(Write(1), 10, 11),
    ]

    core = core_of(stale)

    assert [interval.call for interval in core.required] == [0, 4, 8]
    assert core.dying.operation == Read(1)


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
    others = [*core.supporting, *[one for one in core.required if one != core.dying]]

    assert has_order(others, MODEL)


@pytest.mark.parametrize("seed", range(150))
def test_a_core_is_illegal_and_minimal(seed: int) -> None:
    random = Random(seed)
    histories = [
        tamper(random, FewValues(), record(random, FewValues(), small(random))) for _ in range(8)
    ]
    wrong = [history for history in histories if not has_order(history, MODEL)]
    cores = [core_of(history) for history in wrong]

    for core in cores:
        everything = [*core.supporting, *core.required, *core.optional]
        assert not has_order(everything, MODEL)
        assert core.required
        for interval in core.required:
            rest = [other for other in everything if other is not interval]
            weaker = (
                rest if MODEL.pure(interval.operation) else [*rest, interval._replace(ret=None)]
            )
            assert has_order([*weaker, *_anything()], MODEL)


def _anything() -> list[Interval[RegisterOperation]]:
    """Return every value written at any time, as often as may be: what the core left out."""
    return [during(Write(value), -1000 - value) for value in range(3)]
