"""Every kind of fault by the word that files use, and every package by what it draws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nemesis.chance import Chance
from nemesis.fault import Fault
from nemesis.faults import (
    backup,
    bitrot,
    clock,
    compact,
    defragment,
    delay,
    depose,
    disk,
    duplicate,
    hold,
    limit_rate,
    lose,
    lying_disk,
    members,
    partition,
    pause,
    pressure,
    quota,
    reorder,
    restart,
    storm,
    stutter,
)
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.packages import Package

KINDS: Final[tuple[type[Fault], ...]] = (
    restart.Restart,
    pause.Pause,
    partition.Partition,
    lose.Lose,
    delay.Delay,
    duplicate.Duplicate,
    reorder.Reorder,
    hold.Hold,
    clock.ClockBump,
    clock.ClockDrift,
    clock.ClockStrobe,
    disk.SlowFsync,
    disk.FailingFsync,
    disk.FullDisk,
    lying_disk.LyingFsync,
    bitrot.Bitrot,
    storm.RestartStorm,
    compact.Compact,
    defragment.Defragment,
    members.Grow,
    members.Shrink,
    members.Replace,
    members.MoveLeader,
    stutter.Stutter,
    pressure.CpuPressure,
    pressure.MemoryPressure,
    limit_rate.LimitRate,
    quota.ExhaustQuota,
    backup.RestoreCluster,
)
"""Every kind of fault."""

_BY_WORD: Final = {kind.do: kind for kind in KINDS}

FAULT_NAMES: Final = tuple(_BY_WORD)
"""Every `do`: what schedule files and histories call the kinds of fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How a package's faults are drawn."""

    draw: Callable[[Chance], Fault]
    needs_links: bool = False
    """Whether a cluster of one node gets none of them."""
    upon_leader: bool = False
    """Whether each waits for a node to become leader, which is its target, and not for a time."""
    is_condition: bool = False
    """Whether they last long enough to be met by messages or writes, and leave calm in between."""


DRAWINGS: Final = {
    Package.KILL: Drawing(draw=restart.draw_kill),
    Package.POWER: Drawing(draw=restart.draw_power_cut),
    Package.PAUSE: Drawing(draw=pause.draw),
    Package.PARTITION: Drawing(draw=partition.draw, needs_links=True),
    Package.LOSS: Drawing(draw=lose.draw, needs_links=True, is_condition=True),
    Package.DELAY: Drawing(draw=delay.draw, needs_links=True, is_condition=True),
    Package.DUPLICATE: Drawing(draw=duplicate.draw, needs_links=True, is_condition=True),
    Package.REORDER: Drawing(draw=reorder.draw, needs_links=True, is_condition=True),
    Package.CLOCK: Drawing(draw=clock.draw, is_condition=True),
    Package.DISK: Drawing(draw=disk.draw, is_condition=True),
    Package.LYING_DISK: Drawing(draw=lying_disk.draw, needs_links=True, is_condition=True),
    Package.BITROT: Drawing(draw=bitrot.draw),
    Package.HOLD: Drawing(draw=hold.draw, needs_links=True, is_condition=True),
    Package.STORM: Drawing(draw=storm.draw, is_condition=True),
    Package.COMPACT: Drawing(draw=compact.draw),
    Package.MEMBERSHIP: Drawing(draw=members.draw_membership),
    Package.TRANSFER: Drawing(draw=members.draw_transfer, needs_links=True),
    Package.STOP: Drawing(draw=restart.draw_stop),
    Package.DEFRAGMENT: Drawing(draw=defragment.draw),
    Package.STUTTER: Drawing(draw=stutter.draw, is_condition=True),
    Package.PRESSURE: Drawing(draw=pressure.draw, is_condition=True),
    Package.BANDWIDTH: Drawing(draw=limit_rate.draw, needs_links=True, is_condition=True),
    Package.DEPOSE: Drawing(draw=depose.draw, needs_links=True, upon_leader=True),
    Package.QUOTA: Drawing(draw=quota.draw, is_condition=True),
    Package.RESTORE: Drawing(draw=backup.draw, needs_links=True),
}
"""What `nemesis.generate` draws for each package."""


def read_fault(fields: Fields, names: Names) -> Fault:
    """Return the fault that `fields` describe; raise `FieldError` if they describe none."""
    return _BY_WORD[fields.one_of("do", FAULT_NAMES)].read(fields, names)
