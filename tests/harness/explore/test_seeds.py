"""One seed: what it is, what comes of it, and whether another process agrees."""

import pytest
from msgspec.structs import replace

from harness.errors import HarnessError, UsageError
from harness.explore import seeds
from harness.explore.rerun import digest_elsewhere
from harness.explore.seeds import DIVERGED, Outcome, Question, is_to_be_rerun, trial_of, try_one
from harness.generator.listed import ListedOperation
from harness.hunt import try_seed
from harness.plan import DiskPlan, FaultPlan, Plan, WorkloadPlan
from harness.swarm import ALL_SETTINGS, draw_plan

SMALL = Plan(
    nodes=3,
    workload=WorkloadPlan(time_limit_s=1.0, rate=100.0, concurrency=5),
    faults=FaultPlan(packages=("kill",), interval_s=0.5),
)
FIXED = ALL_SETTINGS
"""Everything: only the seed varies."""


def test_a_seed_is_the_swarms_seed() -> None:
    tried = try_one(4, Question(base=Plan()))
    assert tried.digest == try_seed(4, None).simulation.digest
    assert (tried.seed, tried.outcome, tried.kinds) == (4, Outcome.VALID, ())
    assert tried.states


def test_what_is_fixed_stays_as_the_base_has_it() -> None:
    fixed = ("nodes", "workload.rate", "faults.packages", "faults.interval_s")
    case = trial_of(7, Question(base=SMALL, fixed=fixed))
    plan = case.plan
    assert (plan.nodes, plan.workload.rate, plan.faults.packages) == (3, 100.0, ("kill",))
    assert {asked.fault.do for asked in case.schedule.asked} == {"restart"}
    assert plan.node == draw_plan(7, Plan()).node
    assert trial_of(7, Question(base=SMALL, fixed=FIXED)).plan == replace(SMALL, seed=7)


def test_settings_chosen_together_are_fixed_together() -> None:
    base = replace(SMALL, disk=DiskPlan(fsync_ms_min=0.3))
    case = trial_of(9, Question(base=base, fixed=("disk.fsync_ms_min",)))
    assert case.plan.disk == base.disk


def test_a_schedule_that_is_given_is_that_of_every_seed() -> None:
    schedule = (
        '{"v":1,"seed":1,"events":[{"id":1,"at_ms":5,"do":"pause","target":"n1","hold_ms":1}]}'
    )
    fixed = ("faults.schedule", "nodes")
    question = Question(base=Plan(), fixed=fixed, schedule=schedule)
    assert trial_of(1, question).schedule.asked == trial_of(2, question).schedule.asked


def test_operations_that_are_given_are_those_of_every_seed() -> None:
    operations = '{"v":1,"operations":[{"at_ms":3,"thread":0,"f":"read","key":"r0"}]}'
    fixed = ("workload.operations", "workload.concurrency")
    question = Question(base=Plan(), fixed=fixed, operations=operations)
    assert [trial_of(seed, question).operations for seed in (1, 2)] == [
        (ListedOperation(at_ns=3_000_000, thread=0, f="read", key="r0"),)
    ] * 2


def test_a_conviction_is_told_with_its_kind() -> None:
    tried = try_one(1, Question(base=Plan(mutant="vote-not-persisted")))
    assert tried.outcome is Outcome.INVALID
    assert tried.kinds == ("raft: Persistence (Raft §5.2)",)
    assert "Persistence" in tried.reason


def test_another_process_reaches_the_same_digest() -> None:
    question = Question(base=SMALL, fixed=FIXED, rerun_share=1.0)
    tried = try_one(3, question)
    assert (tried.outcome, tried.was_rerun) == (Outcome.VALID, True)
    assert digest_elsewhere(trial_of(3, question)) == tried.digest


def test_another_digest_is_a_failure_of_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "digest_elsewhere", lambda _case: "another")
    tried = try_one(3, Question(base=SMALL, fixed=FIXED, rerun_share=1.0))
    assert (tried.outcome, tried.kinds) == (Outcome.HARNESS, (DIVERGED,))
    assert "another" in tried.reason


def test_which_seeds_are_run_twice_is_the_same_everywhere() -> None:
    chosen = [seed for seed in range(1, 1001) if is_to_be_rerun(seed, 0.05)]
    assert 30 <= len(chosen) <= 70
    assert [seed for seed in range(1, 1001) if is_to_be_rerun(seed, 0.2)] != chosen
    assert not any(is_to_be_rerun(seed, 0.0) for seed in range(100))


def test_what_the_harness_cannot_do_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise HarnessError("no room for another node")

    monkeypatch.setattr(seeds, "run_case", fail)
    tried = try_one(3, Question(base=SMALL, fixed=FIXED))
    assert (tried.outcome, tried.kinds) == (Outcome.HARNESS, ("harness: HarnessError",))
    assert tried.reason == "no room for another node"


def test_what_is_asked_wrongly_is_no_outcome() -> None:
    with pytest.raises(UsageError, match="no-such-bug"):
        try_one(3, Question(base=Plan(mutant="no-such-bug")))
