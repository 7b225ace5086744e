"""A register with compare-and-set.

`cas` is given `[expected, new]`. A `cas` that failed with `CAS_MISMATCH` was carried out and found
another value, which is knowledge; one that failed for any other reason did not happen.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import msgspec

from checkers.history import CAS_MISMATCH, Operation, OpType
from checkers.models.model import ModelError, hashable, text
from checkers.models.register import (
    ANOTHER_VALUE,
    Held,
    Read,
    Write,
    describe_held,
    parse_read,
    parse_write,
)


class Cas(msgspec.Struct, frozen=True):
    """A compare-and-set that found `expected` and wrote `new`."""

    expected: Hashable
    new: Hashable


class CasMismatch(msgspec.Struct, frozen=True):
    """A compare-and-set that did not find `expected`."""

    expected: Hashable


RegisterOperation: TypeAlias = Read | Write | Cas | CasMismatch


@dataclass(frozen=True, slots=True)
class CasRegister:
    """One register with compare-and-set per key, holding `value` at first."""

    value: Hashable = None

    name = "cas-register"

    @property
    def initial(self) -> Held:
        """What each register holds at first."""
        return (self.value,)

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a register of its own."""
        return operation.key

    def parse(self, operation: Operation) -> RegisterOperation | None:
        """Return the operation; None for what did not happen and reads without an answer."""
        match operation.f:
            case "read":
                return parse_read(operation)
            case "write":
                return parse_write(operation)
            case "cas":
                return _parse_cas(operation)
            case _:
                raise ModelError(
                    f"op {operation.call}: a cas-register knows read, write and cas,"
                    f" not {operation.f!r}"
                )

    def step(self, state: Held, operation: RegisterOperation) -> Held | None:
        """Apply one operation."""
        match operation:
            case Read(value):
                return state if state == (value,) else None
            case Write(value):
                return (value,)
            case Cas(expected, new):
                return (new,) if state == (expected,) else None
            case CasMismatch(expected):
                return state if state != (expected,) else None
            case _:
                assert_never(operation)

    def pure(self, operation: RegisterOperation) -> bool:
        """Return whether it is a read, a mismatch, or a `cas` to the very value it expects."""
        match operation:
            case Read() | CasMismatch():
                return True
            case Cas(expected, new):
                return expected == new
            case Write():
                return False
            case _:
                assert_never(operation)

    def absorbs(self, writer: RegisterOperation, earlier: RegisterOperation) -> bool:
        """Return whether both are writes; a `cas` is not legal everywhere, so nothing hides it."""
        return isinstance(writer, Write) and isinstance(earlier, Write)

    def starts(self, operations: Iterable[RegisterOperation]) -> "list[CasRegister]":
        """Return a register of each value that was read or compared, and one of another value."""
        found: dict[Hashable, None] = {}
        for operation in operations:
            match operation:
                case Read(value) | Cas(value, _) | CasMismatch(value):
                    found[value] = None
                case Write():
                    pass
        return [CasRegister(value) for value in (*found, ANOTHER_VALUE)]

    def describe(self, operation: RegisterOperation) -> str:
        """Return `read -> 3`, `write 3`, `cas 3 -> 4` or `cas 3 refused`."""
        match operation:
            case Read(value):
                return f"read -> {text(value)}"
            case Write(value):
                return f"write {text(value)}"
            case Cas(expected, new):
                return f"cas {text(expected)} -> {text(new)}"
            case CasMismatch(expected):
                return f"cas {text(expected)} refused"
            case _:
                assert_never(operation)

    def describe_state(self, state: object) -> str:
        """Return the value held."""
        return describe_held(state)


def _parse_cas(operation: Operation) -> Cas | CasMismatch | None:
    match operation.value:
        case [expected, new]:
            old = hashable(expected)
        case value:
            raise ModelError(f"op {operation.call}: cas is given [expected, new], not {value!r}")
    if operation.outcome is not OpType.FAIL:
        return Cas(old, hashable(new))
    return CasMismatch(old) if operation.error == CAS_MISMATCH else None
