"""Daemons that stop for a while without knowing it."""

from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Begun, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Stop the execution of the targets for `hold_ns`, as SIGSTOP and SIGCONT.

    A daemon paused by several faults goes on when the last of them ends. Killing it voids its
    pauses: it starts unpaused, and their ends are skipped.
    """

    do: ClassVar[str] = "pause"
    remedy: ClassVar[Remedy] = Remedy.RESUME
    target: str
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Pause":
        """Return the same pause with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one pause per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Pause the daemon, unless another fault already does."""
        daemons = site.surfaces.daemons
        if not daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        if holder := self._holder(site):
            return Done(f"already paused by fault {holder.id}")
        daemons.pause(self.target)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Let the daemon go on, unless another fault still pauses it."""
        daemons = site.surfaces.daemons
        if not daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        if holder := self._holder(site):
            return Done(f"still paused by fault {holder.id}")
        daemons.resume(self.target)
        return Done()

    def _holder(self, site: Site) -> Begun | None:
        for other in site.others:
            if isinstance(other.fault, Pause) and other.fault.target == self.target:
                return other
        return None

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        return f"pause {self.target} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"resume {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Pause":
        """Return the fault that `fields` describe."""
        target = names.target(fields.text("target"))
        return cls(target=target, hold_ns=fields.duration_ns("hold_ms"))


def draw(chance: Chance) -> Pause:
    """Draw a pause."""
    return Pause(target=chance.target, hold_ns=chance.hold_ns)
