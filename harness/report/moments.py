"""The moments of a conviction: when the operations that contradict one another came and went."""

from typing import Final

from checkers.history import Operation
from checkers.verdict import Verdict
from harness.report.excerpt import Moment
from harness.report.recorded import Recorded, conviction_ns
from harness.report.wording import answered, asked
from nodeimpl.ids import SECOND

OPERATIONS_MAX: Final = 8
"""Of a conviction; the last ones, where it has more."""


def moments_of(run: Recorded, leaf: Verdict) -> tuple[Moment, ...]:
    """Return what belongs to the conviction `leaf`, in the order of time; nothing if it names none.

    Each operation in conflict is asked and answered; a breach of a rule has one moment, its own.
    """
    if leaf.evidence is None:
        return ()
    calls = frozenset(leaf.evidence.operations)
    found = [operation for operation in run.history.operations() if operation.call in calls]
    moments = [moment for operation in found[-OPERATIONS_MAX:] for moment in _moments(operation)]
    at_ns = conviction_ns(run.history, leaf)
    if at_ns is not None and all(moment.at_ns != at_ns for moment in moments):
        moments.append(Moment(at_ns, _stamped(at_ns, f"{leaf.checker} convicts")))
    return tuple(sorted(moments, key=_at_ns))


def _moments(operation: Operation) -> list[Moment]:
    who = f"op {operation.call}, process {operation.process}"
    where = f" {operation.invoke.node}" if operation.invoke.node else ""
    began = operation.invoke.time
    moments = [Moment(began, _stamped(began, f"{who} asks{where}: {asked(operation)}"))]
    if operation.completion is not None:
        ended = operation.completion.time
        words = f"{who} is answered: {asked(operation)} -> {answered(operation)}"
        moments.append(Moment(ended, _stamped(ended, words)))
    return moments


def _stamped(at_ns: int, words: str) -> str:
    return f"{at_ns / SECOND:15.9f} >>> {words}"


def _at_ns(moment: Moment) -> int:
    return moment.at_ns
