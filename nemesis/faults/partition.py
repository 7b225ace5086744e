"""Links that are cut: halves, majority rings, bridges, isolated and half-deaf nodes."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Strike
from nemesis.faults.on_links import affected, on_exact_links
from nemesis.fields import Fields
from nemesis.link_choice import (
    Aim,
    Aimed,
    Divided,
    LinkChoice,
    Topology,
    describe_choice,
)
from nemesis.link_fields import links_value, read_links
from nemesis.names import Names
from nemesis.surface import Links
from nemesis.targets import Situation


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """Drop every message on the links chosen."""

    do: ClassVar[str] = "partition"
    remedy: ClassVar[Remedy] = Remedy.HEAL
    links: LinkChoice
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Partition":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return the same on exact links."""
        return on_exact_links(
            self.links, lambda links: replace(self, links=links), situation, random
        )

    def begin(self, site: Site) -> Attempt:
        """Cut the links, besides those that other faults cut."""
        _impose(site.links(), [*site.others_of(Partition), self])
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the links what other faults of the kind do to them."""
        _impose(site.links(), site.others_of(Partition))
        return Done()

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        return f"partition {describe_choice(self.links)} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"heal {describe_choice(self.links)}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return links_value(self.links) | {"hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Partition":
        """Return the fault that `fields` describe."""
        return cls(
            links=read_links(fields, names),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def _impose(links: Links, faults: Sequence[Partition]) -> None:
    links.cut(affected(fault.links for fault in faults))


def draw(chance: Chance) -> Partition:
    """Draw a partition of the whole, or of the target from the rest, as the size allows."""
    return Partition(links=_draw_division(chance), hold_ns=chance.hold_ns)


def _draw_division(chance: Chance) -> LinkChoice:
    divisions: list[Topology] = [Topology.HALVES]
    if chance.node_count >= 3:
        divisions.append(Topology.BRIDGE)
    if chance.node_count >= 4:
        divisions.append(Topology.MAJORITY_RING)
    aim = chance.random.choice((None, Aim.ISOLATE, Aim.ONE_WAY_OUT, Aim.ONE_WAY_IN))
    division = chance.random.choice(divisions)
    if aim is None:
        return Divided(division)
    target = chance.target
    if target == "all" or (target == "majority" and chance.node_count == 2):
        target = "one"  # all nodes have nobody to be cut off from
    return Aimed(aim, target)
