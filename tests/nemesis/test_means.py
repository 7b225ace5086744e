"""What an environment without a surface can be asked to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nemesis.fault import Fault
from nemesis.faults.backup import RestoreCluster
from nemesis.faults.clock import ClockDrift
from nemesis.faults.compact import Compact
from nemesis.faults.disk import FullDisk
from nemesis.faults.means import lacking
from nemesis.faults.members import Grow
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.pressure import MemoryPressure
from nemesis.faults.quota import ExhaustQuota
from nemesis.faults.restart import Restart, Tail
from nemesis.inject import InjectionError, Injector
from nemesis.link_choice import Exactly
from nemesis.schedule import Asked, At, Schedule
from nemesis.surface import Surfaces
from tests.nemesis.fault_strategies import NODES, faults
from tests.nemesis.strict_surfaces import StrictCluster, streams

any_fault = faults(st.integers(1, 20))


def bare() -> Surfaces:
    whole = StrictCluster(*NODES).surfaces()
    return Surfaces(daemons=whole.daemons, roles=whole.roles)


def carry_out(fault: Fault, surfaces: Surfaces) -> None:
    schedule = Schedule(seed=1, asked=(Asked(id=1, moment=At(0), fault=fault),))
    injector = Injector(surfaces, schedule, streams(1))
    while (at := injector.due()) is not None:
        injector.step(at)


@given(any_fault)
def test_an_environment_that_has_everything_lacks_nothing(fault: Fault) -> None:
    assert lacking(fault, StrictCluster(*NODES).surfaces()) is None


@given(any_fault)
def test_what_nothing_is_lacking_for_can_be_carried_out(fault: Fault) -> None:
    surfaces = bare()
    if lacking(fault, surfaces) is None:
        carry_out(fault, surfaces)


@pytest.mark.parametrize("tail", [Tail.KEPT, Tail.STOPPED])
def test_every_daemon_can_be_killed_and_stopped(tail: Tail) -> None:
    assert lacking(Restart(target="n1", tail=tail, down_ns=1), bare()) is None


@pytest.mark.parametrize("tail", [Tail.LOST, Tail.TORN])
def test_only_some_disks_lose_what_was_not_synced(tail: Tail) -> None:
    fault = Restart(target="n1", tail=tail, down_ns=1)

    assert lacking(fault, bare()) == "a disk that can lose unsynced writes"


def test_every_daemon_can_be_paused() -> None:
    assert lacking(Pause(target="n1", hold_ns=1), bare()) is None


@pytest.mark.parametrize(
    ("fault", "need"),
    [
        (Partition(links=Exactly((("n1", "n2"),)), hold_ns=1), "means on the links between nodes"),
        (ClockDrift(target="n1", rate=2.0, hold_ns=1), "means on the nodes' clocks"),
        (FullDisk(target="n1", hold_ns=1), "means on the nodes' disks"),
        (MemoryPressure(target="n1", share=0.5, hold_ns=1), "control groups of the nodes"),
        (Compact(target="n1", keep=0), "a way to ask for maintenance"),
        (Grow(), "an operator who changes members"),
        (RestoreCluster(), "data directories on ordinary disks"),
        (ExhaustQuota(hold_ns=1), "an operator who makes room in the store"),
    ],
)
def test_a_missing_surface_is_named(fault: Fault, need: str) -> None:
    assert lacking(fault, bare()) == need


def test_a_fault_without_its_surface_fails_as_one_of_the_harness() -> None:
    fault = Partition(links=Exactly((("n1", "n2"),)), hold_ns=1)

    with pytest.raises(InjectionError, match="cannot touch the links between nodes"):
        carry_out(fault, bare())
