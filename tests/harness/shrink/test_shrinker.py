"""Shrinking runs of planted bugs: what is left is small, fails alike, and says so by itself."""

import runpy
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.case import Case, from_texts, run_case
from harness.conviction import kinds_of
from harness.errors import UsageError
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.report.shrinking import size_lines, story_lines
from harness.schedules import schedule_for
from harness.shrink.attempts import Attempts, Budget
from harness.shrink.inevitable import inevitable
from harness.shrink.pytest_file import file_name_of, pytest_file
from harness.shrink.shrinker import Shrunk, shrink
from harness.shrink.start import ending_at

PLAN = Plan(
    seed=3,
    nodes=3,
    mutant="version-survives-delete",
    workload=WorkloadPlan(name="kv", time_limit_s=1.0, rate=150.0, keys=2),
    faults=FaultPlan(packages=("kill", "partition"), interval_s=0.3),
)
CASE = Case(plan=PLAN, schedule=schedule_for(PLAN, None))

DEPOSED = """
mutant = "read-without-quorum-check"
[workload]
time_limit_s = 0.5
concurrency = 1
final_reads = false
operations = "operations.json"
[node]
check_quorum = false
heartbeat_ms = 50.0
election_timeout_ms = [150.0, 160.0]
"""
DEPOSED_FAULTS = """
{"v":1,"seed":1,"events":[
 {"id":1,"at_ms":1,"do":"partition","groups":[["n1"],["n2","n3"]],"hold_ms":400}]}
"""
DEPOSED_READ = """
{"v":1,"operations":[{"at_ms":300.0,"thread":0,"node":"n1","f":"read","key":"r0"}]}
"""

pytestmark = pytest.mark.simulation


@pytest.fixture(scope="module")
def shrunk() -> Shrunk:
    return shrink(CASE, budget=Budget(trials_max=150, cpu_s=60.0))


def test_what_is_left_is_small_and_fails_in_the_same_way(shrunk: Shrunk) -> None:
    assert shrunk.kind == kinds_of(run_case(CASE).verdict)[0]
    assert shrunk.kind in kinds_of(shrunk.result.verdict)
    assert (shrunk.after.faults, shrunk.after.nodes) == (0, 1)
    assert shrunk.after.operations <= 6 < shrunk.before.operations
    assert shrunk.is_minimal


def test_it_is_told_in_sizes_and_in_order(shrunk: Shrunk) -> None:
    assert len(list(size_lines(shrunk))) == 4
    story = list(story_lines(shrunk.case))
    assert any("delete" in line for line in story)
    assert story == sorted(story, key=lambda line: float(line.split()[0]))


def test_the_test_fails_on_the_bug_and_passes_on_the_healthy_node(
    shrunk: Shrunk, tmp_path: Path
) -> None:
    path = tmp_path / file_name_of(shrunk.kind)
    path.write_text(pytest_file(shrunk))
    name = path.stem
    with pytest.raises(AssertionError, match="version"):
        runpy.run_path(str(path))[name]()
    path.write_text(path.read_text().replace('= "version-survives-delete"', "= None"))
    runpy.run_path(str(path))[name]()


def test_the_texts_in_the_test_are_the_case(shrunk: Shrunk, tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text(pytest_file(shrunk))
    read = runpy.run_path(str(path))
    case = from_texts(read["PLAN"], read["SCHEDULE"], read["OPERATIONS"])
    assert case.operations == shrunk.case.operations
    assert replace(case.plan, mutant=PLAN.mutant).node == shrunk.case.plan.node


def test_the_smallest_case_so_far_stands_when_the_budget_is_spent() -> None:
    shrunk = shrink(CASE, budget=Budget(trials_max=4))
    assert (shrunk.is_minimal, shrunk.trials) == (False, 4)
    assert shrunk.kind in kinds_of(shrunk.result.verdict)


def test_what_does_not_fail_cannot_be_shrunk() -> None:
    healthy = replace(CASE, plan=replace(PLAN, mutant=None))
    with pytest.raises(UsageError, match="is VALID"):
        shrink(healthy, budget=Budget())


def test_a_case_is_tried_once_and_another_kind_of_failure_does_not_count() -> None:
    attempts = Attempts("raft: Log Matching (Raft §5.3)", Budget(), lambda _: None)
    assert not attempts.fails(CASE)
    assert not attempts.fails(CASE)
    assert attempts.trials == 1


def test_a_case_that_ends_earlier_has_nothing_after_its_end(shrunk: Shrunk) -> None:
    case = ending_at(shrunk.case, 0)
    assert (case.schedule.asked, case.operations) == ((), ())


def test_what_any_chance_leads_to_is_inevitable_from_the_start(shrunk: Shrunk) -> None:
    found = inevitable(shrunk.case, shrunk.kind, continuations=3)
    assert (found.share, found.share_before) == (1.0, 1.0)
    assert "nearly every seed" in found.what


def test_what_chance_decides_becomes_inevitable_at_some_moment() -> None:
    """A node that is cut off is asked: a deposed leader, or none; chance says who led."""
    case = from_texts(DEPOSED, DEPOSED_FAULTS, DEPOSED_READ)
    found = inevitable(case, kinds_of(run_case(case).verdict)[0], continuations=8)
    assert found.share_before < 0.9 <= found.share
    assert found.at_ns < 0, "it is decided by who leads when the load begins"
