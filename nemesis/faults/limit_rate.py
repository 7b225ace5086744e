"""Links that carry little in a second."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Final

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
from nemesis.surface import Bandwidth
from nemesis.targets import Situation

RATE_BYTES_MAX: Final = 1_000_000_000
"""In a second."""


class LimitRate(msgspec.Struct, frozen=True, kw_only=True):
    """Let `rate_bytes` in a second pass on each link chosen; of several, the least counts.

    What is too much waits for its turn.
    """

    do: ClassVar[str] = "limit_rate"
    remedy: ClassVar[Remedy] = Remedy.HEAL
    links: LinkChoice
    rate_bytes: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "LimitRate":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return the same on exact links."""
        return on_exact_links(
            self.links, lambda links: replace(self, links=links), situation, random
        )

    def begin(self, site: Site) -> Attempt:
        """Limit the links, besides what other faults limit."""
        _impose(site.bandwidth(), [*site.others_of(LimitRate), self])
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the links what other faults of the kind do to them."""
        _impose(site.bandwidth(), site.others_of(LimitRate))
        return Done()

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        held = f"for {milliseconds(self.hold_ns)} ms"
        return f"let {self.rate_bytes} bytes/s pass on {describe_choice(self.links)} {held}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end limit of rate on {describe_choice(self.links)}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        hold_ms = milliseconds(self.hold_ns)
        return links_value(self.links) | {"rate_bytes": self.rate_bytes, "hold_ms": hold_ms}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "LimitRate":
        """Return the fault that `fields` describe."""
        return cls(
            links=read_links(fields, names),
            rate_bytes=fields.integer("rate_bytes", least=1, most=RATE_BYTES_MAX),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def _impose(bandwidth: Bandwidth, faults: Sequence[LimitRate]) -> None:
    """Impose them all: the strongest is the one that lets the least pass."""
    least = strongest([(fault.links, -fault.rate_bytes) for fault in faults])
    bandwidth.limit_rate({link: -rate for link, rate in least.items()})


def draw(chance: Chance) -> LimitRate:
    """Draw a limit, from one that heartbeats feel to one that only snapshots do."""
    rate_bytes = chance.random.choice((2_000, 10_000, 50_000, 500_000))
    return LimitRate(links=chance.around_target(), rate_bytes=rate_bytes, hold_ns=chance.hold_ns)
