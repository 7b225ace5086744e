"""Links that deliver a share of their messages twice."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Strike
from nemesis.faults.on_links import on_exact_links, strongest
from nemesis.fields import Fields
from nemesis.link_choice import LinkChoice, describe_choice
from nemesis.link_fields import links_value, read_links
from nemesis.names import Names
from nemesis.surface import Links
from nemesis.targets import Situation


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """Deliver each message on the links chosen twice with `probability` in [0, 1]."""

    do: ClassVar[str] = "duplicate"
    remedy: ClassVar[Remedy] = Remedy.HEAL
    links: LinkChoice
    probability: float
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Duplicate":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return the same on exact links."""
        return on_exact_links(
            self.links, lambda links: replace(self, links=links), situation, random
        )

    def begin(self, site: Site) -> Attempt:
        """Deliver messages twice, besides what other faults do so."""
        _impose(site.links(), [*site.others_of(Duplicate), self])
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the links what other faults of the kind do to them."""
        _impose(site.links(), site.others_of(Duplicate))
        return Done()

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        held = f"for {milliseconds(self.hold_ns)} ms"
        return f"duplicate {self.probability:.0%} on {describe_choice(self.links)} {held}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end duplicate on {describe_choice(self.links)}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        hold_ms = milliseconds(self.hold_ns)
        return links_value(self.links) | {"probability": self.probability, "hold_ms": hold_ms}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Duplicate":
        """Return the fault that `fields` describe."""
        return cls(
            links=read_links(fields, names),
            probability=fields.probability("probability"),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def _impose(links: Links, faults: Sequence[Duplicate]) -> None:
    links.duplicate(strongest([(fault.links, fault.probability) for fault in faults]))


def draw(chance: Chance) -> Duplicate:
    """Draw a duplication."""
    links = chance.around_target()
    return Duplicate(links=links, probability=chance.severity(), hold_ns=chance.hold_ns)
