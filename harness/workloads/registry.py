"""Workloads by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.errors import UsageError
from harness.suggest import did_you_mean
from harness.workloads.kv import KvWorkload
from harness.workloads.lease import LeaseWorkload
from harness.workloads.register import RegisterWorkload
from harness.workloads.workload import Workload

_WORKLOADS: Final[Mapping[str, Workload]] = MappingProxyType(
    {workload.name: workload for workload in (KvWorkload(), LeaseWorkload(), RegisterWorkload())}
)


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
