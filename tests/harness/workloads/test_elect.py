"""The `elect` workload, in simulation: time must pass, for leases to end."""

from collections import Counter

import msgspec
import pytest

from checkers.checker import Budget, compose
from checkers.history import History, OpType
from checkers.verdict import Answer
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.schedules import schedule_for
from harness.trial import TrialResult, run_trial
from harness.workloads.elect import ElectWorkload, elections_count

WORKLOAD = ElectWorkload()
PLAN = Plan(
    seed=3,
    workload=WorkloadPlan(name="elect", time_limit_s=8.0, rate=100.0),
    faults=FaultPlan(packages=("pause",)),
)


@pytest.fixture(scope="module")
def result() -> TrialResult:
    """Return a trial of eight seconds in which daemons, and leaders, sleep."""
    return run_trial(PLAN, schedule_for(PLAN, None))


def test_the_healthy_node_is_valid(result: TrialResult) -> None:
    assert result.verdict.answer is Answer.VALID


def test_leaders_come_and_go_and_speak(result: TrialResult) -> None:
    counts = Counter(each.f for each in result.history.operations() if each.outcome == "ok")
    assert sorted(counts) == [
        "campaign",
        "leader",
        "lease-grant",
        "lease-keep-alive",
        "observe",
        "proclaim",
        "resign",
    ]
    assert min(counts.values()) > 5


def test_a_leader_from_the_past_convicts(result: TrialResult) -> None:
    ops = result.history.ops
    seen = [
        (place, op.value)
        for place, op in enumerate(ops)
        if op.type is OpType.OK and op.f == "leader" and isinstance(op.value, dict)
    ]
    (_, first), (place, last) = seen[0], seen[-1]
    gone = msgspec.structs.replace(ops[place], value=first | {"revision": last["revision"]})
    history = History([*ops[:place], gone, *ops[place + 1 :]])
    checker = compose("elect", WORKLOAD.checkers(PLAN))
    assert checker.check(history, Budget()).answer is Answer.INVALID


def test_clients_share_few_elections() -> None:
    assert elections_count(PLAN) == 2
