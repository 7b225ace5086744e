"""What a generator is: a pure value that says which operation comes next, and when.

After `jepsen.generator`. A generator is asked with `next` and told with `update`; both return the
generator to use from then on, and the old one is never used again. It has no clock, no state that
changes in place and no chance but `Context.random`.

Rules, which `harness.interpreter` enforces where it can:

- An `Invocation` is dispatched at once, by the thread it names, which was free in the context.
- `Pending` means "not yet": ask again at `until`, or as soon as an operation completes.
- `None` means "never again"; a generator that is done is not asked again.
- Time never goes back from one question to the next.
- What a generator draws belongs to one operation: what it cannot use yet it keeps in the
  generator it returns, so that being asked more often draws no more.
"""

from random import Random
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from checkers.history import Op
from nodeimpl.ids import Instant


class Invocation(msgspec.Struct, frozen=True, gc=False):
    """An operation to start now. `f`, `key` and `value` become the `Op`'s."""

    f: str
    key: str | None = None
    value: object = None
    thread: int | None = None
    """The thread that shall do it; None only until the source of the operation picks one."""
    node: str | None = None
    """The node to ask; None leaves the choice to the interpreter."""


class Pending(msgspec.Struct, frozen=True, gc=False):
    """Nothing now. `until` is when to ask again; None if only a completion can change that."""

    until: Instant | None = None
    is_firm: bool = False
    """Whether nothing can come before `until`, whatever completes: there is no need to ask."""


Answer: TypeAlias = Invocation | Pending | None
"""What comes next; None if nothing ever will."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that a generator may know when it is asked."""

    now: Instant
    """Nanoseconds from the start of the trial."""
    free: tuple[int, ...]
    """Threads without an operation in flight, ascending; may be empty."""
    threads: tuple[int, ...]
    """All threads this generator may use, ascending; never empty."""
    concurrency: int
    """How many threads there are in all, those of other generators included."""
    random: Random
    """The generators' own stream of chance."""

    def thread_of(self, op: Op) -> int:
        """Return whose operation `op` is; processes of one thread differ by `concurrency`."""
        assert isinstance(op.process, int), f"{op.process!r} is not a client's process"
        return op.process % self.concurrency

    def narrowed(self, threads: tuple[int, ...]) -> "Context":
        """Return the context as a generator that may use only `threads` sees it."""
        if threads == self.threads:
            return self
        return Context(
            now=self.now,
            free=tuple([thread for thread in self.free if thread in threads]),
            threads=threads,
            concurrency=self.concurrency,
            random=self.random,
        )


class Next(NamedTuple):
    """An answer, and the generator to ask from now on."""

    answer: Answer
    generator: "Generator"


class Generator(Protocol):
    """See the module's rules."""

    def next(self, context: Context) -> Next:
        """Return what comes next in `context`."""

    def update(self, context: Context, op: Op) -> "Generator":
        """Return this generator, knowing that `op`, a completion, has happened.

        A generator may be told of others' operations; one that cares remembers which threads its
        own are on.
        """


def soonest(first: Instant | None, second: Instant | None) -> Instant | None:
    """Return the earlier of two instants, where None means never."""
    if first is None:
        return second
    return first if second is None else min(first, second)
