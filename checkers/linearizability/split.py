"""One history as many small ones: each object is judged alone.

A history is linearizable exactly if its history of every object is (Herlihy & Wing 1990, theorem
1). The search is exponential in what overlaps, so this is the first thing to do.
"""

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from checkers.history import Operation
from checkers.models.model import Partitioned


class Part(NamedTuple):
    """The operations on one object."""

    key: Hashable
    """The object; None if there is but one."""
    operations: tuple[Operation, ...]
    """By call."""


def split(operations: Iterable[Operation], model: object) -> list[Part]:
    """Return the parts of a history in which `operations` are all, in the order of first calls.

    A single part if `model` is not `Partitioned`, whatever keys the operations have.
    """
    if not isinstance(model, Partitioned):
        return [Part(None, tuple(operations))]
    by_key: dict[Hashable, list[Operation]] = {}
    for operation in operations:
        by_key.setdefault(model.partition(operation), []).append(operation)
    return [Part(key, tuple(part)) for key, part in by_key.items()]
