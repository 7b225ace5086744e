"""Generators that say how many operations, for how long, and until what."""

import msgspec

from checkers.history import Op, OpType
from harness.generator.generator import Context, Generator, Invocation, Next, Pending, soonest
from harness.generator.sources import DONE
from nodeimpl.ids import Instant


class Limit(msgspec.Struct, frozen=True):
    """At most `count` operations of `generator`."""

    count: int
    generator: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if self.count <= 0:
            return Next(None, self)
        answer, asked = self.generator.next(context)
        used = 1 if isinstance(answer, Invocation) else 0
        return Next(answer, Limit(self.count - used, asked))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return Limit(self.count, self.generator.update(context, op))


class TimeLimit(msgspec.Struct, frozen=True):
    """`generator` for `duration_ns` from when it is first asked; what is open then stays open."""

    duration_ns: int
    generator: Generator
    deadline: Instant | None = None
    """None until it is first asked."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        deadline = self.deadline
        if deadline is None:
            deadline = Instant(context.now + self.duration_ns)
        if context.now >= deadline:
            return Next(None, self)
        answer, asked = self.generator.next(context)
        if isinstance(answer, Pending):
            answer = Pending(soonest(answer.until, deadline), answer.is_firm)
        return Next(answer, TimeLimit(self.duration_ns, asked, deadline))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return TimeLimit(self.duration_ns, self.generator.update(context, op), self.deadline)


class UntilOk(msgspec.Struct, frozen=True):
    """Operations of `generator` one at a time, until one of them is `ok`."""

    generator: Generator
    thread: int | None = None
    """On which the open operation is; None if none is open."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if self.thread is not None:
            return Next(Pending(), self)
        answer, asked = self.generator.next(context)
        return Next(answer, UntilOk(asked, _thread_of(answer)))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        told = self.generator.update(context, op)
        if self.thread is None or context.thread_of(op) != self.thread:
            return UntilOk(told, self.thread)
        return DONE if op.type is OpType.OK else UntilOk(told)


def _thread_of(answer: Invocation | Pending | None) -> int | None:
    return answer.thread if isinstance(answer, Invocation) else None
