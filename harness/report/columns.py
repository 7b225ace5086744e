"""The operations of a run as columns: what the page draws, packed so that 100,000 fit.

Times are whole microseconds from the start of the trial. Words that recur (what was asked, keys,
nodes) are numbers into a list.
"""

import heapq
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from checkers.history import CAS_MISMATCH, History, Operation, OpType
from harness.report.wording import answered, asked, revision_of

MICROSECOND: Final = 1_000

OUTCOMES: Final = ("ok", "no", "fail", "info", "open")
"""From good to bad. `no`: a comparison was carried out and false; `open`: in flight at the end."""


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """One place in every list for each operation, in the order of calls."""

    lane_count: int
    lane: list[int]
    """The row it is drawn in: one for each client thread, whatever its processes are called."""
    process: list[int | str]
    call: list[int]
    """When it was asked."""
    took: list[int]
    """How long it took; up to the end of the run, if nobody ever heard of it."""
    outcome: list[int]
    """Into `OUTCOMES`."""
    f: list[int]
    node: list[int]
    index: list[int]
    """Of its invoke, in the history."""
    asked: list[str]
    answered: list[str]
    revision: list[int]
    """The revision its answer names; 0 if none."""
    f_names: list[str]
    node_names: list[str]


class _Names:
    """Numbers words in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def all(self) -> list[str]:
        return list(self._numbers)


def columns_of(history: History, end_ns: int) -> Columns:
    """Return the operations of `history`, which ends at `end_ns`."""
    operations = history.operations()
    lanes, lane_count = _lanes(operations, end_ns)
    f_names, node_names = _Names(), _Names()
    return Columns(
        lane_count=lane_count,
        lane=lanes,
        process=[operation.process for operation in operations],
        call=[operation.invoke.time // MICROSECOND for operation in operations],
        took=[
            (_end(operation, end_ns) - operation.invoke.time) // MICROSECOND
            for operation in operations
        ],
        outcome=[_outcome(operation) for operation in operations],
        f=[f_names.number(operation.f) for operation in operations],
        node=[node_names.number(operation.invoke.node or "") for operation in operations],
        index=[operation.call for operation in operations],
        asked=[asked(operation) for operation in operations],
        answered=[answered(operation) for operation in operations],
        revision=[revision_of(operation) or 0 for operation in operations],
        f_names=f_names.all(),
        node_names=node_names.all(),
    )


def _outcome(operation: Operation) -> int:
    if operation.completion is None:
        return OUTCOMES.index("open")
    if operation.error == CAS_MISMATCH and operation.outcome is OpType.FAIL:
        return OUTCOMES.index("no")
    return OUTCOMES.index(operation.outcome.value)


def _end(operation: Operation, end_ns: int) -> int:
    return end_ns if operation.completion is None else operation.completion.time


def _lanes(operations: Sequence[Operation], end_ns: int) -> tuple[list[int], int]:
    """Return the row of each operation, and how many rows there are.

    A process has a row of its own while it lives; one that is retired leaves it to the next.
    """
    last_ns = _last_times(operations, end_ns)
    lane_of: dict[int | str, int] = {}
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    lane_count = 0
    for operation in operations:
        if operation.process in lane_of:
            continue
        while busy and busy[0][0] <= operation.invoke.time:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, lane_count = lane_count, lane_count + 1
        lane_of[operation.process] = lane
        heapq.heappush(busy, (last_ns[operation.process], lane))
    return [lane_of[operation.process] for operation in operations], lane_count


def _last_times(operations: Iterable[Operation], end_ns: int) -> dict[int | str, int]:
    """Return until when each process has its row: to the end, unless it was retired."""
    last: dict[int | str, int] = {}
    for operation in operations:
        retired = operation.completion is not None and operation.outcome is OpType.INFO
        last[operation.process] = _end(operation, end_ns) if retired else end_ns
    return last
