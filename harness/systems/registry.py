"""Systems by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from harness.errors import UsageError
from harness.plan import Plan
from harness.suggest import did_you_mean
from harness.systems.etcd import etcd_of
from harness.systems.nodeimpl import nodeimpl_of
from harness.systems.system import System

_SYSTEMS: Final[Mapping[str, Callable[[Plan], System]]] = MappingProxyType(
    {"nodeimpl": nodeimpl_of, "etcd": etcd_of}
)

SYSTEMS: Final = tuple(_SYSTEMS)
"""Stores that can be put under test."""


def system_of(plan: Plan) -> System:
    """Return the system of the plan, ready to be started.

    Raises `UsageError` if there is none of that name, and `HarnessError` if this machine lacks it.
    """
    make = _SYSTEMS.get(plan.system)
    if make is None:
        raise UsageError(f"there is no system {plan.system!r}{did_you_mean(plan.system, SYSTEMS)}")
    return make(plan)
