"""Why a lock had two holders: whose lease had ended, and for how long nobody had kept it alive."""

from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.history import History, Operation, OpType
from checkers.tenures import in_words
from checkers.verdict import Evidence

_SECOND: Final = 1_000_000_000
_NOBODY_KNOWS: Final = "nobody knows whose lease had ended"


class _Lease(msgspec.Struct, gc=False):
    lease: int = 0
    id: int = 0
    ttl: int = 0


def how_it_was_lost(history: History, evidence: Evidence) -> str:
    """Say how the former holder in a breach of `lock-exclusion` had lost its lock.

    `evidence` is that of `checkers.lock`: an operation of the former holder, and the `acquire` of
    the next one.
    """
    operations = history.operations()
    shown = [operation for operation in operations if operation.call in evidence.operations]
    acquires = [operation for operation in shown if operation.f == "acquire"]
    if not acquires:
        return _NOBODY_KNOWS
    later = max(acquires, key=_answered_ns)
    [*others] = [operation for operation in shown if operation is not later]
    if not others:
        return _NOBODY_KNOWS
    former = others[0].process
    lease = _lease_of(operations, former, others[0].call)
    renewals = [
        operation
        for operation in operations
        if _renews(operation, lease) and _answered_ns(operation) <= _answered_ns(later)
    ]
    if not renewals:
        return _NOBODY_KNOWS
    last = max(renewals, key=_answered_ns)
    ttl_s = msgspec.convert(last.result, _Lease).ttl
    ago_s = (_answered_ns(later) - last.invoke.time) / _SECOND
    return (
        f"process {former} last had its lease renewed, for {ttl_s} s, {ago_s:.1f} s before"
        f" {in_words(later)} was answered; it ended, and process {former} went on without knowing"
    )


def _lease_of(operations: Sequence[Operation], process: object, call: int) -> int:
    """Return the lease with which `process` last got a lock, up to its operation `call`."""
    got = [
        operation
        for operation in operations
        if operation.process == process and operation.f == "acquire" and operation.call <= call
    ]
    return msgspec.convert(got[-1].value, _Lease).lease if got else 0


def _renews(operation: Operation, lease: int) -> bool:
    if operation.outcome is not OpType.OK:
        return False
    if operation.f not in {"lease-grant", "lease-keep-alive"}:
        return False
    answer = msgspec.convert(operation.result, _Lease)
    return answer.id == lease and answer.ttl > 0


def _answered_ns(operation: Operation) -> int:
    assert operation.completion is not None, "only what was answered proves a tenure or a renewal"
    return operation.completion.time
