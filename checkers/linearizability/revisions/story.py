"""Conflicts, told so that a human believes them."""

from collections.abc import Mapping
from typing import assert_never

from checkers.history import History, Op, Operation, OpType
from checkers.linearizability.revisions.conflict import Conflict, Mismatch
from checkers.linearizability.revisions.operations import OTHERS, Known
from checkers.models.etcd_api import (
    Delete,
    Put,
    Read,
    Request,
    Revoke,
    Step,
    Txn,
    parse_request,
)
from checkers.verdict import Evidence


def mismatch_conflict(mismatch: Mismatch, writes: Mapping[int, Known]) -> Conflict:
    """Return `mismatch` with the writes that it turns on: of what should be there, and of what was.

    `writes` are the known ones, by revision.
    """
    operation = mismatch.operation
    story: list[str | int] = [
        operation.call,
        f" at revision {operation.slot} saw {mismatch.seen}; expected {mismatch.expected}",
    ]
    expected = writes.get(mismatch.expected_revision or 0)
    if expected is not None and expected is not operation:
        story += [", written by ", expected.call]
    seen = writes.get(mismatch.seen_revision or 0)
    if seen is not None and seen is not expected and seen is not operation:
        story += [f"; revision {seen.revision}, which it saw, was ", seen.call]
    return Conflict(kind="wrong-answer", story=tuple(story), revision=operation.slot)


def evidence_of(conflict: Conflict, history: History) -> Evidence:
    """Return `conflict` as evidence, its operations described from `history`."""
    calls = set(conflict.calls)
    described = {
        operation.call: describe(operation)
        for operation in history.operations()
        if operation.call in calls
    }
    return Evidence(
        operations=conflict.calls,
        story="".join(
            described[piece] if isinstance(piece, int) else piece for piece in conflict.story
        ),
        facts={"kind": conflict.kind, "revision": conflict.revision},
    )


def describe(operation: Operation) -> str:
    """Return who asked what, and when, in words."""
    if operation.f in OTHERS:
        words = f"{operation.f} {operation.value}"
    else:
        words = _words(parse_request(operation.f, operation.value))
    return (
        f"process {operation.process}'s {words} ({_seconds(operation.invoke)} to {_end(operation)})"
    )


def _end(operation: Operation) -> str:
    completion = operation.completion
    if completion is None or completion.type is OpType.INFO:
        return "unknown"
    return _seconds(completion)


def _seconds(op: Op) -> str:
    return f"{op.time / 1e9:.6f} s"


def _words(request: Request) -> str:
    match request:
        case Revoke(lease):
            return f"revocation of lease {lease}"
        case Txn():
            condition = " and ".join(
                f"{compare.target}({_interval(compare.key, compare.range_end)})"
                f" {compare.result} {compare.value!r}"
                for compare in request.compare
            )
            return (
                f"txn [if {condition or 'nothing'} then {_branch(request.success)}"
                f" else {_branch(request.failure)}]"
            )
        case _:
            return _step_words(request)


def _branch(steps: tuple[Step, ...]) -> str:
    return ", ".join(map(_step_words, steps)) or "nothing"


def _step_words(step: Step) -> str:
    match step:
        case Txn():
            return _words(step)
        case Put(key, value):
            what = (
                f"put {key}, keeping its value" if step.ignore_value else f"put {key} = {value!r}"
            )
            if step.ignore_lease:
                return f"{what}, keeping its lease"
            return what + (f" on lease {step.lease}" if step.lease else "")
        case Delete(key, range_end):
            return f"delete {_interval(key, range_end)}"
        case Read(key, range_end):
            when = f" at revision {step.revision}" if step.revision > 0 else ""
            how = "serializable " if step.serializable else ""
            how += _selection(step)
            return f"{how}{'range' if range_end else 'get'} {_interval(key, range_end)}{when}"
        case _:
            assert_never(step)


def _selection(read: Read) -> str:
    """Return, in words that end with a space, what a read leaves out; empty for none of it."""
    selection = read.selection
    if selection is None:
        return ""
    kind = "count of the " if selection.count_only else "keys-only " if selection.keys_only else ""
    return ("bounded " if selection.is_bounded else "") + kind


def _interval(key: str, range_end: str | None) -> str:
    return f"[{key!r}, {range_end!r})" if range_end else key
