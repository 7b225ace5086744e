"""Disks that are slow, fail, or are full.

A daemon whose fsync or write fails stops, as etcd panics: it cannot know what is durable (of
a failed fsync, Rebello et al. 2020, "Can Applications Recover from fsync Failures?"). It stays
down until the fault ends, unless another fault's end starts it, only for it to fail again.
"""

from random import Random
from typing import ClassVar, TypeAlias

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import MILLISECOND, milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.faults.restart import restarted
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class SlowFsync(msgspec.Struct, frozen=True, kw_only=True):
    """Let every fsync of the targets take `extra_ns` longer; of several, the slowest counts."""

    do: ClassVar[str] = "slow_fsync"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    extra_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "SlowFsync":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Slow the disk down."""
        site.disks().slow_fsync(self.target, max(self.extra_ns, self._others_ns(site)))
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave the disk as slow as other faults make it."""
        site.disks().slow_fsync(self.target, self._others_ns(site))
        return Done()

    def _others_ns(self, site: Site) -> int:
        slow = site.others_of(SlowFsync)
        return max((other.extra_ns for other in slow if other.target == self.target), default=0)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        slower = f"by {milliseconds(self.extra_ns)} ms"
        return f"slow fsync of {self.target} {slower} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end slow fsync of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {
            "target": self.target,
            "extra_ms": milliseconds(self.extra_ns),
            "hold_ms": milliseconds(self.hold_ns),
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "SlowFsync":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            extra_ns=fields.duration_ns("extra_ms"),
            hold_ns=fields.duration_ns("hold_ms"),
        )


class FailingFsync(msgspec.Struct, frozen=True, kw_only=True):
    """Let every fsync of the targets fail with EIO; their daemons stop at the first one."""

    do: ClassVar[str] = "failing_fsync"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "FailingFsync":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Let fsyncs fail from now on."""
        site.disks().fail_fsync(self.target, is_failing=True)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Let fsyncs succeed again, and start the daemon if it stopped."""
        for other in site.others:
            if isinstance(other.fault, FailingFsync) and other.fault.target == self.target:
                return Done(f"still so by fault {other.id}")
        site.disks().fail_fsync(self.target, is_failing=False)
        return restarted(site, self.target)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        return f"fail fsync of {self.target} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end failing fsync of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "FailingFsync":
        """Return the fault that `fields` describe."""
        target = names.target(fields.text("target"))
        return cls(target=target, hold_ns=fields.duration_ns("hold_ms"))


class FullDisk(msgspec.Struct, frozen=True, kw_only=True):
    """Let every write of the targets fail with ENOSPC; their daemons stop at the first one."""

    do: ClassVar[str] = "full_disk"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "FullDisk":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Fill the disk."""
        site.disks().fill(self.target, is_full=True)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Make room again, and start the daemon if it stopped."""
        for other in site.others:
            if isinstance(other.fault, FullDisk) and other.fault.target == self.target:
                return Done(f"still so by fault {other.id}")
        site.disks().fill(self.target, is_full=False)
        return restarted(site, self.target)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        return f"fill the disk of {self.target} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"free the disk of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "FullDisk":
        """Return the fault that `fields` describe."""
        target = names.target(fields.text("target"))
        return cls(target=target, hold_ns=fields.duration_ns("hold_ms"))


DiskFault: TypeAlias = SlowFsync | FailingFsync | FullDisk


def draw(chance: Chance) -> DiskFault:
    """Draw a slow, a failing or a full disk; a slow one half of the time."""
    kind = chance.random.randrange(4)
    target, hold_ns = chance.target, chance.hold_ns
    if kind == 0:
        return FailingFsync(target=target, hold_ns=hold_ns)
    if kind == 1:
        return FullDisk(target=target, hold_ns=hold_ns)
    extra_ns = chance.duration_ns(5 * MILLISECOND, 1_000 * MILLISECOND)
    return SlowFsync(target=target, extra_ns=extra_ns, hold_ns=hold_ns)
