"""The `lock` workload, in simulation: time must pass, for leases to end."""

from collections import Counter

import pytest

from checkers.verdict import Answer
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.schedules import schedule_for
from harness.trial import TrialResult, judge, run_trial
from harness.workloads.lock import LockWorkload, locks_count

PLAN = Plan(
    seed=2,
    workload=WorkloadPlan(name="lock", time_limit_s=12.0, rate=100.0),
    faults=FaultPlan(packages=("pause",)),
)


@pytest.fixture(scope="module")
def result() -> TrialResult:
    """Return a trial of twelve seconds in which daemons, and holders, sleep."""
    return run_trial(PLAN, schedule_for(PLAN, None))


def answers(result: TrialResult, plan: Plan = PLAN) -> dict[str, Answer]:
    verdict = judge(plan, result.history)
    return {leaf.checker: leaf.answer for leaf in verdict.leaves()}


def test_what_is_fenced_holds_and_what_is_not_is_told_with_its_reason(result: TrialResult) -> None:
    assert set(answers(result).values()) == {Answer.VALID}
    [exclusion] = [leaf for leaf in result.verdict.leaves() if leaf.checker == "lock-exclusion"]
    assert "still used it" in str(exclusion.details["broken, but not promised"])
    assert "went on without knowing" in str(exclusion.details["why it came about"])


def test_a_lock_that_is_said_to_exclude_is_convicted(result: TrialResult) -> None:
    excluding = Plan(workload=WorkloadPlan(name="lock", lock_excludes=True), faults=PLAN.faults)
    found = answers(result, excluding)
    assert found["lock-exclusion"] is Answer.INVALID
    assert found["lock-fencing"] is found["fenced-set"] is Answer.VALID


def test_locks_are_got_and_given_back_and_sets_grow(result: TrialResult) -> None:
    counts = Counter(each.f for each in result.history.operations() if each.outcome == "ok")
    assert sorted(counts) == [
        "acquire",
        "guarded",
        "lease-grant",
        "lease-keep-alive",
        "read",
        "release",
        "unguarded",
    ]
    assert min(counts.values()) > 10


def test_clients_share_few_locks() -> None:
    assert locks_count(PLAN) == 2
    assert locks_count(Plan(workload=WorkloadPlan(concurrency=2))) == 1
    assert LockWorkload().name == "lock"
