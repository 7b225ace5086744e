"""Generators that say when: operations at a rate."""

import enum

import msgspec

from checkers.history import Op
from harness.generator.generator import Context, Generator, Invocation, Next, Pending
from nodeimpl.ids import SECOND, Instant


class After(msgspec.Struct, frozen=True):
    """Nothing for `delay_ns` from when it is first asked, then `generator`."""

    delay_ns: int
    generator: Generator
    begins: Instant | None = None
    """When `generator` may begin; None until this is known."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        begins = Instant(context.now + self.delay_ns) if self.begins is None else self.begins
        if context.now < begins:
            return Next(Pending(begins), After(self.delay_ns, self.generator, begins))
        return self.generator.next(context)

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return After(self.delay_ns, self.generator.update(context, op), self.begins)


class Gaps(enum.Enum):
    """How the time from one operation to the next is drawn; the mean is the same."""

    EXPONENTIAL = enum.auto()
    """As if many independent clients came: bursts and lulls (a Poisson process)."""
    EVEN = enum.auto()
    """Evenly from nothing to twice the mean, as Jepsen's `stagger`."""


class Stagger(msgspec.Struct, frozen=True):
    """Operations of `generator` at a mean of one per `interval_ns`, all threads together.

    A late operation does not delay those after it, as long as it is late by no more than one
    interval. What was missed beyond that, because no thread was free, is not made up for: an
    outage is not followed by a burst.
    """

    interval_ns: int
    generator: Generator
    gaps: Gaps = Gaps.EXPONENTIAL
    due: Instant | None = None
    """When the next operation may start; None until the first, which may start at once."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        now = context.now
        due = now if self.due is None else self.due
        if now < due:
            return Next(Pending(due, is_firm=True), self)
        answer, asked = self.generator.next(context)
        if isinstance(answer, Invocation):
            due = Instant(max(due, now - self.interval_ns) + self._gap_ns(context))
        return Next(answer, Stagger(self.interval_ns, asked, self.gaps, due))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        told = self.generator.update(context, op)
        return Stagger(self.interval_ns, told, self.gaps, self.due)

    def _gap_ns(self, context: Context) -> int:
        match self.gaps:
            case Gaps.EXPONENTIAL:
                return int(context.random.expovariate(1.0) * self.interval_ns)
            case Gaps.EVEN:
                return int(context.random.random() * 2 * self.interval_ns)


def at_rate(rate: float, generator: Generator, *, gaps: Gaps = Gaps.EXPONENTIAL) -> Generator:
    """Return `generator` at a mean of `rate` operations per second, all threads together."""
    assert rate > 0, f"a rate of {rate} operations per second never has a next one"
    return Stagger(max(1, round(SECOND / rate)), generator, gaps)
