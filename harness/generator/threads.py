"""Generators that say who: some threads do this, the others that."""

from collections.abc import Sequence

import msgspec

from checkers.history import Op, OpType
from harness.generator.generator import Context, Generator, Invocation, Next, Pending, soonest
from nodeimpl.ids import Instant


class Group(msgspec.Struct, frozen=True):
    """Threads and the generator that is theirs alone."""

    threads: tuple[int, ...]
    generator: Generator


class Groups(msgspec.Struct, frozen=True):
    """Each group of threads follows its own generator; done when all are.

    Groups take turns: the one that had an operation is asked last the next time. A group none of
    whose threads is free is not asked.
    """

    groups: tuple[Group, ...]
    turn: int = 0
    """Place of the group to ask first; may be past the end."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        groups = list(self.groups)
        finished: list[int] = []
        until: Instant | None = None
        for offset in range(len(groups)):
            place = (self.turn + offset) % len(groups)
            group = groups[place]
            narrowed = context.narrowed(group.threads)
            if not narrowed.free:
                continue
            answer, asked = group.generator.next(narrowed)
            groups[place] = Group(group.threads, asked)
            if isinstance(answer, Invocation):
                return Next(answer, _without(groups, finished, place + 1))
            if answer is None:
                finished.append(place)
            else:
                until = soonest(until, answer.until)
        left = _without(groups, finished, self.turn)
        return Next(Pending(until) if left.groups else None, left)

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        thread = context.thread_of(op)
        told = [
            _told(group, context, op) if thread in group.threads else group for group in self.groups
        ]
        return Groups(tuple(told), self.turn)


def _told(group: Group, context: Context, op: Op) -> Group:
    narrowed = context.narrowed(group.threads)
    return Group(group.threads, group.generator.update(narrowed, op))


def _without(groups: Sequence[Group], finished: Sequence[int], turn: int) -> Groups:
    """Return the groups that are not `finished`, with the turn at the same group as before."""
    left = tuple([group for place, group in enumerate(groups) if place not in finished])
    return Groups(left, turn - len([place for place in finished if place < turn]))


class Reserve(msgspec.Struct, frozen=True):
    """The first threads for one generator each, in shares; all that are left for `rest`."""

    shares: tuple[tuple[int, Generator], ...]
    """How many threads, and what they follow."""
    rest: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        threads = context.threads
        reserved_count = sum([count for count, _ in self.shares])
        assert reserved_count < len(threads), (
            f"{reserved_count} of {len(threads)} threads are reserved; the rest needs one"
        )
        groups: list[Group] = []
        for count, generator in self.shares:
            groups.append(Group(threads[:count], generator))
            threads = threads[count:]
        return Groups((*groups, Group(threads, self.rest))).next(context)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - none is its own yet
        """See `Generator`."""
        return self


class EachProcess(msgspec.Struct, frozen=True):
    """A copy of `generator` for every process; one that replaces a crashed one begins anew."""

    generator: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        copy = _PerProcess(self.generator, self.generator)
        groups = tuple([Group((thread,), copy) for thread in context.threads])
        return Groups(groups).next(context)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - none is its own yet
        """See `Generator`."""
        return self


class _PerProcess(msgspec.Struct, frozen=True):
    """What one thread follows: `current`, and `original` again after its process crashed."""

    original: Generator
    current: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, asked = self.current.next(context)
        return Next(answer, _PerProcess(self.original, asked))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        if op.type is OpType.INFO:
            return _PerProcess(self.original, self.original)
        return _PerProcess(self.original, self.current.update(context, op))
