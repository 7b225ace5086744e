"""Restart storms: a daemon that hardly comes up before it goes down again."""

from random import Random
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import MILLISECOND, milliseconds
from nemesis.fault import Attempt, Remedy, Site, Skipped, Strike
from nemesis.faults.restart import Restart, Tail, read_tail
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation, choose

COUNT_MAX: Final = 100


class RestartStorm(msgspec.Struct, frozen=True, kw_only=True):
    """Restart each target `count` times within `hold_ns`, each time `down_ns` down at most.

    It resolves to single restarts, at drawn moments of equal parts of its time, and these are
    what is recorded: a storm can be shrunk to the one restart that matters.
    """

    do: ClassVar[str] = "restart_storm"
    remedy: ClassVar[Remedy] = Remedy.START
    target: str
    tail: Tail
    count: int
    down_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return the time from the storm's beginning to its end."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "RestartStorm":
        """Return the same storm within another time."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return its restarts, node by node; those of one node do not overlap.

        Each takes a nanosecond at least, so that the next finds the daemon running.
        """
        count = min(self.count, max(1, self.hold_ns))
        part_ns = self.hold_ns // count
        down_ns = min(max(1, self.down_ns), part_ns)
        return tuple(
            Strike(
                Restart(target=node, tail=self.tail, down_ns=down_ns),
                after_ns=number * part_ns + random.randint(0, part_ns - down_ns),
            )
            for node in choose(self.target, situation, random)
            for number in range(count)
        )

    def begin(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing: its restarts begin by themselves."""
        return Skipped("a storm is its restarts")

    def end(self, site: Site) -> Attempt:  # noqa: ARG002 - as every fault
        """Do nothing: its restarts end by themselves."""
        return Skipped("a storm is its restarts")

    def begins(self) -> str:
        """Return the storm as a phrase."""
        within = f"within {milliseconds(self.hold_ns)} ms"
        return f"restart {self.target} {self.count} times {within}, unsynced writes {self.tail}"

    def ends(self) -> str:
        """Return its end as a phrase."""
        return f"end restarts of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {
            "target": self.target,
            "tail": self.tail,
            "count": self.count,
            "down_ms": milliseconds(self.down_ns),
            "hold_ms": milliseconds(self.hold_ns),
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "RestartStorm":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            tail=read_tail(fields),
            count=fields.integer("count", least=1, most=COUNT_MAX),
            down_ns=fields.duration_ns("down_ms"),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def draw(chance: Chance) -> RestartStorm:
    """Draw a storm of two to eight restarts, with little time up or little time down."""
    count = chance.random.randint(2, 8)
    part_ns = max(chance.hold_ns // count, MILLISECOND)
    return RestartStorm(
        target=chance.target,
        tail=chance.random.choice((Tail.KEPT, Tail.LOST, Tail.TORN)),
        count=count,
        down_ns=chance.duration_ns(part_ns / 20, part_ns),
        hold_ns=chance.hold_ns,
    )
