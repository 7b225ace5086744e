"""Cases: what a run did, spelled out, is the same run; as files and texts it is the same case."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.case import Case, as_texts, from_texts, load_case, recorded_case, run_case, write_case
from harness.cli.session import conduct
from harness.conviction import kinds_of
from harness.errors import UsageError
from harness.generator.listed import listed
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.schedules import schedule_for
from nemesis.schedule import explicit
from nodeimpl.ids import SECOND

PLAN = Plan(
    seed=46,
    mutant="every-read-serializable",
    workload=WorkloadPlan(name="kv", time_limit_s=2.0, rate=100.0),
    faults=FaultPlan(packages=("partition", "pause"), interval_s=0.3),
)
DRAWN = Case(plan=PLAN, schedule=schedule_for(PLAN, None))


def spelled_out() -> Case:
    result = run_case(DRAWN)
    operations = listed(
        result.history.ops,
        concurrency=PLAN.workload.concurrency,
        until_ns=round(PLAN.workload.time_limit_s * SECOND),
    )
    return Case(
        plan=PLAN,
        schedule=explicit(PLAN.seed, result.simulation.schedule.applied),
        operations=tuple(operations),
    )


def test_what_happened_happens_again_when_it_is_spelled_out() -> None:
    drawn, told = run_case(DRAWN), run_case(spelled_out())
    assert kinds_of(told.verdict) == kinds_of(drawn.verdict) != ()
    assert told.simulation.event_count == drawn.simulation.event_count
    assert [op.value for op in told.history.client_ops()] == [
        op.value for op in drawn.history.client_ops()
    ]


def test_a_case_survives_its_texts_and_its_files(tmp_path: Path) -> None:
    case = spelled_out()
    again = from_texts(*as_texts(case))
    assert as_texts(again) == as_texts(case)
    assert (again.schedule, again.operations) == (case.schedule, case.operations)
    assert as_texts(load_case(write_case(case, tmp_path / "new"))) == as_texts(case)
    assert run_case(again).simulation.digest == run_case(case).simulation.digest


def test_a_plan_of_defaults_is_a_few_lines() -> None:
    plan, _, operations = as_texts(replace(DRAWN, plan=Plan(seed=3)))
    assert plan == 'seed = 3\n\n[faults]\nschedule = "schedule.json"\n'
    assert operations is None


def test_a_recorded_run_with_listed_operations_is_a_case(tmp_path: Path) -> None:
    case = spelled_out()
    session = conduct(case.plan, case.schedule, tmp_path, operations=case.operations)
    recorded = recorded_case(session.directory)
    assert recorded.operations == case.operations
    assert run_case(recorded).simulation.digest == session.result.simulation.digest


def test_operations_that_are_named_and_not_there_are_missed() -> None:
    workload = replace(PLAN.workload, operations="operations.json")
    with pytest.raises(UsageError, match="missing"):
        run_case(replace(DRAWN, plan=replace(PLAN, workload=workload)))


def test_without_final_reads_a_trial_ends_with_its_load() -> None:
    workload = replace(PLAN.workload, final_reads=False)
    plan = replace(PLAN, mutant=None, workload=workload)
    result = run_case(replace(DRAWN, plan=plan))
    assert all(each.invoke.time < 2 * SECOND for each in result.history.operations())
