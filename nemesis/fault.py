"""What a fault is: one value that names its target, its settings, its own end, and its doing.

A fault and its undoing are one item, so that a schedule from which any item is removed
still heals, and shrinks well. As asked, a fault may speak of leaders and majorities; it
*resolves* to explicit ones, each on one node or on exact links, which is what begins, ends
and is recorded.

Each kind of fault is one class in a module of `nemesis.faults`; docs/FAULTS.md shows how to
add one.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.surface import (
    Admin,
    Backup,
    Bandwidth,
    Clocks,
    Disks,
    Links,
    Members,
    Pressure,
    Quota,
    SurfaceError,
    Surfaces,
)
from nemesis.targets import Situation

Kind = TypeVar("Kind")


class Remedy(enum.StrEnum):
    """What ends every fault of one kind, whoever began it."""

    HEAL = "heal"
    """Restore every link."""
    RESUME = "resume"
    """Let every paused daemon go on."""
    REPAIR = "repair"
    """Make every clock and disk good again, and let every daemon have what it needs."""
    START = "start"
    """Start every daemon that does not run."""


def ending() -> tuple[Remedy, ...]:
    """Return what ends all faults, in safe order.

    Links come first, so that who wakes finds its peers; daemons that were paused go on
    before others start, so that the cluster of before the fault is whole the sooner; disks
    are good before daemons start from them.
    """
    return (Remedy.HEAL, Remedy.RESUME, Remedy.REPAIR, Remedy.START)


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out; `note` is what else there is to know, or empty."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was done, and nothing need be undone; `reason` says why."""

    reason: str


Attempt: TypeAlias = Done | Skipped


class Fault(Protocol):
    """One kind of fault; its values are frozen and comparable."""

    do: ClassVar[str]
    """What schedule files and histories call it."""
    remedy: ClassVar[Remedy]

    def held_ns(self) -> int | None:
        """Return how long it lasts; None if it is over as soon as it is done, and has no end."""

    def lasting(self, held_ns: int) -> "Fault":
        """Return the same fault, lasting `held_ns` nanoseconds."""

    def resolve(self, situation: Situation, random: Random) -> "tuple[Strike, ...]":
        """Return the explicit faults that this one means now; empty if it means nothing.

        Explicit faults resolve to themselves.
        """

    def begin(self, site: "Site") -> Attempt:
        """Carry out this explicit fault."""

    def end(self, site: "Site") -> Attempt:
        """Undo this explicit fault, as far as no other in force holds the same."""

    def begins(self) -> str:
        """Return its beginning as a phrase: `pause n1 for 5 ms`."""

    def ends(self) -> str:
        """Return its end as a phrase: `resume n1`."""

    def value(self) -> dict[str, object]:
        """Return its fields for a schedule file, `do` excepted, durations in milliseconds."""

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Fault":
        """Return the fault with these fields; raise `FieldError` if they are not `value`'s."""


@dataclass(frozen=True, slots=True)
class Strike:
    """An explicit fault, and how long after the fault that resolved to it it begins."""

    fault: Fault
    after_ns: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """An explicit fault that has begun, and the id of the asked fault it belongs to."""

    number: int
    """Unique in one trial, in the order of beginning."""
    id: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Site:
    """Where a fault begins or ends."""

    surfaces: Surfaces
    begun: Begun
    others: Sequence[Begun]
    """What else is in force, in the order in which it began."""

    def others_of(self, kind: type[Kind]) -> list[Kind]:
        """Return the other faults in force of one kind."""
        return [other.fault for other in self.others if isinstance(other.fault, kind)]

    def links(self) -> Links:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.links is None:
            raise SurfaceError("this environment cannot touch the links between nodes")
        return self.surfaces.links

    def bandwidth(self) -> Bandwidth:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.bandwidth is None:
            raise SurfaceError("this environment cannot limit what links carry")
        return self.surfaces.bandwidth

    def clocks(self) -> Clocks:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.clocks is None:
            raise SurfaceError("this environment cannot change clocks")
        return self.surfaces.clocks

    def disks(self) -> Disks:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.disks is None:
            raise SurfaceError("this environment cannot break disks")
        return self.surfaces.disks

    def pressure(self) -> Pressure:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.pressure is None:
            raise SurfaceError("this environment cannot limit what daemons use of their machines")
        return self.surfaces.pressure

    def admin(self) -> Admin:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.admin is None:
            raise SurfaceError("this environment cannot ask the store for maintenance")
        return self.surfaces.admin

    def members(self) -> Members:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.members is None:
            raise SurfaceError("this environment cannot change the members")
        return self.surfaces.members

    def backup(self) -> Backup:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.backup is None:
            raise SurfaceError("this environment cannot restore members from a backup")
        return self.surfaces.backup

    def quota(self) -> Quota:
        """Return the surface, or raise `SurfaceError` if there is none."""
        if self.surfaces.quota is None:
            raise SurfaceError("this environment cannot use up what the store may hold")
        return self.surfaces.quota
