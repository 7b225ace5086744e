"""Stutters: a daemon that gets its time in short turns, as on a machine that has too little."""

from random import Random
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import MILLISECOND, milliseconds
from nemesis.fault import Attempt, Remedy, Site, Skipped, Strike
from nemesis.faults.pause import Pause
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation, choose

COUNT_MAX: Final = 100


class Stutter(msgspec.Struct, frozen=True, kw_only=True):
    """Pause each target `count` times within `hold_ns`, each time for `pause_ns` at most.

    Its peers find it slow rather than gone (Huang et al. 2017, gray failure). It resolves to
    single pauses, at drawn moments of equal parts of its time, and these are what is recorded: a
    stutter can be shrunk to the one pause that matters.
    """

    do: ClassVar[str] = "stutter"
    remedy: ClassVar[Remedy] = Remedy.RESUME
    target: str
    count: int
    pause_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return the time from the stutter's beginning to its end."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Stutter":
        """Return the same stutter within another time."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return its pauses, node by node; those of one node do not overlap."""
        count = min(self.count, max(1, self.hold_ns))
        part_ns = self.hold_ns // count
        pause_ns = min(self.pause_ns, part_ns)
        return tuple(
            Strike(
                Pause(target=node, hold_ns=pause_ns),
                after_ns=number * part_ns + random.randint(0, part_ns - pause_ns),
            )
            for node in choose(self.target, situation, random)
            for number in range(count)
        )

    def begin(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing: its pauses begin by themselves."""
        return Skipped("a stutter is its pauses")

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing: its pauses end by themselves."""
        return Skipped("a stutter is its pauses")

    def begins(self) -> str:
        """Return the stutter as a phrase."""
        within = f"within {milliseconds(self.hold_ns)} ms"
        each = f"{milliseconds(self.pause_ns)} ms each"
        return f"pause {self.target} {self.count} times {within}, {each}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end pauses of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {
            "target": self.target,
            "count": self.count,
            "pause_ms": milliseconds(self.pause_ns),
            "hold_ms": milliseconds(self.hold_ns),
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Stutter":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            count=fields.integer("count", least=1, most=COUNT_MAX),
            pause_ns=fields.duration_ns("pause_ms"),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def draw(chance: Chance) -> Stutter:
    """Draw a stutter of a few long turns or many short ones, with much or little time to run."""
    count = chance.random.choice((4, 10, 30))
    part_ns = max(chance.hold_ns // count, MILLISECOND)
    return Stutter(
        target=chance.target,
        count=count,
        pause_ns=chance.duration_ns(part_ns / 5, part_ns),
        hold_ns=chance.hold_ns,
    )
