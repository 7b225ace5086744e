"""Queues: `enqueue` is given a value, `dequeue` answers one.

A `FifoQueue` gives values back in the order in which they came; an `UnorderedQueue` in any, but
each as often as it came. A dequeue that answers null found the queue empty; one that failed did not
happen.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import msgspec

from checkers.history import Operation, OpType
from checkers.models.model import ModelError, hashable, text


class Enqueue(msgspec.Struct, frozen=True):
    """`value` came in."""

    value: Hashable


class Dequeue(msgspec.Struct, frozen=True):
    """`value` went out."""

    value: Hashable


class FoundEmpty(msgspec.Struct, frozen=True):
    """There was nothing to go out."""


class DequeueUnknown(msgspec.Struct, frozen=True):
    """Something went out, nobody knows what; or there was nothing."""


QueueOperation: TypeAlias = Enqueue | Dequeue | FoundEmpty | DequeueUnknown

Waiting: TypeAlias = tuple[Hashable, ...]
"""What is in a FIFO queue, the next to go out first."""

Bag: TypeAlias = tuple[frozenset[tuple[Hashable, int]], int]
"""What is in an unordered queue: values and how often, none 0 times; and how many of them are gone
by dequeues of unknown outcome, nobody knows which."""

_EMPTY: Final[Bag] = (frozenset(), 0)


@dataclass(frozen=True, slots=True)
class FifoQueue:
    """One queue per key: first in, first out."""

    initial: Waiting = ()

    name = "fifo-queue"

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a queue of its own."""
        return operation.key

    def parse(self, operation: Operation) -> QueueOperation | None:
        """Return the operation; None if it did not happen."""
        return _parse(operation)

    def step(self, state: Waiting, operation: QueueOperation) -> Waiting | None:
        """Apply one operation."""
        match operation:
            case Enqueue(value):
                return (*state, value)
            case Dequeue(value):
                return state[1:] if state and state[0] == value else None
            case FoundEmpty():
                return None if state else state
            case DequeueUnknown():
                return state[1:]
            case _:
                assert_never(operation)

    def pure(self, operation: QueueOperation) -> bool:
        """Return whether it found the queue empty."""
        return isinstance(operation, FoundEmpty)

    def describe(self, operation: QueueOperation) -> str:
        """Return `enqueue 1`, `dequeue -> 1` or `dequeue -> empty`."""
        return _describe(operation)

    def describe_state(self, state: object) -> str:
        """Return the values, the next to go out first."""
        assert isinstance(state, tuple), "a state of this model is a tuple"
        return "[" + " ".join(map(text, state)) + "]"


@dataclass(frozen=True, slots=True)
class UnorderedQueue:
    """One queue per key, whose values go out in any order.

    What a dequeue of unknown outcome took is left open until it matters. That is exact: as it never
    returned, it may as well have taken its value at the last moment at which that was there.
    """

    initial: Bag = _EMPTY

    name = "unordered-queue"

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a queue of its own."""
        return operation.key

    def parse(self, operation: Operation) -> QueueOperation | None:
        """Return the operation; None if it did not happen."""
        return _parse(operation)

    def step(self, state: Bag, operation: QueueOperation) -> Bag | None:
        """Apply one operation."""
        items, gone = state
        counts = dict(items)
        left = sum(counts.values()) - gone
        match operation:
            case Enqueue(value):
                counts[value] = counts.get(value, 0) + 1
            case Dequeue(value):
                if not left or value not in counts:
                    return None
                counts[value] -= 1
                if not counts[value]:
                    del counts[value]
            case FoundEmpty():
                return None if left else _EMPTY
            case DequeueUnknown():
                gone += left > 0
            case _:
                assert_never(operation)
        return frozenset(counts.items()), gone

    def describe(self, operation: QueueOperation) -> str:
        """Return `enqueue 1`, `dequeue -> 1` or `dequeue -> empty`."""
        return _describe(operation)

    def describe_state(self, state: object) -> str:
        """Return the values, sorted as text, and how many are gone, nobody knows which."""
        match state:
            case (frozenset() as items, int(gone)):
                values = sorted(text(value) for value, count in items for _ in range(count))
                lost = f" without {gone} of them" if gone else ""
                return "{" + " ".join(values) + "}" + lost
            case _:
                raise AssertionError("a state of this model is a bag")


def _parse(operation: Operation) -> QueueOperation | None:
    if operation.outcome is OpType.FAIL:
        return None
    answered = operation.outcome is OpType.OK
    match operation.f:
        case "enqueue":
            return Enqueue(hashable(operation.value))
        case "dequeue" if not answered:
            return DequeueUnknown()
        case "dequeue":
            return FoundEmpty() if operation.result is None else Dequeue(hashable(operation.result))
        case _:
            raise ModelError(
                f"op {operation.call}: a queue knows enqueue and dequeue, not {operation.f!r}"
            )


def _describe(operation: QueueOperation) -> str:
    match operation:
        case Enqueue(value):
            return f"enqueue {text(value)}"
        case Dequeue(value):
            return f"dequeue -> {text(value)}"
        case FoundEmpty():
            return "dequeue -> empty"
        case DequeueUnknown():
            return "dequeue"
        case _:
            assert_never(operation)
