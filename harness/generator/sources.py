"""Generators that make operations; all others arrange them."""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from checkers.history import Op
from harness.generator.generator import Context, Generator, Invocation, Next, Pending

Draw: TypeAlias = Callable[[Context], Invocation]
"""Makes one operation; may draw from `Context.random`, and leaves the thread open."""

_NO_THREAD_FREE: Final = Pending()


class Done(msgspec.Struct, frozen=True):
    """Nothing, ever."""

    def next(self, context: Context) -> Next:  # noqa: ARG002 - the protocol's signature
        """See `Generator`."""
        return Next(None, self)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - as above
        """See `Generator`."""
        return self


DONE: Final = Done()


class Endless(msgspec.Struct, frozen=True):
    """An operation from `draw` whenever a thread is free; never done."""

    draw: Draw

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if not context.free:
            return Next(_NO_THREAD_FREE, self)
        return Next(_on_some_free_thread(context, self.draw(context)), self)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - as above
        """See `Generator`."""
        return self


def always(invocation: Invocation) -> Generator:
    """Return a generator of this operation whenever a thread is free; never done."""
    return Endless(lambda _: invocation)


class Once(msgspec.Struct, frozen=True):
    """Exactly this operation, then done."""

    invocation: Invocation

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if not context.free:
            return Next(_NO_THREAD_FREE, self)
        return Next(_on_some_free_thread(context, self.invocation), DONE)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - as above
        """See `Generator`."""
        return self


def _on_some_free_thread(context: Context, invocation: Invocation) -> Invocation:
    """Return `invocation` for an even draw from the free threads.

    A draw, because always taking the first would leave the last threads without work.
    """
    assert invocation.thread is None, "only a source picks the thread"
    free = context.free
    thread = free[int(context.random.random() * len(free))] if len(free) > 1 else free[0]
    return Invocation(invocation.f, invocation.key, invocation.value, thread, invocation.node)
