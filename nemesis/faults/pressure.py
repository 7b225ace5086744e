"""Machines that have too little: of processor time, of memory."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Final, Self

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.faults.restart import restarted
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation

_SHARE_MIN: Final = 0.01
_ALL: Final = 1.0


class _Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """A want of the targets; of several of a kind, the one that leaves the least counts."""

    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    share: float
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> Self:
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def value(self) -> dict[str, object]:
        """Return the fields."""
        hold_ms = milliseconds(self.hold_ns)
        return {"target": self.target, "share": self.share, "hold_ms": hold_ms}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> Self:
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            share=fields.number("share", least=_SHARE_MIN, most=_ALL),
            hold_ns=fields.duration_ns("hold_ms"),
        )

    def left_by(self, others: "Sequence[_Pressure]") -> float:
        """Return the share that these leave the same target; 1.0 if none of them limits it."""
        return min((other.share for other in others if other.target == self.target), default=_ALL)


class CpuPressure(_Pressure, frozen=True, kw_only=True):
    """Let the targets have `share` of one processor's time.

    A daemon runs for its share of each tenth of a second or so, and stands still for the rest.
    """

    do: ClassVar[str] = "cpu_pressure"

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Leave the daemon no more than its share, or the lesser one of another fault."""
        least = min(self.share, self.left_by(site.others_of(CpuPressure)))
        site.pressure().limit_cpu(self.target, least)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave the daemon what other faults leave it."""
        site.pressure().limit_cpu(self.target, self.left_by(site.others_of(CpuPressure)))
        return Done()

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        held = f"for {milliseconds(self.hold_ns)} ms"
        return f"leave {self.target} {self.share:.0%} of a processor {held}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end cpu pressure on {self.target}"


class MemoryPressure(_Pressure, frozen=True, kw_only=True):
    """Let the targets have `share` of the memory that they use.

    What they have of files in memory is taken first and must be read anew; then whoever asks for
    memory waits, or is refused it: a daemon whose write fails for that may stop.
    """

    do: ClassVar[str] = "memory_pressure"

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Leave the daemon no more than its share, or the lesser one of another fault."""
        if not site.surfaces.daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        least = min(self.share, self.left_by(site.others_of(MemoryPressure)))
        site.pressure().limit_memory(self.target, least)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave the daemon what other faults leave it, and start it if it stopped for want."""
        left = self.left_by(site.others_of(MemoryPressure))
        is_running = site.surfaces.daemons.is_running(self.target)
        if is_running or left == _ALL:
            site.pressure().limit_memory(self.target, left)
        return Done() if is_running else restarted(site, self.target)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        held = f"for {milliseconds(self.hold_ns)} ms"
        return f"leave {self.target} {self.share:.0%} of its memory {held}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end memory pressure on {self.target}"


def draw(chance: Chance) -> CpuPressure | MemoryPressure:
    """Draw a want of processor time or of memory, slight or severe."""
    if chance.random.random() < 2 / 3:
        share = chance.random.choice((0.02, 0.05, 0.1, 0.3))
        return CpuPressure(target=chance.target, share=share, hold_ns=chance.hold_ns)
    share = chance.random.choice((0.3, 0.6, 0.9))
    return MemoryPressure(target=chance.target, share=share, hold_ns=chance.hold_ns)
