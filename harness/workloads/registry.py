"""Workloads by name."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from checkers.checker import Checker
from checkers.watch_history import WatchRecord
from harness.errors import UsageError
from harness.plan import Plan
from harness.suggest import did_you_mean
from harness.watch_fleet import FleetMaker
from harness.workloads.append import AppendWorkload
from harness.workloads.auth import AuthWorkload
from harness.workloads.elect import ElectWorkload
from harness.workloads.kv import KvWorkload
from harness.workloads.lease import LeaseWorkload
from harness.workloads.lock import LockWorkload
from harness.workloads.mixed import MixedWorkload
from harness.workloads.register import RegisterWorkload
from harness.workloads.set import SetWorkload
from harness.workloads.watch import WatchWorkload
from harness.workloads.workload import Workload

_WORKLOADS: Final[Mapping[str, Workload]] = MappingProxyType(
    {
        workload.name: workload
        for workload in (
            AppendWorkload(),
            AuthWorkload(),
            ElectWorkload(),
            KvWorkload(),
            LeaseWorkload(),
            LockWorkload(),
            MixedWorkload(),
            RegisterWorkload(),
            SetWorkload(),
            WatchWorkload(),
        )
    }
)

_WATCHING: Final = (WatchWorkload, MixedWorkload)
"""Workloads with clients that watch."""


def workload_names() -> tuple[str, ...]:
    """Return the names that `workload_named` knows, sorted."""
    return tuple(sorted(_WORKLOADS))


def workload_named(name: str) -> Workload:
    """Return the workload called `name`.

    Raises `UsageError`, naming the nearest, if there is none.
    """
    workload = _WORKLOADS.get(name)
    if workload is None:
        raise UsageError(f"unknown workload {name!r}{did_you_mean(name, _WORKLOADS)}")
    return workload


def fleet_maker(plan: Plan) -> FleetMaker | None:
    """Return who makes the clients that watch in the plan's workload; None if nobody does."""
    workload = workload_named(plan.workload.name)
    return partial(workload.fleet, plan) if isinstance(workload, _WATCHING) else None


def checkers_for(plan: Plan, watched: Sequence[WatchRecord]) -> Sequence[Checker]:
    """Return who judges the plan's workload, what watchers were told included."""
    workload = workload_named(plan.workload.name)
    checkers = tuple(workload.checkers(plan))
    if isinstance(workload, _WATCHING):
        return (*workload.watch_checkers(plan, watched), *checkers)
    return checkers
