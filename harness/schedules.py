"""The schedule of a plan: read from the file that the plan names, or drawn from its seed."""

from pathlib import Path
from typing import Final

from harness.environments.simulation.streams import Streams
from harness.errors import UsageError
from harness.plan import Plan
from nemesis.faults.members import Grow, Replace
from nemesis.generate import generate
from nemesis.packages import parse_packages
from nemesis.schedule import Schedule
from nemesis.schedule_file import parse_schedule
from nodeimpl.ids import SECOND

_JOINING: Final = frozenset({Grow.do, Replace.do})
"""Faults that bring nodes into the cluster."""


def schedule_for(plan: Plan, base: Path | None) -> Schedule:
    """Return the schedule the plan names, relative to `base`, or else draws from its seed."""
    names = plan.node_names
    if plan.faults.schedule is not None:
        return read_schedule((base or Path()) / plan.faults.schedule, plan)
    packages = parse_packages(",".join(plan.faults.packages) or "none")
    return generate(
        Streams(plan.seed).named,
        packages,
        names,
        seed=plan.seed,
        duration_ns=round(plan.workload.time_limit_s * SECOND),
        interval_ns=round(plan.faults.interval_s * SECOND * max(1, len(packages))),
    )


def read_schedule(path: Path, plan: Plan) -> Schedule:
    """Return the schedule in the file `path`, for the cluster of `plan`.

    It may name the plan's nodes, and, if it lets nodes join, those that may.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the schedule: {error.strerror}", path=path) from error
    schedule = parse_schedule(text, path=str(path), nodes=plan.node_names_ever)
    if any(asked.fault.do in _JOINING for asked in schedule.asked):
        return schedule
    return parse_schedule(text, path=str(path), nodes=plan.node_names)
