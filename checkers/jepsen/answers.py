"""How these checkers read values and pronounce verdicts."""

from collections.abc import Hashable, Iterable, Sequence

from checkers.history import History, Operation, OpType
from checkers.verdict import Evidence, Verdict, invalid

SHOWN_MAX = 20
"""Elements that a verdict lists; of more, only the count is told."""


class UnreadableError(ValueError):
    """An operation is not in the shape of docs/HISTORY_FORMAT.md."""


def hashable(value: object) -> Hashable:
    """Return `value` as something that can be told from others: JSON lists become tuples."""
    if isinstance(value, list):
        return tuple(map(hashable, value))
    if isinstance(value, dict):
        return tuple(sorted((key, hashable(inner)) for key, inner in value.items()))
    assert isinstance(value, Hashable), "JSON has no other values"
    return value


def answered(history: History, f: str) -> list[Operation]:
    """Return the `ok` operations of this `f`, in the order of their calls."""
    return [
        operation
        for operation in history.operations()
        if operation.f == f and operation.outcome is OpType.OK
    ]


def elements_of(operation: Operation) -> list[Hashable]:
    """Return the elements that a read of a collection answered; raise `UnreadableError`."""
    if not isinstance(operation.result, list):
        raise UnreadableError(f"operation {operation.call} answered no list of elements")
    return list(map(hashable, operation.result))


def integer(value: object, operation: Operation) -> int:
    """Return `value` as an integer; raise `UnreadableError` if it is none."""
    if not isinstance(value, int):
        raise UnreadableError(f"operation {operation.call}: {value!r} is no integer")
    return value


def listed(elements: Iterable[object]) -> str:
    """Return the first few of `elements`, for people."""
    shown = list(elements)
    words = ", ".join(repr(element) for element in shown[:SHOWN_MAX])
    return f"{words}, ..." if len(shown) > SHOWN_MAX else words


def conviction(
    checker: str,
    kind: str,
    story: str,
    operations: Sequence[Operation],
    details: dict[str, object] | None = None,
) -> Verdict:
    """Return the verdict that `operations` cannot all be right."""
    facts: dict[str, object] = {"kind": kind}
    calls = tuple(sorted({operation.call for operation in operations}))
    evidence = Evidence(operations=calls, story=story, facts=facts)
    return invalid(checker, story, evidence, details)


def in_words(operation: Operation) -> str:
    """Return who did what, for people."""
    return f"process {operation.process}'s {operation.f} (op {operation.call})"
