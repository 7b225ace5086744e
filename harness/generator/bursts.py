"""Generators that hurry now and then: a steady load, and bursts in between."""

import msgspec

from checkers.history import Op
from harness.generator.generator import Context, Generator, Invocation, Next, Pending, soonest
from harness.generator.sources import Draw, Endless
from nodeimpl.ids import Instant


class Bursts(msgspec.Struct, frozen=True, kw_only=True):
    """Operations of `steady`, and every `interval_ns` `count` of `draw`, as fast as they go.

    The interval is from the beginning to the first burst, and from the end of one to the next.
    """

    steady: Generator
    draw: Draw
    count: int
    interval_ns: int
    begins: Instant | None = None
    """When the next burst begins; None before it is first asked."""
    left: int = 0
    """Operations of the burst that is under way."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        begins = Instant(context.now + self.interval_ns) if self.begins is None else self.begins
        if self.left or context.now >= begins:
            return self._hurry(context, self.left or self.count)
        answer, asked = self.steady.next(context)
        if isinstance(answer, Pending):
            answer = Pending(soonest(answer.until, begins), answer.is_firm)
        return Next(answer, msgspec.structs.replace(self, steady=asked, begins=begins))

    def _hurry(self, context: Context, left: int) -> Next:
        answer, _ = Endless(self.draw).next(context)
        left -= isinstance(answer, Invocation)
        begins = self.begins if left else Instant(context.now + self.interval_ns)
        return Next(answer, msgspec.structs.replace(self, left=left, begins=begins))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return msgspec.structs.replace(self, steady=self.steady.update(context, op))
