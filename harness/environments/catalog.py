"""Environments of real daemons by name: what each can break on this machine, and how it is made."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from harness.environments.containers import doors
from harness.environments.containers.attached import AttachedEnvironment
from harness.environments.containers.environment import ContainerEnvironment
from harness.environments.environment import Environment
from harness.environments.local import namespaces
from harness.environments.local.environment import LocalEnvironment
from harness.errors import UsageError
from harness.plan import Plan
from harness.store import RunDirectory
from harness.suggest import did_you_mean
from harness.systems.system import System
from nemesis.packages import Package

DEFAULT_PACKAGES: Final = (Package.KILL, Package.PAUSE)
"""What breaks unless a plan says so: what every environment can do."""

_ALWAYS: Final = (
    Package.KILL,
    Package.PAUSE,
    Package.COMPACT,
    Package.STOP,
    Package.STUTTER,
)
_OF_LINKS: Final = (
    Package.PARTITION,
    Package.LOSS,
    Package.DELAY,
    Package.DUPLICATE,
    Package.REORDER,
)


def _local(plan: Plan, system: System, directory: RunDirectory) -> Environment:
    return LocalEnvironment(system, plan.node_names, directory)


def _docker(plan: Plan, system: System, directory: RunDirectory) -> Environment:
    if plan.daemon.attach:
        return AttachedEnvironment(plan.node_names, directory)
    return ContainerEnvironment(system, plan.node_names, directory, plan.daemon.image)


_MAKERS: Final[Mapping[str, Callable[[Plan, System, RunDirectory], Environment]]] = (
    MappingProxyType({"local": _local, "docker": _docker})
)

ENVIRONMENTS: Final = tuple(_MAKERS)
"""Where daemons can run."""


def environment_of(plan: Plan, system: System, directory: RunDirectory) -> Environment:
    """Return the environment of the plan, not entered yet; raises `UsageError` if there is none."""
    make = _MAKERS.get(plan.environment)
    if make is None:
        raise UsageError(
            f"there is no environment {plan.environment!r}"
            f"{did_you_mean(plan.environment, ENVIRONMENTS)}"
        )
    return make(plan, system, directory)


def all_packages(environment: str) -> tuple[Package, ...]:
    """Return everything that `environment` can break on this machine: what `all` means there."""
    assert environment in ENVIRONMENTS, "asked of a known environment"
    obstacle = namespaces.obstacle if environment == "local" else doors.obstacle
    return (*_ALWAYS, *(_OF_LINKS if obstacle() is None else ()))
