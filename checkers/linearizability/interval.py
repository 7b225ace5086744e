"""Operations as real time sees them: what the searches search."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from checkers.history import Operation, OpType
from checkers.models.model import Model, OperationT, StateT

OperationT_co = TypeVar("OperationT_co", covariant=True)


class Interval(NamedTuple, Generic[OperationT_co]):
    """An operation of a model, somewhere between `call` and `ret`."""

    operation: OperationT_co
    call: int
    """The moment it was asked; it takes effect later."""
    ret: int | None
    """The moment it answered; it took effect earlier. None: at any time after `call`, or never.

    No two moments of a history are equal.
    """
    invoke: int
    """The index of its invoke in the history."""


def intervals(
    operations: Iterable[Operation], model: Model[StateT, OperationT]
) -> list[Interval[OperationT]]:
    """Return what `model` makes of `operations`, in their order, without those that prove nothing.

    A failed operation of which the model still makes something (a comparison that was carried out
    and was false) has returned. Raises `ModelError` for operations that are not the model's.
    """
    found = []
    for operation in operations:
        parsed = model.parse(operation)
        if parsed is not None:
            ret = None if operation.outcome is OpType.INFO else operation.ret
            found.append(Interval(parsed, operation.call, ret, operation.call))
    return found
