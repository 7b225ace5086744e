"""A set: `add` and `remove` are given one element, `read` answers a list of all."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import msgspec

from checkers.history import Operation, OpType
from checkers.models.model import ModelError, hashable, text

Elements: TypeAlias = frozenset[Hashable]


class Add(msgspec.Struct, frozen=True):
    """`element` is in the set from now on."""

    element: Hashable


class Remove(msgspec.Struct, frozen=True):
    """`element` is not in the set from now on."""

    element: Hashable


class ReadAll(msgspec.Struct, frozen=True):
    """The set was exactly `elements`."""

    elements: Elements


SetOperation: TypeAlias = Add | Remove | ReadAll


@dataclass(frozen=True, slots=True)
class ElementSet:
    """One set per key, `initial` at first."""

    initial: Elements = frozenset()

    name = "set"

    def partition(self, operation: Operation) -> Hashable:
        """Each key is a set of its own."""
        return operation.key

    def parse(self, operation: Operation) -> SetOperation | None:
        """Return the operation; None for what did not happen and reads without an answer."""
        match operation.f:
            case "read":
                answered = operation.outcome is OpType.OK
                return ReadAll(_elements(operation)) if answered else None
            case "add" | "remove":
                if operation.outcome is OpType.FAIL:
                    return None
                element = hashable(operation.value)
                return Add(element) if operation.f == "add" else Remove(element)
            case _:
                raise ModelError(
                    f"op {operation.call}: a set knows add, remove and read, not {operation.f!r}"
                )

    def step(self, state: Elements, operation: SetOperation) -> Elements | None:
        """Apply one operation."""
        match operation:
            case Add(element):
                return state | {element}
            case Remove(element):
                return state - {element}
            case ReadAll(elements):
                return state if state == elements else None
            case _:
                assert_never(operation)

    def pure(self, operation: SetOperation) -> bool:
        """Return whether it is a read."""
        return isinstance(operation, ReadAll)

    def absorbs(self, writer: SetOperation, earlier: SetOperation) -> bool:
        """Return whether both add or remove the same element."""
        match writer, earlier:
            case (Add(later) | Remove(later), Add(element) | Remove(element)):
                return later == element
            case _:
                return False

    def describe(self, operation: SetOperation) -> str:
        """Return `add 1`, `remove 1` or `read -> {1 2}`."""
        match operation:
            case Add(element):
                return f"add {text(element)}"
            case Remove(element):
                return f"remove {text(element)}"
            case ReadAll(elements):
                return f"read -> {self.describe_state(elements)}"
            case _:
                assert_never(operation)

    def describe_state(self, state: object) -> str:
        """Return the elements, sorted as text."""
        assert isinstance(state, frozenset), "a state of this model is a frozenset"
        return "{" + " ".join(sorted(text(element) for element in state)) + "}"


def _elements(operation: Operation) -> Elements:
    match operation.result:
        case [*elements]:
            return frozenset(hashable(element) for element in elements)
        case value:
            raise ModelError(f"op {operation.call}: a set is read as a list, not {value!r}")
