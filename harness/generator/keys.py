"""Generators that say on which key: many independent objects at once.

After `jepsen.independent`: the search for a linearization costs least when an object has few
operations, so a trial works on several keys at a time and retires each after a while.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from checkers.history import Op
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.threads import Group, Groups

KeyGenerator: TypeAlias = Callable[[str], Generator]
"""Makes what is done to one key. Pure."""

KeyName: TypeAlias = Callable[[int], str]
"""Names the nth key, from 0. Different numbers, different names."""


class OnKey(msgspec.Struct, frozen=True):
    """Operations of `generator`, on `key`."""

    key: str
    generator: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        answer, asked = self.generator.next(context)
        if isinstance(answer, Invocation):
            answer = Invocation(answer.f, self.key, answer.value, answer.thread, answer.node)
        return Next(answer, OnKey(self.key, asked))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return OnKey(self.key, self.generator.update(context, op))


class Independent(msgspec.Struct, frozen=True):
    """`keys_count` keys at a time, each worked on by its own share of the threads.

    When what is done to a key is done, its threads go on to a key that nobody used before; there
    is always another one. With fewer threads than keys, every thread has a key of its own.
    """

    keys_count: int
    name: KeyName
    make: KeyGenerator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        stride = min(self.keys_count, len(context.threads))
        groups = [
            Group(context.threads[first::stride], _beginning_with(self, first, stride))
            for first in range(stride)
        ]
        return Groups(tuple(groups)).next(context)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - none is its own yet
        """See `Generator`."""
        return self


class _KeyAfterKey(msgspec.Struct, frozen=True):
    """Key `number`, then the one `stride` after it, and so on."""

    keys: Independent
    number: int
    stride: int
    current: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`. A key for which there is nothing to do at all ends the series."""
        answer, asked = self.current.next(context)
        if answer is not None:
            return Next(answer, _KeyAfterKey(self.keys, self.number, self.stride, asked))
        fresh = _beginning_with(self.keys, self.number + self.stride, self.stride)
        answer, asked = fresh.current.next(context)
        return Next(answer, _KeyAfterKey(self.keys, fresh.number, self.stride, asked))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        told = self.current.update(context, op)
        return _KeyAfterKey(self.keys, self.number, self.stride, told)


def _beginning_with(keys: Independent, number: int, stride: int) -> _KeyAfterKey:
    key = keys.name(number)
    return _KeyAfterKey(keys, number, stride, OnKey(key, keys.make(key)))
