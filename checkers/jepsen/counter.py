"""Reads lie between what must have been added and what may have been (Jepsen's counter).

Additions that had returned before a read began count for certain. Those that had been asked for
before it returned, and did not fail, may count or not: each moves one of the two bounds, the lower
one if it is negative.
"""

from dataclasses import dataclass
from typing import Final

from checkers.checker import Budget
from checkers.history import History, Op, Operation, OpType
from checkers.jepsen.answers import UnreadableError, answered, conviction, in_words, integer
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "counter"


@dataclass(slots=True)
class _Bounds:
    """What the counter may hold now."""

    certain: int = 0
    """The sum of what has returned."""
    open_positive: int = 0
    """The sum of positive additions that were asked for and may have happened."""
    open_negative: int = 0

    def ask(self, amount: int) -> None:
        """Note that an addition is on its way."""
        self.open_positive += max(0, amount)
        self.open_negative += min(0, amount)

    def answer(self, amount: int, *, happened: bool) -> None:
        """Note that it happened, or that it did not."""
        self.open_positive -= max(0, amount)
        self.open_negative -= min(0, amount)
        self.certain += amount if happened else 0


@dataclass(frozen=True, slots=True)
class Counter:
    """Judges histories of `add` and `read` on one counter that begins at 0. It takes no steps."""

    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if the counter was never read."""
        del budget
        reads = answered(history, "read")
        if not reads:
            return unknown(self.name, "the counter was never read")
        try:
            bounds = _bounds_of_reads(history)
            for read in reads:
                lowest, highest = bounds[read.call]
                value = integer(read.result, read)
                if not lowest <= value <= highest:
                    story = f"{in_words(read)} returned {value}; expected {lowest} to {highest}"
                    return conviction(self.name, "out-of-bounds", story, [read])
        except UnreadableError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return valid(self.name, {"reads": len(reads)})


def _bounds_of_reads(history: History) -> dict[int, tuple[int, int]]:
    """Return the lowest and highest value that each `ok` read may return, by its call.

    An addition that is open at some moment of the read may have taken effect before it or not. What
    is asked for during the read only widens the bounds, and what returns during it does not narrow
    them: that was open when the read began. An addition that fails never happened, so it is left
    out from the start.
    """
    operations = {operation.call: operation for operation in history.operations()}
    amounts = {
        call: integer(operation.value, operation)
        for call, operation in operations.items()
        if operation.f == "add" and operation.outcome is not OpType.FAIL
    }
    calls = {
        operation.completion.index: call
        for call, operation in operations.items()
        if operation.completion is not None
    }
    bounds = _Bounds()
    reading: dict[int, tuple[int, int]] = {}
    result: dict[int, tuple[int, int]] = {}
    for op in history.client_ops():
        call = calls.get(op.index, op.index)
        if call in amounts:
            _count(op, amounts[call], bounds, reading)
        elif call in operations and _is_answered_read(operations[call]):
            if op.type is OpType.INVOKE:
                lowest = bounds.certain + bounds.open_negative
                reading[call] = (lowest, bounds.certain + bounds.open_positive)
            else:
                result[call] = reading.pop(call)
    return result


def _count(op: Op, amount: int, bounds: _Bounds, reading: dict[int, tuple[int, int]]) -> None:
    if op.type is OpType.INVOKE:
        bounds.ask(amount)
        for call, (lowest, highest) in reading.items():
            reading[call] = (lowest + min(0, amount), highest + max(0, amount))
    elif op.type is OpType.OK:
        bounds.answer(amount, happened=True)


def _is_answered_read(operation: Operation) -> bool:
    return operation.f == "read" and operation.outcome is OpType.OK
