"""A register: a read returns what the last write wrote.

Values: `read` answers the value, `write` is given it. nil (None) is a value like any other; a store
shows it for a key that is not there.
"""

import enum
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from checkers.history import Operation, OpType
from checkers.models.model import ModelError, hashable, text

Held: TypeAlias = tuple[Hashable]
"""The state of a register: a tuple of its value, for the value may be None and a state may not."""


class Read(msgspec.Struct, frozen=True):
    """A read that answered `value`."""

    value: Hashable


class Write(msgspec.Struct, frozen=True):
    """A write of `value`."""

    value: Hashable


class AnotherValue(enum.Enum):
    """The one value that no operation knows."""

    ANOTHER = "some other value"


ANOTHER_VALUE: Final = AnotherValue.ANOTHER


@dataclass(frozen=True, slots=True)
class Register:
    """One register per key, holding `value` at first."""

    value: Hashable = None

    name = "register"

    @property
    def initial(self) -> Held:
        """What each register holds at first."""
        return (self.value,)

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a register of its own."""
        return operation.key

    def parse(self, operation: Operation) -> Read | Write | None:
        """Return the read or write; None for a read that did not answer or a failed write."""
        match operation.f:
            case "read":
                return parse_read(operation)
            case "write":
                return parse_write(operation)
            case _:
                raise ModelError(
                    f"op {operation.call}: a register knows read and write, not {operation.f!r}"
                )

    def step(self, state: Held, operation: Read | Write) -> Held | None:
        """Apply one operation."""
        match operation:
            case Read(value):
                return state if state == (value,) else None
            case Write(value):
                return (value,)

    def pure(self, operation: Read | Write) -> bool:
        """Return whether it is a read."""
        return isinstance(operation, Read)

    def absorbs(self, writer: Read | Write, earlier: Read | Write) -> bool:
        """Return whether both are writes."""
        return isinstance(writer, Write) and isinstance(earlier, Write)

    def starts(self, operations: Iterable[Read | Write]) -> "list[Register]":
        """Return a register of each value that was read, and one of another value."""
        read = [operation.value for operation in operations if isinstance(operation, Read)]
        return [Register(value) for value in dict.fromkeys([*read, ANOTHER_VALUE])]

    def describe(self, operation: Read | Write) -> str:
        """Return `read -> 3` or `write 3`."""
        match operation:
            case Read(value):
                return f"read -> {text(value)}"
            case Write(value):
                return f"write {text(value)}"

    def describe_state(self, state: object) -> str:
        """Return the value held."""
        return describe_held(state)


def parse_read(operation: Operation) -> Read | None:
    """Return the read; None if it did not answer."""
    return Read(hashable(operation.result)) if operation.outcome is OpType.OK else None


def parse_write(operation: Operation) -> Write | None:
    """Return the write; None if it did not happen."""
    return None if operation.outcome is OpType.FAIL else Write(hashable(operation.value))


def describe_held(state: object) -> str:
    """Return the value in a `Held`."""
    if state == (ANOTHER_VALUE,):
        return ANOTHER_VALUE.value
    return text(state[0]) if isinstance(state, tuple) else text(state)
