"""How alike two histories are of which one was to repeat the other.

On real daemons the machine decides what is fast and what is late, so the same operations end
differently. Operations are matched by who did them: the same client's first with its first, its
second with its second.
"""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from checkers.history import History, Operation


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of operations."""

    asked: int
    """In the first history."""
    asked_again: int
    """Of these, with the same client, place, arguments and node in the second."""
    in_order: int
    """Of these, so many began in the same order, all clients together."""
    ended_alike: int
    """Of these that were asked again: both ok, both failed, or both of unknown outcome."""
    answered_alike: int
    """Of these that were asked again: with the very same answer or error."""

    def line(self) -> str:
        """Return the counts as a sentence."""
        return (
            f"{self.asked_again} of {self.asked} operations were asked again, "
            f"{_percent(self.in_order, self.asked_again)} of them in the same order; "
            f"{_percent(self.ended_alike, self.asked_again)} ended alike, "
            f"{_percent(self.answered_alike, self.asked_again)} with the same answer"
        )


def likeness(one: History, other: History, *, concurrency: int) -> Likeness:
    """Compare two histories of `concurrency` clients each."""
    first, second = _by_client(one, concurrency), _by_client(other, concurrency)
    pairs = [
        (mine, theirs)
        for client, operations in sorted(first.items())
        for mine, theirs in zip(operations, second.get(client, ()), strict=False)
        if _asks(mine) == _asks(theirs)
    ]
    pairs.sort(key=_call_of_first)
    return Likeness(
        asked=sum(map(len, first.values())),
        asked_again=len(pairs),
        in_order=_longest_rising([theirs.call for _, theirs in pairs]),
        ended_alike=sum(mine.outcome is theirs.outcome for mine, theirs in pairs),
        answered_alike=sum(_answer(mine) == _answer(theirs) for mine, theirs in pairs),
    )


def _by_client(history: History, concurrency: int) -> dict[int, list[Operation]]:
    """Return what each client did, in order; a client has one process after another."""
    by_client: dict[int, list[Operation]] = {}
    for operation in history.operations():
        if isinstance(operation.process, int):
            by_client.setdefault(operation.process % concurrency, []).append(operation)
    return by_client


def _asks(operation: Operation) -> tuple[object, ...]:
    invoke = operation.invoke
    return invoke.f, invoke.key, invoke.value, invoke.node


def _answer(operation: Operation) -> tuple[object, ...]:
    return operation.outcome, operation.result, operation.error


def _call_of_first(pair: tuple[Operation, Operation]) -> int:
    return pair[0].call


def _longest_rising(numbers: Sequence[int]) -> int:
    """Return the length of the longest part of `numbers`, all different, that rises."""
    ends: list[int] = []
    for number in numbers:
        place = bisect_left(ends, number)
        ends[place : place + 1] = [number]
    return len(ends)


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
