"""The verdict in a sentence or two that a person understands who has never seen a checker."""

import re
from typing import Final

from checkers.history import OpType
from checkers.verdict import Answer, Verdict
from harness.report.recorded import Recorded, convictions_of
from harness.report.wording import counted

_MEANING: Final = (
    ("linearizability", "clients saw answers that no single copy of the data could have given"),
    (
        "etcd-linearizability",
        "clients saw answers that no single copy of the data could have given",
    ),
    ("raft", "a node broke a rule that Raft's safety rests on"),
    ("liveness", "the cluster did not come back after everything had been healed"),
    ("agreement", "nodes that had applied the same log held different data"),
    ("daemons", "a node's process died by itself"),
    ("storm", "the nodes kept one another busy without end"),
    (
        "authorisation",
        "somebody could do what their rights do not allow, or could not do what they do",
    ),
    ("isolation", "transactions were not isolated as promised"),
)
_FAMILIES: Final = (
    ("watch-", "a watch did not tell the truth about what happened"),
    ("mvcc-", "revisions or versions of keys contradict one another"),
    ("lease-", "a lease did not live and die as promised"),
)


def headline(run: Recorded) -> str:
    """Return what came of the run, for people."""
    verdict = run.verdict
    match verdict.answer:
        case Answer.INVALID:
            return f"{_system(run)} broke a promise: {meaning_of(convictions_of(verdict)[0])}."
        case Answer.UNKNOWN:
            doubts = [leaf for leaf in verdict.leaves() if leaf.answer is Answer.UNKNOWN]
            return (
                f"It is not known whether {_system(run)} kept its promises: "
                f"{doubts[0].reason.rstrip('.')}."
            )
        case _:
            ok_count = sum(op.type is OpType.OK for op in run.history.client_ops())
            return (
                f"{_system(run)} kept every promise that was checked, "
                f"in {ok_count:,} successful operations{_under(run)}."
            )


def meaning_of(leaf: Verdict) -> str:
    """Return what a conviction by this checker means."""
    for name, meaning in _MEANING:
        if leaf.checker == name:
            return meaning
    for prefix, meaning in _FAMILIES:
        if leaf.checker.startswith(prefix):
            return meaning
    return re.sub(r"\s+", " ", leaf.reason).rstrip(".")


def _system(run: Recorded) -> str:
    name = run.plan.system if run.version is None else f"{run.plan.system} {run.version}"
    return f"{name} with the planted bug {run.plan.mutant}" if run.plan.mutant else name


def _under(run: Recorded) -> str:
    done = sum(record.outcome == "done" for record in run.schedule.applied)
    return f" and under {counted(done, 'fault action')}" if done else " without faults"
