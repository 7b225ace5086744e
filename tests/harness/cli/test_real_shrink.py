"""Shrinking by rate, with runs that are only pretended: what fails, what is kept, what is spent."""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from harness.case import Case
from harness.cli.real_shrink import Rate, RealAttempts, shrink_attempts
from harness.errors import UsageError
from harness.generator.listed import ListedOperation
from harness.plan import Plan
from harness.shrink.measured import Measured
from tests.simulation.trials import schedule_of

KIND = "linearizability"
PLAN = Plan()
CASE = Case(
    plan=PLAN,
    schedule=schedule_of(
        PLAN,
        '{"id":1,"at_ms":5,"do":"pause","target":"n1","hold_ms":9}',
        '{"id":2,"at_ms":6,"do":"pause","target":"n2","hold_ms":9}',
    ),
    operations=tuple(
        ListedOperation(at_ns=1_000_000 * place, thread=0, f="read", key=f"r{place}")
        for place in range(20)
    ),
)


def attempts(
    folder: Path, fails: Callable[[Case, int], bool], rate: Rate, runs_max: int = 200
) -> RealAttempts:
    """Return attempts of which a run is convicted if `fails` says so, told its number from 1."""
    numbers = count(1)

    def conduct(case: Case) -> tuple[Path, Sequence[str]]:
        number = next(numbers)
        run = folder / f"run-{number}"
        run.mkdir()
        return run, (KIND,) if fails(case, number) else ("another kind",)

    return RealAttempts(KIND, rate, runs_max, conduct)


def needs_second_fault_and_seventh_operation(case: Case, _number: int = 0) -> bool:
    faults = [asked.id for asked in case.schedule.asked]
    return 2 in faults and any(each.key == "r7" for each in case.operations or ())


def test_what_is_needed_is_left_and_only_its_last_run_is_kept(tmp_path: Path) -> None:
    tried = attempts(tmp_path, needs_second_fault_and_seventh_operation, Rate(times=1))
    assert shrink_attempts(tried, CASE)
    assert tried.case is not None
    assert [asked.id for asked in tried.case.schedule.asked] == [2]
    assert [each.key for each in tried.case.operations or ()] == ["r7"]
    assert tried.case.plan.workload.time_limit_s == pytest.approx(0.027)
    assert list(tmp_path.iterdir()) == [tried.directory]


def test_what_fails_every_other_time_fails_in_one_of_two_runs(tmp_path: Path) -> None:
    def every_other(case: Case, number: int) -> bool:
        return number % 2 == 0 and needs_second_fault_and_seventh_operation(case)

    tried = attempts(tmp_path, every_other, Rate(times=2, at_least=1))
    assert shrink_attempts(tried, CASE)
    assert tried.case is not None
    assert len(tried.case.operations or ()) == 1


def test_runs_end_as_soon_as_the_rate_is_certain(tmp_path: Path) -> None:
    never = attempts(tmp_path, lambda _case, _number: False, Rate(times=5, at_least=4))
    assert not never.fails(CASE)
    assert never.runs == 2
    always = attempts(tmp_path / "other", lambda _case, _number: True, Rate(times=5, at_least=2))
    (tmp_path / "other").mkdir()
    assert always.fails(CASE)
    assert always.runs == 2


def test_the_rate_of_what_is_left_is_measured_by_all_its_runs_and_more(tmp_path: Path) -> None:
    def two_of_three(_case: Case, number: int) -> bool:
        return number % 3 != 1

    tried = attempts(tmp_path, two_of_three, Rate(times=4, at_least=2), runs_max=4)
    assert tried.fails(CASE)
    assert tried.measured == Measured(convicted=2, runs=3)

    tried.measure()

    assert tried.measured == Measured(convicted=4, runs=7)
    assert tried.runs == 7, "measuring is beyond the budget"
    assert list(tmp_path.iterdir()) == [tried.directory]


def test_the_smallest_so_far_stands_when_the_budget_is_spent(tmp_path: Path) -> None:
    tried = attempts(tmp_path, needs_second_fault_and_seventh_operation, Rate(times=1), runs_max=5)
    assert not shrink_attempts(tried, CASE)
    assert tried.case is not None
    assert tried.runs == 5


def test_what_does_not_recur_is_not_shrunk(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too rarely"):
        shrink_attempts(attempts(tmp_path, lambda _case, _n: False, Rate()), CASE)
    (tmp_path / "again").mkdir()
    with pytest.raises(UsageError, match="before the run has failed again"):
        shrink_attempts(
            attempts(tmp_path / "again", lambda _case, _n: False, Rate(), runs_max=2), CASE
        )
