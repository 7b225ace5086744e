"""Histories written down as rows: who asked what, when, and what came of it."""

from collections.abc import Sequence
from typing import NamedTuple

from checkers.history import History, Op, OpType
from checkers.verdict import Answer, Verdict


class Row(NamedTuple):
    """One operation. Times are seconds; an answer of None with no error is unknown for ever."""

    call_s: float
    ret_s: float
    process: int
    f: str
    value: object
    answer: object = None
    error: str | None = None
    outcome: OpType = OpType.OK


def history_of(rows: Sequence[Row]) -> History:
    """Return the history of `rows`; a return stands before a call of the same time."""
    moments = sorted(
        [moment for row in rows for moment in ((row.call_s, 1, row), (row.ret_s, 0, row))],
        key=lambda moment: moment[:2],
    )
    ops = []
    for index, (seconds, is_call, row) in enumerate(moments):
        kind = OpType.INVOKE if is_call else row.outcome
        ops.append(
            Op(
                index=index,
                time=round(seconds * 1e9),
                process=row.process,
                type=kind,
                f=row.f,
                value=row.value if is_call else row.answer,
                error=None if is_call else row.error,
            )
        )
    return History(ops)


def kinds(verdict: Verdict) -> dict[str, str]:
    """Return the kind of each breach, by the promise that was broken."""
    return {
        leaf.checker: str(leaf.evidence.facts["kind"])
        for leaf in verdict.leaves()
        if leaf.answer is Answer.INVALID and leaf.evidence is not None
    }
