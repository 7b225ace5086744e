"""How trials are tried, and tried again, and not tried any more."""

from collections.abc import Iterator, Sequence

import pytest

from harness.gate.conduct import Clock, attempts_at, run_trials
from harness.gate.outcome import Attempt, Ending, GateResult, Result
from harness.gate.suite import Trial
from harness.plan import Plan
from nemesis.schedule import Schedule


def trial(seed: int, case: str = "a") -> Trial:
    plan = Plan(seed=seed)
    return Trial(case=case, seed=seed, is_fresh=False, plan=plan, schedule=Schedule(seed=seed))


class Script:
    """Ends as it is told, one after the other, and remembers what it was given."""

    def __init__(self, *endings: Ending) -> None:
        self._endings = iter(endings)
        self.given: list[Trial] = []

    def __call__(self, given: Trial) -> Attempt:
        self.given.append(given)
        return Attempt(ending=next(self._endings))


def endings(attempts: Sequence[Attempt]) -> list[Ending]:
    return [attempt.ending for attempt in attempts]


@pytest.mark.parametrize("ending", [Ending.PASSED, Ending.INVALID])
def test_what_is_certain_is_not_tried_again(ending: Ending) -> None:
    assert endings(attempts_at(trial(1), Script(ending))) == [ending]


@pytest.mark.parametrize("first", [Ending.UNKNOWN, Ending.HARNESS])
@pytest.mark.parametrize("second", list(Ending))
def test_what_told_nothing_is_tried_once_more_and_no_more(first: Ending, second: Ending) -> None:
    assert endings(attempts_at(trial(1), Script(first, second))) == [first, second]


def test_the_second_time_the_checkers_may_take_ten_times_the_steps() -> None:
    script = Script(Ending.UNKNOWN, Ending.PASSED)

    attempts_at(trial(1), script)

    first, second = (given.plan.checks.steps_max for given in script.given)
    assert second == 10 * first


def ticking(seconds: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += seconds


def test_a_trial_beyond_the_budget_is_not_run_and_does_not_pass() -> None:
    times = ticking(1.0)
    clock = Clock(lambda: next(times), whole_s=2.5, cases_s={})
    script = Script(*[Ending.PASSED] * 4)

    done = list(run_trials([trial(seed) for seed in range(4)], script, jobs=1, clock=clock))

    assert [endings(attempts) for _, attempts in done] == [
        [Ending.PASSED], [Ending.PASSED], [Ending.UNKNOWN], [Ending.UNKNOWN],
    ]  # fmt: skip
    assert "budget" in done[-1][1][0].reason


def test_a_case_has_a_budget_of_its_own_whatever_the_matrix_varies() -> None:
    times = ticking(1.0)
    clock = Clock(lambda: next(times), whole_s=None, cases_s={"a": 1.5, "b": None})

    cases = ("a[nodes=3]", "a[nodes=3]", "a[nodes=5]", "b", "b")
    assert [clock.has_time_for(trial(1, case)) for case in cases] == [
        True, True, False, True, True,
    ]  # fmt: skip


def result(*of: Ending) -> Result:
    return Result(
        group="a", name="seed 1", attempts=tuple(Attempt(ending=each) for each in of), repeat=""
    )


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([result(Ending.PASSED)], 0),
        ([result(Ending.UNKNOWN, Ending.PASSED)], 0),
        ([result(Ending.PASSED), result(Ending.UNKNOWN, Ending.UNKNOWN)], 2),
        ([result(Ending.UNKNOWN, Ending.UNKNOWN), result(Ending.HARNESS, Ending.HARNESS)], 3),
        ([result(Ending.HARNESS, Ending.HARNESS), result(Ending.INVALID)], 1),
    ],
)
def test_one_exit_code_for_all(results: list[Result], code: int) -> None:
    gate = GateResult(suite="s", fresh_from=1, results=tuple(results), seconds=0.0)

    assert gate.exit_code == code
