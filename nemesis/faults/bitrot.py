"""Bits that flip on a disk, to be found by checksums.

A node that finds its log damaged must not start from it; that it stops is right and convicts
nobody. Only damage that checksums can tell is done: in the last record it looks like a write
that a power cut tore, and is treated as one (Alagappan et al. 2018, "Protocol-Aware Recovery
for Consensus-Based Storage").
"""

from random import Random
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.faults.pause import Pause
from nemesis.faults.restart import start_daemon
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.surface import SurfaceError
from nemesis.targets import Situation

BITS_MAX: Final = 1_000


class Bitrot(msgspec.Struct, frozen=True, kw_only=True):
    """Flip `bits` bits of each target's log and restart its daemon, which finds them.

    A daemon that is down is left so, and finds them when it starts. In the end the disk is
    restored from a copy, the stand-in for replacing the member, and the daemon is started.
    """

    do: ClassVar[str] = "bitrot"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    bits: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Bitrot":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Flip bits, and let a running daemon find them."""
        flipped = site.disks().flip_bits(self.target, self.bits)
        if flipped == 0:
            return Skipped(f"{self.target} has no record yet of which another follows")
        daemons = site.surfaces.daemons
        note = f"{flipped} bits flipped"
        if daemons.is_running(self.target):
            daemons.kill(self.target, lose_unsynced=False, torn_tail=False)
            note = f"{note}, {start_daemon(site, self.target) or 'its daemon is restarted'}"
        return Done(note)

    def end(self, site: Site) -> Attempt:
        """Restore the disk, and start the daemon if it is down."""
        for other in site.others:
            if isinstance(other.fault, Bitrot) and other.fault.target == self.target:
                return Done(f"still rotten by fault {other.id}")
        read_count = site.disks().restore(self.target)
        if not site.surfaces.daemons.is_running(self.target):
            return Done(start_daemon(site, self.target) or "its daemon is started")
        return self._begin_anew(site) if read_count else Done("its daemon runs")

    def _begin_anew(self, site: Site) -> Attempt:
        """Start a daemon again that may have read what was wrong, and would end of it later."""
        daemons = site.surfaces.daemons
        try:
            daemons.kill(self.target, lose_unsynced=False, torn_tail=False)
        except SurfaceError:
            if daemons.is_running(self.target):  # It has not ended by itself at this very moment.
                raise
        note = start_daemon(site, self.target) or "its daemon is restarted"
        if any(pause.target == self.target for pause in site.others_of(Pause)):
            daemons.pause(self.target)
        return Done(f"{note}, as it may have read what was wrong")

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        return f"flip {self.bits} bits of {self.target} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"restore the disk of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "bits": self.bits, "hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Bitrot":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            bits=fields.integer("bits", least=1, most=BITS_MAX),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def draw(chance: Chance) -> Bitrot:
    """Draw a single flip or a few."""
    bits = chance.random.choice((1, 1, 3, 16))
    return Bitrot(target=chance.target, bits=bits, hold_ns=chance.hold_ns)
