"""Runs to report on: real trials, short, made once for all tests."""

from pathlib import Path

from harness.cli.session import conduct
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.schedules import schedule_for
from harness.swarm import draw_plan


def healthy_run(parent: Path) -> Path:
    """Return a short run of registers under kills and partitions: VALID."""
    plan = Plan(
        workload=WorkloadPlan(time_limit_s=4.0, rate=100.0),
        faults=FaultPlan(packages=("kill", "partition"), interval_s=1.0),
    )
    return conduct(plan, schedule_for(plan, None), parent).directory.path


def run_of_mutant(parent: Path, mutant: str, seed: int) -> Path:
    """Return the swarm's trial of a planted bug."""
    plan = draw_plan(seed, Plan(mutant=mutant))
    return conduct(plan, schedule_for(plan, None), parent).directory.path


def unlinearizable_run(parent: Path) -> Path:
    """Return a run of registers that no order explains: INVALID by the core of two operations."""
    return run_of_mutant(parent, "txn-judged-afterwards", 4)


def run_with_wrong_revisions(parent: Path) -> Path:
    """Return a run of keys whose revisions contradict one another: INVALID by several checkers."""
    return run_of_mutant(parent, "delete-takes-no-revision", 2)


def run_with_lying_watches(parent: Path) -> Path:
    """Return a run in which watchers are not told everything: INVALID."""
    return run_of_mutant(parent, "watch-skips-what-is-compacted", 1)


def run_against_raft(parent: Path) -> Path:
    """Return a run that the oracle ended: INVALID without any operation in conflict."""
    return run_of_mutant(parent, "no-election-restriction", 2)
