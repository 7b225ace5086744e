"""Links that take longer, evenly or with jitter."""

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
from nemesis.surface import Latency, Links
from nemesis.targets import Situation


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """Add `latency_ns` plus an even draw from [0, `jitter_ns`] to each message."""

    do: ClassVar[str] = "delay"
    remedy: ClassVar[Remedy] = Remedy.HEAL
    links: LinkChoice
    latency_ns: int
    jitter_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Delay":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return the same on exact links."""
        return on_exact_links(
            self.links, lambda links: replace(self, links=links), situation, random
        )

    def begin(self, site: Site) -> Attempt:
        """Delay messages, besides what other faults delay."""
        _impose(site.links(), [*site.others_of(Delay), self])
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the links what other faults of the kind do to them."""
        _impose(site.links(), site.others_of(Delay))
        return Done()

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        latency, jitter = milliseconds(self.latency_ns), milliseconds(self.jitter_ns)
        where, held = describe_choice(self.links), milliseconds(self.hold_ns)
        return f"delay {latency} ms + up to {jitter} ms on {where} for {held} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end delay on {describe_choice(self.links)}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return links_value(self.links) | {
            "latency_ms": milliseconds(self.latency_ns),
            "jitter_ms": milliseconds(self.jitter_ns),
            "hold_ms": milliseconds(self.hold_ns),
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Delay":
        """Return the fault that `fields` describe."""
        return cls(
            links=read_links(fields, names),
            latency_ns=fields.duration_ns("latency_ms"),
            jitter_ns=fields.duration_ns("jitter_ms") if fields.has("jitter_ms") else 0,
            hold_ns=fields.duration_ns("hold_ms"),
        )


def _impose(links: Links, faults: Sequence[Delay]) -> None:
    delays = strongest([(fault.links, fault.latency_ns) for fault in faults])
    jitters = strongest([(fault.links, fault.jitter_ns) for fault in faults])
    links.delay({link: Latency(delays[link], jitters[link]) for link in delays})


def draw(chance: Chance) -> Delay:
    """Draw a delay of any order of magnitude up to a second, steady or not."""
    latency = chance.duration_ns(MILLISECOND, 1_000 * MILLISECOND)
    jitter = chance.random.choice((0, latency // 4, latency))
    return Delay(
        links=chance.around_target(),
        latency_ns=latency,
        jitter_ns=jitter,
        hold_ns=chance.hold_ns,
    )
