"""Strings by key: `get` answers the string, `put` replaces it, `append` adds to its end.

A key that is not there holds the empty string, and a `get` that answers nil saw that.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import msgspec

from checkers.history import Operation, OpType
from checkers.models.model import ModelError, text


class Get(msgspec.Struct, frozen=True):
    """A get that answered `value`."""

    value: str


class Put(msgspec.Struct, frozen=True):
    """The string becomes `value`."""

    value: str


class Append(msgspec.Struct, frozen=True):
    """The string grows by `value`."""

    value: str


KvOperation: TypeAlias = Get | Put | Append

_ANOTHER: Final = "some other string"
"""A string that no get answered; made longer than all that any did."""


@dataclass(frozen=True, slots=True)
class Kv:
    """One string per key, `initial` at first."""

    initial: str = ""

    name = "kv"

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a string of its own."""
        return operation.key

    def parse(self, operation: Operation) -> KvOperation | None:
        """Return the operation; None for what did not happen and gets without an answer."""
        match operation.f:
            case "get":
                answered = operation.outcome is OpType.OK
                return Get(_string(operation, operation.result)) if answered else None
            case "put" | "append":
                if operation.outcome is OpType.FAIL:
                    return None
                value = _string(operation, operation.value)
                return Put(value) if operation.f == "put" else Append(value)
            case _:
                raise ModelError(
                    f"op {operation.call}: kv knows get, put and append, not {operation.f!r}"
                )

    def step(self, state: str, operation: KvOperation) -> str | None:
        """Apply one operation."""
        match operation:
            case Get(value):
                return state if state == value else None
            case Put(value):
                return value
            case Append(value):
                return state + value
            case _:
                assert_never(operation)

    def pure(self, operation: KvOperation) -> bool:
        """Return whether it is a get."""
        return isinstance(operation, Get)

    def absorbs(self, writer: KvOperation, earlier: KvOperation) -> bool:
        """Return whether a put follows a put or an append."""
        return isinstance(writer, Put) and not isinstance(earlier, Get)

    def starts(self, operations: Iterable[KvOperation]) -> "list[Kv]":
        """Return each string that appends can make into what a get answered, and another one."""
        known = list(operations)
        appended = {operation.value: None for operation in known if isinstance(operation, Append)}
        seen = {operation.value: None for operation in known if isinstance(operation, Get)}
        length_max = max((len(value) for value in seen), default=0)
        beginnings = list(seen)
        for value in beginnings:  # grows while iterating
            for end in appended:
                shorter = value.removesuffix(end)
                if shorter not in seen:
                    seen[shorter] = None
                    beginnings.append(shorter)
        return [Kv(value) for value in (*beginnings, _ANOTHER.ljust(length_max + 1, "."))]

    def describe(self, operation: KvOperation) -> str:
        """Return `get -> "a"`, `put "a"` or `append "a"`."""
        match operation:
            case Get(value):
                return f"get -> {text(value)}"
            case Put(value):
                return f"put {text(value)}"
            case Append(value):
                return f"append {text(value)}"
            case _:
                assert_never(operation)

    def describe_state(self, state: object) -> str:
        """Return the string."""
        return text(state)


def _string(operation: Operation, value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            raise ModelError(f"op {operation.call}: kv holds strings, not {value!r}")
