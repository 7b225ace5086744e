"""A case: one trial with all that is to happen in it, as one value and as files.

A plan says most of a trial. What it leaves to files (the exact faults, the exact operations) stands
beside it here, so that a trial can be handed on, changed and tried without a directory.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from checkers.history import Op
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import TraceSink
from harness.generator.listed import ListedOperation
from harness.operations_file import operations_for, operations_in, write_operations
from harness.plan import FaultPlan, Plan
from harness.plan_file import dump_differences, load_plan, parse_plan
from harness.schedules import read_schedule, schedule_for, schedule_in
from harness.store import OPERATIONS_NAME, RunDirectory, plan_with_operations
from harness.trial import TrialResult, run_trial
from nemesis.schedule import Schedule
from nemesis.schedule_file import write_schedule

SCHEDULE_NAME: Final = "schedule.json"
PLAN_NAME: Final = "plan.toml"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One trial, complete."""

    plan: Plan
    schedule: Schedule
    operations: tuple[ListedOperation, ...] | None = None
    """None: the plan's workload draws them."""


def run_case(
    case: Case,
    *,
    record: Callable[[Op], None] | None = None,
    sink: TraceSink | None = None,
    streams: Streams | None = None,
) -> TrialResult:
    """Run the trial in simulation; who is told of what: see `run_trial`."""
    return run_trial(
        case.plan,
        case.schedule,
        operations=case.operations,
        record=record,
        sink=sink,
        streams=streams,
    )


def recorded_case(directory: RunDirectory) -> Case:
    """Return the trial that a run was. Raises `UsageError` or `ScheduleError` if it is spoilt."""
    plan = directory.load_plan()
    return Case(
        plan=plan,
        schedule=read_schedule(directory.schedule_path, plan),
        operations=operations_for(plan, directory.path),
    )


def load_case(path: Path) -> Case:
    """Return the trial of the plan in the file `path`, with the files that it names."""
    plan = load_plan(path)
    return Case(
        plan=plan,
        schedule=schedule_for(plan, path.parent),
        operations=operations_for(plan, path.parent),
    )


def as_texts(case: Case) -> tuple[str, str, str | None]:
    """Return the contents of the plan's file, the schedule's and, if there are any, operations'.

    The plan names the other files as `write_case` does, and leaves out what is as by default.
    """
    plan = replace(case.plan, faults=FaultPlan(schedule=SCHEDULE_NAME))
    operations = None
    if case.operations is not None:
        plan = plan_with_operations(plan)
        operations = write_operations(case.operations).decode()
    return dump_differences(plan), write_schedule(case.schedule).decode(), operations


def from_texts(plan_text: str, schedule_text: str, operations_text: str | None) -> Case:
    """Return the case of which `as_texts` gave these."""
    plan = parse_plan(plan_text)
    operations = None
    if operations_text is not None:
        operations = operations_in(operations_text.encode(), plan, path=OPERATIONS_NAME)
    schedule = schedule_in(schedule_text.encode(), plan, path=SCHEDULE_NAME)
    return Case(plan=plan, schedule=schedule, operations=operations)


def write_case(case: Case, folder: Path) -> Path:
    """Write the case into `folder`, which is made if need be; return its plan's path."""
    plan, schedule, operations = as_texts(case)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN_NAME).write_text(plan, encoding="utf-8")
    (folder / SCHEDULE_NAME).write_text(schedule, encoding="utf-8")
    if operations is not None:
        (folder / OPERATIONS_NAME).write_text(operations, encoding="utf-8")
    return folder / PLAN_NAME
