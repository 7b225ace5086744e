"""What a user writes to have a history judged: a sequential specification.

A model says what one operation does to one state. It is a pure value: no clock, no chance, no
counter. Everything about concurrency is the checker's business.

    @dataclass(frozen=True, slots=True)
    class Counter:
        name: str = "counter"
        initial: int = 0

        def parse(self, operation: Operation) -> int | None:
            return 1 if operation.outcome is not OpType.FAIL else None

        def step(self, state: int, operation: int) -> int | None:
            return state + operation

That is all that must be there. The protocols below `Model` are abilities a model may have besides;
each makes the search faster, and none changes its answer.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from checkers.history import Operation

StateT = TypeVar("StateT", bound=Hashable)
"""A state of a model; equal states must behave the same for ever after. Never None."""

OperationT = TypeVar("OperationT", bound=Hashable)
"""An operation as a model understands it: arguments and result in one value. Never None."""

_OperationT_contra = TypeVar("_OperationT_contra", bound=Hashable, contravariant=True)


class ModelError(ValueError):
    """This model cannot make sense of what it was given: an operation, a value, a name."""


class Model(Protocol[StateT, OperationT]):
    """A deterministic sequential specification."""

    @property
    def name(self) -> str:
        """What a user calls it: lower case, words joined by hyphens."""

    @property
    def initial(self) -> StateT:
        """The state before the first operation."""

    def parse(self, operation: Operation) -> OperationT | None:
        """Return what `operation` is to this model, its result included.

        None if it cannot have had an effect and proves nothing: it failed, or it only reads and
        nobody knows what it read. If its outcome is unknown, what is returned must be legal
        whatever the result was. Raises `ModelError` if the operation is not one of this model's.
        """

    def step(self, state: StateT, operation: OperationT) -> StateT | None:
        """Return the state after `operation`; None if `operation` cannot happen in `state`."""


@runtime_checkable
class Pure(Protocol[_OperationT_contra]):
    """A model that can tell which operations never change the state."""

    def pure(self, operation: _OperationT_contra) -> bool:
        """Return whether `step` returns, for any state, that state or None."""


@runtime_checkable
class Absorbing(Protocol[_OperationT_contra]):
    """A model that can tell when one operation hides another."""

    def absorbs(self, writer: _OperationT_contra, earlier: _OperationT_contra) -> bool:
        """Return whether `writer` leaves no trace of `earlier` if it follows directly.

        True only if `earlier` is legal in every state, and `writer`, in every state in which it is
        legal, is legal after `earlier` as well and then leads to the same state as without it.
        """


@runtime_checkable
class Partitioned(Protocol):
    """A model of many objects of which each operation touches one."""

    def partition(self, operation: Operation) -> Hashable:
        """Return the object that `operation` touches.

        `initial` and `step` then describe one object, and each is judged alone: a history is
        linearizable exactly if its history of every object is (Herlihy & Wing 1990, theorem 1).
        """


@runtime_checkable
class Restartable(Protocol[StateT, OperationT]):
    """A model of which a history can be judged without knowing the state before it."""

    def starts(self, operations: Iterable[OperationT]) -> Sequence[Model[StateT, OperationT]]:
        """Return this model from different states, such that `operations` tell no others apart.

        That is: if `operations` are legal in some order from any state whatever, they are so, in
        the same order, from the initial state of one of the models returned.
        """


@runtime_checkable
class Described(Protocol[_OperationT_contra]):
    """A model that can name its operations and states to a human."""

    def describe(self, operation: _OperationT_contra) -> str:
        """Return `operation` in a few words, its result included: `read -> 3`."""

    def describe_state(self, state: object) -> str:
        """Return one of the model's states in a few words."""


def hashable(value: object) -> Hashable:
    """Return the JSON value `value` as one that can be compared and hashed.

    Lists become tuples, objects tuples of their sorted items. Values are equal as Python sees it:
    1, 1.0 and true are one value.
    """
    match value:
        case list() | tuple():
            return tuple(hashable(item) for item in value)
        case dict():
            return tuple(sorted((str(key), hashable(item)) for key, item in value.items()))
        case Hashable():
            return value
        case _:
            raise ModelError(f"{value!r} is not a value a history can hold")


def text(value: object) -> str:
    """Return `value` as a story shows it: nil for None, and strings in quotes."""
    match value:
        case None:
            return "nil"
        case str():
            return f'"{value}"' if len(value) <= 40 else f'"{value[:12]}...{value[-24:]}"'
        case _:
            return str(value)
