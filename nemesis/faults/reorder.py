"""Links on which messages overtake each other."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import MILLISECOND, milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Strike
from nemesis.faults.on_links import on_exact_links, strongest
from nemesis.fields import Fields
from nemesis.link_choice import LinkChoice, describe_choice
from nemesis.link_fields import links_value, read_links
from nemesis.names import Names
from nemesis.surface import Links, Reordering
from nemesis.targets import Situation


class Reorder(msgspec.Struct, frozen=True, kw_only=True):
    """Let each message, with `probability` in [0, 1], be overtaken for up to `window_ns`."""

    do: ClassVar[str] = "reorder"
    remedy: ClassVar[Remedy] = Remedy.HEAL
    links: LinkChoice
    probability: float
    window_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Reorder":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return the same on exact links."""
        return on_exact_links(
            self.links, lambda links: replace(self, links=links), situation, random
        )

    def begin(self, site: Site) -> Attempt:
        """Let messages be overtaken, besides what other faults do so."""
        _impose(site.links(), [*site.others_of(Reorder), self])
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the links what other faults of the kind do to them."""
        _impose(site.links(), site.others_of(Reorder))
        return Done()

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        chance = f"{self.probability:.0%} within {milliseconds(self.window_ns)} ms"
        held = f"for {milliseconds(self.hold_ns)} ms"
        return f"reorder {chance} on {describe_choice(self.links)} {held}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end reorder on {describe_choice(self.links)}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return links_value(self.links) | {
            "probability": self.probability,
            "window_ms": milliseconds(self.window_ns),
            "hold_ms": milliseconds(self.hold_ns),
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Reorder":
        """Return the fault that `fields` describe."""
        return cls(
            links=read_links(fields, names),
            probability=fields.probability("probability"),
            window_ns=fields.duration_ns("window_ms"),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def _impose(links: Links, faults: Sequence[Reorder]) -> None:
    chances = strongest([(fault.links, fault.probability) for fault in faults])
    windows = strongest([(fault.links, fault.window_ns) for fault in faults])
    links.reorder({link: Reordering(chances[link], windows[link]) for link in chances})


def draw(chance: Chance) -> Reorder:
    """Draw a reordering within up to a fifth of a second."""
    window = chance.duration_ns(MILLISECOND, 200 * MILLISECOND)
    return Reorder(
        links=chance.around_target(),
        probability=chance.severity(),
        window_ns=window,
        hold_ns=chance.hold_ns,
    )
