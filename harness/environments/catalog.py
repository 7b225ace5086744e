"""Environments of real daemons by name: what each can break on this machine, and how it is made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from harness.environments.containers import doors
from harness.environments.containers.attached import AttachedEnvironment
from harness.environments.containers.environment import ContainerEnvironment
from harness.environments.environment import Environment, Needs
from harness.environments.hosts.instruments import (
    clock_obstacle,
    disk_obstacle,
    pressure_obstacle,
)
from harness.environments.local import namespaces
from harness.environments.local.environment import LocalEnvironment
from harness.environments.ssh.environment import SshEnvironment
from harness.environments.ssh.inventory import read_inventory
from harness.errors import UsageError
from harness.plan import Plan
from harness.store import RunDirectory
from harness.suggest import did_you_mean
from harness.systems.system import System
from nemesis.faults.means import bends_a_clock, limits_a_daemon, needs_a_disk
from nemesis.packages import Package
from nemesis.schedule import Schedule

DEFAULT_PACKAGES: Final = (Package.KILL, Package.PAUSE)
"""What breaks unless a plan says so: what every environment can do."""

_ALWAYS: Final = (
    Package.KILL,
    Package.PAUSE,
    Package.COMPACT,
    Package.TRANSFER,
    Package.STOP,
    Package.STUTTER,
    Package.DEFRAGMENT,
    Package.QUOTA,
)
_OF_MEMBERS: Final = (Package.MEMBERSHIP,)
_OF_LINKS: Final = (
    Package.PARTITION,
    Package.LOSS,
    Package.DELAY,
    Package.DUPLICATE,
    Package.REORDER,
    Package.BANDWIDTH,
    Package.DEPOSE,
)
_OF_DISKS: Final = (Package.POWER, Package.DISK, Package.LYING_DISK)
_OF_LOGS: Final = (Package.BITROT,)


_Maker: TypeAlias = Callable[[Plan, System, RunDirectory, Needs], Environment]


def _local(plan: Plan, system: System, directory: RunDirectory, needs: Needs) -> Environment:
    return LocalEnvironment(
        system, plan.node_names, directory, needs, peer_proxy=plan.daemon.peer_proxy
    )


def _docker(plan: Plan, system: System, directory: RunDirectory, needs: Needs) -> Environment:
    if plan.daemon.attach:
        return AttachedEnvironment(plan.node_names, directory, needs)
    return ContainerEnvironment(system, plan.node_names, directory, plan.daemon.image, needs)


def _ssh(plan: Plan, system: System, directory: RunDirectory, needs: Needs) -> Environment:
    if plan.daemon.inventory is None:
        raise UsageError("hosts over SSH are named by an inventory; give --inventory FILE")
    path = Path(plan.daemon.inventory)
    hosts = read_inventory(path)
    if len(hosts) < plan.nodes:
        raise UsageError(f"has {len(hosts)} hosts, the plan has {plan.nodes} nodes", path=path)
    return SshEnvironment(system, plan.node_names, directory, hosts, needs)


_MAKERS: Final[Mapping[str, _Maker]] = MappingProxyType(
    {"local": _local, "docker": _docker, "ssh": _ssh}
)

ENVIRONMENTS: Final = tuple(_MAKERS)
"""Where daemons can run."""


def environment_of(
    plan: Plan, system: System, directory: RunDirectory, schedule: Schedule
) -> Environment:
    """Return the environment of the plan, not entered yet, ready for the faults of `schedule`.

    Raises `UsageError` if there is none.
    """
    make = _MAKERS.get(plan.environment)
    if make is None:
        raise UsageError(
            f"there is no environment {plan.environment!r}"
            f"{did_you_mean(plan.environment, ENVIRONMENTS)}"
        )
    return make(plan, system, directory, _needs(plan, schedule))


def all_packages(environment: str, *, attach: bool = False) -> tuple[Package, ...]:
    """Return everything that `environment` can break on this machine: what `all` means there.

    `attach`: daemons run already, so that nothing can be prepared.
    """
    assert environment in ENVIRONMENTS, "asked of a known environment"
    if attach:
        return tuple(each for each in all_packages(environment) if each is not Package.QUOTA)
    if environment == "ssh":  # What its hosts can do, they say themselves.
        return (*_ALWAYS, *_OF_LINKS, Package.CLOCK, *_OF_DISKS, Package.PRESSURE)
    is_local = environment == "local"
    obstacle = namespaces.obstacle if is_local else doors.obstacle
    has_disks = obstacle() is None and disk_obstacle() is None
    return (
        *_ALWAYS,
        *(_OF_MEMBERS if is_local else ()),
        *(_OF_LINKS if obstacle() is None else ()),
        *((Package.CLOCK,) if clock_obstacle() is None else ()),
        *(_OF_DISKS if has_disks else ()),
        *(_OF_LOGS if has_disks and is_local else ()),
        *((Package.PRESSURE,) if pressure_obstacle() is None else ()),
    )


def _needs(plan: Plan, schedule: Schedule) -> Needs:
    faults = [asked.fault for asked in schedule.asked]
    return Needs(
        clocks=plan.daemon.clocks if any(map(bends_a_clock, faults)) else (),
        disks=any(map(needs_a_disk, faults)),
        pressure=any(map(limits_a_daemon, faults)),
    )
