"""Which explicit faults are in force, and how they begin and end beside one another.

- A daemon that does not run is neither killed nor paused: that fault is skipped, whole.
- A daemon paused by several faults goes on when the last of them ends.
- Killing a paused daemon voids its pauses: it starts unpaused, and their ends are skipped.
- Links follow `nemesis.overlap`.

Time and records are the injector's (`nemesis.inject`).
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from nemesis.fault import (
    Delay,
    Duplicate,
    Fault,
    LinkFault,
    Lose,
    Partition,
    Pause,
    Reorder,
    Restart,
    Tail,
)
from nemesis.overlap import impose
from nemesis.surface import Daemons, Links, Roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """What the environment offers to break."""

    daemons: Daemons
    links: Links
    roles: Roles


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out; `note` is what else there is to know, or empty."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was done, and nothing need be undone; `reason` says why."""

    reason: str


Attempt: TypeAlias = Done | Skipped


@dataclass(frozen=True, slots=True)
class Begun:
    """An explicit fault that has begun, and the id of the asked fault it belongs to."""

    number: int
    """Unique in one trial, in the order of beginning."""
    id: int
    fault: Fault


class InForce:
    """The faults begun and not ended, against one environment's surfaces.

    Raises `SurfaceError` as the surfaces do. A fault whose beginning or end raised counts as
    in force, so that it can be ended once more.
    """

    def __init__(self, surfaces: Surfaces) -> None:
        self._surfaces = surfaces
        self._begun: dict[int, Begun] = {}

    def faults(self) -> tuple[Begun, ...]:
        """Return the faults in force, in the order in which they began."""
        return tuple(self._begun.values())

    def adopt(self, begun: Begun) -> None:
        """Count a fault as in force that is so already, through another's doing."""
        assert begun.number not in self._begun, "a fault begins once"
        self._begun[begun.number] = begun

    def begin(self, begun: Begun) -> Attempt:
        """Let an explicit fault begin."""
        self.adopt(begun)
        match begun.fault:
            case Restart() as fault:
                attempt = self._kill(fault)
            case Pause() as fault:
                attempt = self._pause(begun.number, fault)
            case (Partition() | Lose() | Delay() | Duplicate() | Reorder()) as fault:
                impose(self._surfaces.links, fault, self._link_faults())
                attempt = Done()
            case _:
                assert_never(begun.fault)
        if isinstance(attempt, Skipped):
            del self._begun[begun.number]
        return attempt

    def end(self, begun: Begun) -> Attempt:
        """Undo a fault that has begun, as far as no other fault holds the same."""
        if begun.number not in self._begun:
            return Skipped("it was voided by a kill")
        match begun.fault:
            case Restart() as fault:
                attempt = self._start(fault)
            case Pause() as fault:
                attempt = self._resume(begun.number, fault)
            case (Partition() | Lose() | Delay() | Duplicate() | Reorder()) as fault:
                impose(self._surfaces.links, fault, self._link_faults(besides=begun.number))
                attempt = Done()
            case _:
                assert_never(begun.fault)
        del self._begun[begun.number]
        return attempt

    def _kill(self, fault: Restart) -> Attempt:
        daemons = self._surfaces.daemons
        if not daemons.is_running(fault.target):
            return Skipped(f"{fault.target} does not run")
        daemons.kill(
            fault.target,
            lose_unsynced=fault.tail in (Tail.LOST, Tail.TORN),
            torn_tail=fault.tail is Tail.TORN,
        )
        for pause in self._pauses(fault.target):
            del self._begun[pause.number]
        return Done()

    def _start(self, fault: Restart) -> Attempt:
        daemons = self._surfaces.daemons
        if daemons.is_running(fault.target):
            return Skipped(f"{fault.target} already runs")
        daemons.start(fault.target)
        return Done()

    def _pause(self, number: int, fault: Pause) -> Attempt:
        daemons = self._surfaces.daemons
        if not daemons.is_running(fault.target):
            return Skipped(f"{fault.target} does not run")
        holders = self._pauses(fault.target, besides=number)
        if holders:
            return Done(f"already paused by fault {holders[0].id}")
        daemons.pause(fault.target)
        return Done()

    def _resume(self, number: int, fault: Pause) -> Attempt:
        daemons = self._surfaces.daemons
        if not daemons.is_running(fault.target):
            return Skipped(f"{fault.target} does not run")
        holders = self._pauses(fault.target, besides=number)
        if holders:
            return Done(f"still paused by fault {holders[0].id}")
        daemons.resume(fault.target)
        return Done()

    def _pauses(self, node: str, *, besides: int | None = None) -> list[Begun]:
        return [
            begun
            for begun in self._begun.values()
            if isinstance(begun.fault, Pause)
            and begun.fault.target == node
            and begun.number != besides
        ]

    def _link_faults(self, *, besides: int | None = None) -> list[LinkFault]:
        return [
            begun.fault
            for begun in self._begun.values()
            if not isinstance(begun.fault, Restart | Pause) and begun.number != besides
        ]
