"""Histories written by hand, a row for each operation.

`ok("write", 1, at=(0, 3))` was called at op 0 and answered at op 3; rows need not be in order, but
between them their ops must be numbered from 0 without gaps. Each row is a process of its own.
"""

from typing import NamedTuple

from checkers.history import History, Op, OpType
from checkers.linearizability.interval import Interval
from checkers.models.model import OperationT


class Row(NamedTuple):
    """One operation."""

    f: str
    value: object
    result: object
    call: int
    ret: int | None
    type: OpType
    error: str | None
    key: str | None


def ok(
    f: str,
    value: object = None,
    *,
    at: tuple[int, int],
    result: object = None,
    key: str | None = None,
) -> Row:
    """Return an operation that happened; by default it answers what it was given."""
    return Row(f, value, value if result is None else result, *at, OpType.OK, None, key)


def unknown(f: str, value: object = None, *, at: int, key: str | None = None) -> Row:
    """Return an operation that was called and never answered."""
    return Row(f, value, None, at, None, OpType.INFO, None, key)


def failed(
    f: str,
    value: object = None,
    *,
    at: tuple[int, int],
    error: str = "refused",
    key: str | None = None,
) -> Row:
    """Return an operation that did not happen, for `error`."""
    return Row(f, value, None, *at, OpType.FAIL, error, key)


def history(*rows: Row) -> History:
    """Return the history of `rows`."""
    ops = []
    for process, row in enumerate(rows):
        ops.append(_op(row.call, process, row, OpType.INVOKE, row.value, None))
        if row.ret is not None:
            ops.append(_op(row.ret, process, row, row.type, row.result, row.error))
    ops.sort(key=lambda op: op.index)
    assert [op.index for op in ops] == list(range(len(ops))), "ops are numbered without gaps"
    return History(ops)


def _op(
    index: int, process: int, row: Row, op_type: OpType, value: object, error: str | None
) -> Op:
    return Op(
        index=index,
        time=index * 1000,
        process=process,
        type=op_type,
        f=row.f,
        key=row.key,
        value=value,
        error=error,
    )


def during(operation: OperationT, call: int, ret: int | None = None) -> Interval[OperationT]:
    """Return `operation` between `call` and `ret`; without `ret`, of unknown outcome."""
    return Interval(operation, call, ret, call)
