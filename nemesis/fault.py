"""What can break: each fault is one value that names its target, its settings and its own end.

A fault and its undoing are one item (`hold_ns`, `down_ns`), so that a schedule from which
any item is removed still heals, and shrinks well. Names may be symbolic (`leader`,
`majority`, `$node`); `nemesis.resolve` turns a symbolic fault into explicit ones.

A new fault is a class here, a member of `Fault`, and the cases that mypy then asks for.
"""

import enum
from typing import ClassVar, Final, TypeAlias

import msgspec

from nemesis.surface import Link

MILLISECOND: Final = 1_000_000
"""In nanoseconds."""

TRIGGER_NODE: Final = "$node"
"""Stands for the node whose observation triggered the fault."""

OTHERS: Final = "$others"
"""In `Groups`: every node that no group names."""


class Tail(enum.StrEnum):
    """What a killed daemon finds of its last writes when it starts again."""

    KEPT = "kept"
    """All that was written, synced or not, as after `kill -9`."""
    LOST = "lost"
    """Only what was synced, as after a power cut."""
    TORN = "torn"
    """What was synced and a random prefix of the rest: a power cut in the middle of a write."""


class Topology(enum.StrEnum):
    """A division of the whole cluster, drawn when it is applied (`nemesis.grudge`)."""

    HALVES = "halves"
    MAJORITY_RING = "majority_ring"
    BRIDGE = "bridge"


class Aim(enum.StrEnum):
    """Which links of the target nodes are meant."""

    AROUND = "around"
    """Every link from or to a target, those between two targets included."""
    ISOLATE = "isolate"
    """Every link between a target and a node that is none: targets still reach each other."""
    ONE_WAY_OUT = "one_way_out"
    """Only links from a target to the rest: targets hear, and are not heard."""
    ONE_WAY_IN = "one_way_in"
    """Only links from the rest to a target: targets are heard, and hear nothing."""


class Divided(msgspec.Struct, frozen=True):
    """The links that `topology` cuts."""

    topology: Topology


class Aimed(msgspec.Struct, frozen=True):
    """The links that lie so to the nodes that `target` (see `nemesis.targets`) names."""

    aim: Aim
    target: str


class Groups(msgspec.Struct, frozen=True):
    """Every link between nodes of different groups; nodes not named form one more group."""

    groups: tuple[tuple[str, ...], ...]


class Exactly(msgspec.Struct, frozen=True):
    """These directed links, sorted, each once."""

    links: tuple[Link, ...]


LinkChoice: TypeAlias = Divided | Aimed | Groups | Exactly


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """Kill the daemons of the targets, and start them again after `down_ns`."""

    do: ClassVar[str] = "restart"
    target: str
    tail: Tail
    down_ns: int


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Stop the execution of the targets for `hold_ns`, as SIGSTOP and SIGCONT."""

    do: ClassVar[str] = "pause"
    target: str
    hold_ns: int


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """Drop every message on the links chosen."""

    do: ClassVar[str] = "partition"
    links: LinkChoice
    hold_ns: int


class Lose(msgspec.Struct, frozen=True, kw_only=True):
    """Drop each message on the links chosen with `probability` in [0, 1]."""

    do: ClassVar[str] = "lose"
    links: LinkChoice
    probability: float
    hold_ns: int


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """Add `latency_ns` plus an even draw from [0, `jitter_ns`] to each message."""

    do: ClassVar[str] = "delay"
    links: LinkChoice
    latency_ns: int
    jitter_ns: int
    hold_ns: int


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """Deliver each message on the links chosen twice with `probability` in [0, 1]."""

    do: ClassVar[str] = "duplicate"
    links: LinkChoice
    probability: float
    hold_ns: int


class Reorder(msgspec.Struct, frozen=True, kw_only=True):
    """Let each message, with `probability` in [0, 1], be overtaken for up to `window_ns`."""

    do: ClassVar[str] = "reorder"
    links: LinkChoice
    probability: float
    window_ns: int
    hold_ns: int


DaemonFault: TypeAlias = Restart | Pause
LinkFault: TypeAlias = Partition | Lose | Delay | Duplicate | Reorder
Fault: TypeAlias = DaemonFault | LinkFault

FAULT_NAMES: Final = tuple(
    kind.do for kind in (Restart, Pause, Partition, Lose, Delay, Duplicate, Reorder)
)
"""Every `do`: what schedule files and histories call the kinds of fault."""


def milliseconds(duration_ns: int) -> int | float:
    """Return a duration in milliseconds, as an `int` where it is whole."""
    whole, rest = divmod(duration_ns, MILLISECOND)
    return duration_ns / MILLISECOND if rest else whole


def held_ns(fault: Fault) -> int:
    """Return how long the fault lasts, in nanoseconds from its beginning to its end."""
    return fault.down_ns if isinstance(fault, Restart) else fault.hold_ns


def with_held_ns(fault: Fault, held: int) -> Fault:
    """Return the same fault, lasting `held` nanoseconds."""
    assert held >= 0, "a fault cannot end before it begins"
    if isinstance(fault, Restart):
        return msgspec.structs.replace(fault, down_ns=held)
    return msgspec.structs.replace(fault, hold_ns=held)
