"""What a fault needs of an environment, told before a trial rather than in the middle of one."""

from typing import Final

from nemesis.fault import Fault
from nemesis.faults.backup import RestoreCluster
from nemesis.faults.bitrot import Bitrot
from nemesis.faults.clock import ClockBump, ClockDrift, ClockStrobe
from nemesis.faults.compact import Compact
from nemesis.faults.defragment import Defragment
from nemesis.faults.delay import Delay
from nemesis.faults.disk import FailingFsync, FullDisk, SlowFsync
from nemesis.faults.duplicate import Duplicate
from nemesis.faults.hold import Hold
from nemesis.faults.limit_rate import LimitRate
from nemesis.faults.lose import Lose
from nemesis.faults.lying_disk import LyingFsync
from nemesis.faults.members import Grow, MoveLeader, Replace, Shrink
from nemesis.faults.partition import Partition
from nemesis.faults.pressure import CpuPressure, MemoryPressure
from nemesis.faults.quota import ExhaustQuota
from nemesis.faults.reorder import Reorder
from nemesis.faults.restart import Restart, Tail
from nemesis.faults.storm import RestartStorm
from nemesis.surface import Disks, Links, Members, Surfaces

LINK_FAULTS: Final = (Partition, Lose, Delay, Duplicate, Reorder, Hold)
CLOCK_FAULTS: Final = (ClockBump, ClockDrift, ClockStrobe)
DISK_FAULTS: Final = (SlowFsync, FailingFsync, FullDisk, LyingFsync, Bitrot)
PRESSURE_FAULTS: Final = (CpuPressure, MemoryPressure)
MEMBER_CHANGES: Final = (Grow, Shrink, Replace)


def lacking(fault: Fault, surfaces: Surfaces) -> str | None:
    """Return what `fault` needs and the environment does not have; None if it has everything.

    Every daemon can be killed, stopped and paused; but to lose what it had not synced takes
    a disk that knows what was.
    """
    needs: tuple[tuple[bool, object | None, str], ...] = (
        (_cuts_power(fault), surfaces.disks, "a disk that can lose unsynced writes"),
        (isinstance(fault, LINK_FAULTS), surfaces.links, "means on the links between nodes"),
        (isinstance(fault, LimitRate), surfaces.bandwidth, "means on what links carry"),
        (isinstance(fault, Hold), _messages(surfaces), "links on which messages are told apart"),
        (isinstance(fault, CLOCK_FAULTS), surfaces.clocks, "means on the nodes' clocks"),
        (isinstance(fault, DISK_FAULTS), surfaces.disks, "means on the nodes' disks"),
        (isinstance(fault, Bitrot), _records(surfaces), "a disk that tells records apart"),
        (isinstance(fault, PRESSURE_FAULTS), surfaces.pressure, "control groups of the nodes"),
        (isinstance(fault, Compact | Defragment), surfaces.admin, "a way to ask for maintenance"),
        (
            isinstance(fault, ExhaustQuota),
            surfaces.quota,
            "an operator who makes room in the store",
        ),
        (isinstance(fault, RestoreCluster), surfaces.backup, "data directories on ordinary disks"),
        (isinstance(fault, MoveLeader), surfaces.members, "an operator"),
        (isinstance(fault, MEMBER_CHANGES), _changing(surfaces), "an operator who changes members"),
    )
    for is_needed, surface, what in needs:
        if is_needed and surface is None:
            return what
    return None


def bends_a_clock(fault: Fault) -> bool:
    """Say whether the fault is one of clocks."""
    return isinstance(fault, CLOCK_FAULTS)


def needs_a_disk(fault: Fault) -> bool:
    """Say whether the fault takes a disk that fails, or knows what was synced."""
    return isinstance(fault, DISK_FAULTS) or _cuts_power(fault)


def limits_a_daemon(fault: Fault) -> bool:
    """Say whether the fault limits what a daemon may use of its machine."""
    return isinstance(fault, PRESSURE_FAULTS)


def takes_a_machine(fault: Fault) -> bool:
    """Say whether the fault is one of real machines, of which the simulation has none."""
    return isinstance(fault, (*PRESSURE_FAULTS, LimitRate, ExhaustQuota, RestoreCluster))


def fills_the_store(fault: Fault) -> bool:
    """Say whether the fault uses up the quota of the store, which must be small for that."""
    return isinstance(fault, ExhaustQuota)


def _cuts_power(fault: Fault) -> bool:
    return isinstance(fault, Restart | RestartStorm) and fault.tail in (Tail.LOST, Tail.TORN)


def _messages(surfaces: Surfaces) -> Links | None:
    """Return the links if messages can be told apart on them."""
    links = surfaces.links
    return links if links is not None and links.knows_messages else None


def _records(surfaces: Surfaces) -> Disks | None:
    """Return the disks if records can be told apart on them."""
    disks = surfaces.disks
    return disks if disks is not None and disks.knows_records else None


def _changing(surfaces: Surfaces) -> Members | None:
    """Return the operator if he can change who is a member."""
    members = surfaces.members
    return members if members is not None and members.changes_members else None
