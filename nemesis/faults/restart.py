"""Daemons that end, by `kill -9`, a power cut or because they are asked to, and start again."""

import enum
from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Skipped, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation


class Tail(enum.StrEnum):
    """What a killed daemon finds of its last writes when it starts again."""

    KEPT = "kept"
    """All that was written, synced or not, as after `kill -9`."""
    LOST = "lost"
    """Only what was synced, as after a power cut."""
    TORN = "torn"
    """What was synced and a random prefix of the rest: a power cut in the middle of a write."""
    STOPPED = "stopped"
    """All: it was not killed but asked to end, and did so in its own time, as after SIGTERM."""


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """Kill the daemons of the targets, or have them stop, and start them again after `down_ns`.

    Skipped where a daemon does not run. One that another fault keeps down is not started.
    """

    do: ClassVar[str] = "restart"
    remedy: ClassVar[Remedy] = Remedy.START
    target: str
    tail: Tail
    down_ns: int

    def held_ns(self) -> int:
        """Return how long the daemon is down."""
        return self.down_ns

    def lasting(self, held_ns: int) -> "Restart":
        """Return the same kill with another time down."""
        return replace(self, down_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one kill per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Kill the daemon, or have it stop."""
        daemons = site.surfaces.daemons
        if not daemons.is_running(self.target):
            return Skipped(f"{self.target} does not run")
        if self.tail is Tail.STOPPED:
            daemons.stop(self.target)
            return Done()
        daemons.kill(
            self.target,
            lose_unsynced=self.tail in (Tail.LOST, Tail.TORN),
            torn_tail=self.tail is Tail.TORN,
        )
        return Done()

    def end(self, site: Site) -> Attempt:
        """Start the daemon."""
        if site.surfaces.daemons.is_running(self.target):
            return Skipped(f"{self.target} already runs")
        return Done(start_daemon(site, self.target))

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        down = f"for {milliseconds(self.down_ns)} ms"
        if self.tail is Tail.STOPPED:
            return f"stop {self.target} {down}"
        return f"kill {self.target}, unsynced writes {self.tail}, {down}"

    def ends(self) -> str:
        """Return the start as a phrase."""
        return f"start {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        down_ms = milliseconds(self.down_ns)
        return {"target": self.target, "tail": self.tail, "down_ms": down_ms}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Restart":
        """Return the fault that `fields` describe; without a `tail`, all writes are kept."""
        return cls(
            target=names.target(fields.text("target")),
            tail=read_tail(fields),
            down_ns=fields.duration_ns("down_ms"),
        )


def read_tail(fields: Fields) -> Tail:
    """Return what a kill leaves: everything, unless the field is there."""
    return fields.word("tail", Tail) if fields.has("tail") else Tail.KEPT


def start_daemon(site: Site, node: str) -> str:
    """Start a daemon that does not run, unless it must stay down; return why it must, or ``."""
    for other in site.others:
        if isinstance(other.fault, Restart) and other.fault.target == node:
            return f"still down by fault {other.id}"
    disks = site.surfaces.disks
    lost_bytes = 0 if disks is None else disks.lost_bytes(node)
    if lost_bytes:
        return f"stays down: its disk lost {lost_bytes} bytes that it had reported durable"
    site.surfaces.daemons.start(node)
    return ""


def restarted(site: Site, node: str) -> Done:
    """Start the daemon if the fault that ends has stopped it; say so."""
    if site.surfaces.daemons.is_running(node):
        return Done("its daemon runs")
    note = start_daemon(site, node)
    return Done(note or "its daemon is started")


def draw_kill(chance: Chance) -> Restart:
    """Draw a `kill -9`."""
    return Restart(target=chance.target, tail=Tail.KEPT, down_ns=chance.hold_ns)


def draw_stop(chance: Chance) -> Restart:
    """Draw a stop in the daemon's own time."""
    return Restart(target=chance.target, tail=Tail.STOPPED, down_ns=chance.hold_ns)


def draw_power_cut(chance: Chance) -> Restart:
    """Draw a power cut."""
    tail = chance.random.choice((Tail.LOST, Tail.TORN))
    return Restart(target=chance.target, tail=tail, down_ns=chance.hold_ns)
