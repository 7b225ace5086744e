"""The schedule of a plan: read from the file that the plan names, or drawn from its seed."""

from pathlib import Path
from typing import Final

from harness.environments.simulation.streams import Streams
from harness.errors import HarnessError, UsageError
from harness.plan import Plan
from nemesis.faults.backup import RestoreCluster
from nemesis.faults.clock import ClockBump, ClockDrift, ClockStrobe
from nemesis.faults.compact import Compact
from nemesis.faults.lying_disk import LyingFsync
from nemesis.faults.means import takes_a_machine
from nemesis.faults.members import Grow, Replace
from nemesis.faults.quota import ExhaustQuota
from nemesis.generate import generate
from nemesis.packages import REAL_ONLY, Package, parse_packages
from nemesis.schedule import Schedule
from nemesis.schedule_file import parse_schedule
from nodeimpl.ids import SECOND

_SIMULATION: Final = "simulation"
"""What a plan calls it."""

_JOINING: Final = frozenset({Grow.do, Replace.do})
"""Faults that bring nodes into the cluster."""


_EXCUSES: Final = {
    ClockBump.do: Package.CLOCK,
    ClockDrift.do: Package.CLOCK,
    ClockStrobe.do: Package.CLOCK,
    Compact.do: Package.COMPACT,
    LyingFsync.do: Package.LYING_DISK,
    ExhaustQuota.do: Package.QUOTA,
    RestoreCluster.do: Package.RESTORE,
}
"""Faults that excuse what judges would otherwise convict, and the packages they are of."""


def excuses_in(schedule: Schedule) -> tuple[str, ...]:
    """Return the packages of those faults in a schedule that judges must know of."""
    found = (_EXCUSES.get(asked.fault.do) for asked in schedule.asked)
    return tuple(dict.fromkeys(package.value for package in found if package is not None))


def schedule_for(plan: Plan, base: Path | None) -> Schedule:
    """Return the schedule the plan names, relative to `base`, or else draws from its seed.

    Raises `HarnessError` if it asks the simulation for what only machines can have.
    """
    schedule = _schedule_for(plan, base)
    if plan.environment == _SIMULATION:
        of_machines = [each.fault.do for each in schedule.asked if takes_a_machine(each.fault)]
        of_machines += [name for name in plan.faults.packages if name in REAL_ONLY]
        if of_machines:
            raise HarnessError(
                f"{of_machines[0]} takes real machines, which the simulation has not: "
                "--env local, docker or ssh; or choose other --faults (quorate list)"
            )
    return schedule


def _schedule_for(plan: Plan, base: Path | None) -> Schedule:
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
    return schedule_in(text, plan, path=str(path))


def schedule_in(text: bytes, plan: Plan, *, path: str) -> Schedule:
    """Return the schedule that `text` says, for the cluster of `plan`; `path` is for messages."""
    schedule = parse_schedule(text, path=path, nodes=plan.node_names_ever)
    if any(asked.fault.do in _JOINING for asked in schedule.asked):
        return schedule
    return parse_schedule(text, path=path, nodes=plan.node_names)
