"""Clocks that jump, run fast or slow, or cannot decide.

What is bent is the monotonic clock of one daemon, the only one that consensus reads. It can
jump ahead and change its rate, but never goes back while its daemon runs, as on a real
machine; a backward offset shows when the daemon next starts. Raft is safe whatever clocks do
(Raft §3: safety does not depend on timing); leases and lease-based reads are not.
"""

import math
from random import Random
from typing import ClassVar, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import MILLISECOND, TIME_NS_MAX, milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Strike
from nemesis.faults.on_nodes import on_each
from nemesis.fields import Fields
from nemesis.names import Names
from nemesis.targets import Situation

RATE_MIN: Final = 0.01
RATE_MAX: Final = 100.0
PERIOD_NS_MIN: Final = MILLISECOND
"""A strobe changes the rate twice per period; any faster, and it would do nothing else."""


class ClockBump(msgspec.Struct, frozen=True, kw_only=True):
    """Set the targets' clocks `offset_ns` ahead, or back if it is negative.

    Ahead: at once, so that every deadline within it has come. Back: when the daemon next
    starts, as always when a bump ends. Bumps of one clock add up.
    """

    do: ClassVar[str] = "clock_bump"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    offset_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "ClockBump":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Add to the clock's offset."""
        site.clocks().offset(self.target, self._others_ns(site) + self.offset_ns)
        return _done(site, goes_back=self.offset_ns < 0)

    def end(self, site: Site) -> Attempt:
        """Leave to the clock what other bumps give it."""
        site.clocks().offset(self.target, self._others_ns(site))
        return _done(site, goes_back=self.offset_ns > 0)

    def _others_ns(self, site: Site) -> int:
        bumps = site.others_of(ClockBump)
        return sum(bump.offset_ns for bump in bumps if bump.target == self.target)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        ahead = f"{milliseconds(self.offset_ns):+} ms"
        return f"set the clock of {self.target} by {ahead} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"set the clock of {self.target} by {milliseconds(-self.offset_ns):+} ms"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        hold_ms = milliseconds(self.hold_ns)
        return {
            "target": self.target,
            "offset_ms": milliseconds(self.offset_ns),
            "hold_ms": hold_ms,
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "ClockBump":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            offset_ns=fields.duration_ns("offset_ms", least_ns=-TIME_NS_MAX),
            hold_ns=fields.duration_ns("hold_ms"),
        )


class ClockDrift(msgspec.Struct, frozen=True, kw_only=True):
    """Let the targets' clocks run `rate` times as fast. Drifts of one clock multiply."""

    do: ClassVar[str] = "clock_drift"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    rate: float
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "ClockDrift":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Multiply the clock's rate."""
        site.clocks().drift(self.target, self._rate_with(site, self.rate))
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the clock the rate that other drifts give it."""
        site.clocks().drift(self.target, self._rate_with(site, 1.0))
        return Done()

    def _rate_with(self, site: Site, rate: float) -> float:
        drifts = site.others_of(ClockDrift)
        # Sorted, so that the last bit does not depend on who came first.
        rates = sorted([rate, *(drift.rate for drift in drifts if drift.target == self.target)])
        return min(max(math.prod(rates), RATE_MIN), RATE_MAX)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        held = f"for {milliseconds(self.hold_ns)} ms"
        return f"let the clock of {self.target} run {self.rate:g} times as fast {held}"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end drift of the clock of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {"target": self.target, "rate": self.rate, "hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "ClockDrift":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            rate=fields.number("rate", least=RATE_MIN, most=RATE_MAX),
            hold_ns=fields.duration_ns("hold_ms"),
        )


class ClockStrobe(msgspec.Struct, frozen=True, kw_only=True):
    """Let the targets' clocks run `rate` times as fast, then as slow, half of `period_ns` each.

    A clock with several strobes follows the one that swings most.
    """

    do: ClassVar[str] = "clock_strobe"
    remedy: ClassVar[Remedy] = Remedy.REPAIR
    target: str
    rate: float
    period_ns: int
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long it lasts."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "ClockStrobe":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return one fault per node."""
        return on_each(self.target, lambda node: replace(self, target=node), situation, random)

    def begin(self, site: Site) -> Attempt:
        """Let the clock swing, as the widest strobe says."""
        self._impose(site, [*self._others(site), self])
        return Done()

    def end(self, site: Site) -> Attempt:
        """Leave to the clock what other strobes do to it."""
        self._impose(site, self._others(site))
        return Done()

    def _others(self, site: Site) -> "list[ClockStrobe]":
        strobes = site.others_of(ClockStrobe)
        return [strobe for strobe in strobes if strobe.target == self.target]

    def _impose(self, site: Site, strobes: "list[ClockStrobe]") -> None:
        swings = ((strobe.rate, strobe.period_ns) for strobe in strobes)
        rate, period_ns = max(swings, default=(1.0, PERIOD_NS_MIN))
        site.clocks().strobe(self.target, rate, period_ns)

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        swing = f"by {self.rate:g} times every {milliseconds(self.period_ns)} ms"
        return f"strobe the clock of {self.target} {swing} for {milliseconds(self.hold_ns)} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        return f"end strobe of the clock of {self.target}"

    def value(self) -> dict[str, object]:
        """Return the fields."""
        return {
            "target": self.target,
            "rate": self.rate,
            "period_ms": milliseconds(self.period_ns),
            "hold_ms": milliseconds(self.hold_ns),
        }

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "ClockStrobe":
        """Return the fault that `fields` describe."""
        return cls(
            target=names.target(fields.text("target")),
            rate=fields.number("rate", least=1.0, most=RATE_MAX),
            period_ns=fields.duration_ns("period_ms", least_ns=PERIOD_NS_MIN),
            hold_ns=fields.duration_ns("hold_ms"),
        )


ClockFault: TypeAlias = ClockBump | ClockDrift | ClockStrobe


def _done(site: Site, *, goes_back: bool) -> Done:
    is_later = goes_back and site.clocks().never_goes_back
    return Done("the clock goes back at the next start") if is_later else Done()


def draw(chance: Chance) -> ClockFault:
    """Draw a bump, a drift or a strobe, from hardly noticed to longer than any timeout."""
    random, target, hold_ns = chance.random, chance.target, chance.hold_ns
    kind = random.randrange(3)
    if kind == 0:
        offset_ns = chance.duration_ns(10 * MILLISECOND, 60_000 * MILLISECOND)
        if random.random() < 0.2:
            offset_ns = -offset_ns
        return ClockBump(target=target, offset_ns=offset_ns, hold_ns=hold_ns)
    if kind == 1:
        rate = random.choice((0.05, 0.5, 1.1, 10.0, 30.0, 100.0))
        return ClockDrift(target=target, rate=rate, hold_ns=hold_ns)
    return ClockStrobe(
        target=target,
        rate=random.choice((1.5, 5.0, 30.0, 100.0)),
        period_ns=chance.duration_ns(20 * MILLISECOND, 2_000 * MILLISECOND),
        hold_ns=hold_ns,
    )
