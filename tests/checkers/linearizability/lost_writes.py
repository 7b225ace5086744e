"""Histories of many clients that go wrong in the end: a write is acknowledged, and then not there.

Nothing of unknown outcome explains it, but what is unknown is at hand all the time, and so are the
many ways in which the clients may have brought the history there.
"""

from collections.abc import Sequence
from random import Random

from checkers.linearizability.interval import Interval
from checkers.models.cas_register import Cas, RegisterOperation
from checkers.models.kv import Append, Get, KvOperation, Put
from checkers.models.model import OperationT
from checkers.models.register import Read, Write
from tests.checkers.linearizability.random_histories import FewValues, Sizes, Strings, record


def register_that_lost_a_write(values: int, sizes: Sizes) -> list[Interval[RegisterOperation]]:
    """Return a history of a register of so many values, of which some are never in doubt."""
    history = record(Random(1), FewValues(values), sizes)
    unknown = [each.operation for each in history if each.ret is None]
    possible = [each.value for each in unknown if isinstance(each, Write)]
    possible += [each.new for each in unknown if isinstance(each, Cas)]
    old = next(value for value in range(values) if value not in possible)
    story: list[RegisterOperation] = [Write("new"), Read(old)]
    return [*history, *_afterwards(history, story)]


def string_that_lost_an_append(sizes: Sizes) -> list[Interval[KvOperation]]:
    """Return a history of a string."""
    history = record(Random(1), Strings(), sizes)
    story: list[KvOperation] = [Put("z"), Append("y"), Get("z")]
    return [*history, *_afterwards(history, story)]


def _afterwards(
    history: Sequence[Interval[OperationT]], operations: Sequence[OperationT]
) -> list[Interval[OperationT]]:
    """Return `operations` one after the other, once all of `history` has returned."""
    first = max(each.ret or each.call for each in history) + 1
    calls = range(first, first + 2 * len(operations), 2)
    return [
        Interval(operation, call, call + 1, call)
        for operation, call in zip(operations, calls, strict=True)
    ]
