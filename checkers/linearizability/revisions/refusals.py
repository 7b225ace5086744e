"""Refusals: reads and compactions that failed, which prove something by that.

One that was told that a revision does not exist yet was there before it was made: no operation had
returned with that revision, or a later one, before the call. One that was told that a revision is
compacted proves that, and compaction stands: no linearizable read called later may succeed below.
A serializable read may be answered, or refused, by a node that lags.
"""

from collections.abc import Iterator

from checkers.history import Operation, OpType
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import (
    COMPACTED,
    FUTURE_REVISION,
    Known,
    Parsed,
)
from checkers.models.etcd_api import Read


def refusal_conflict(parsed: Parsed, *, compacts_itself: bool) -> Conflict | None:
    """Return what contradicts a refusal or a compaction; None if nothing does.

    `compacts_itself`: whether others than these clients may have the store compact.
    """
    conflict = future_conflict(parsed) or compaction_conflict(parsed)
    if conflict is None and not compacts_itself:
        return unasked_conflict(parsed)
    return conflict


def compaction_conflict(parsed: Parsed) -> Conflict | None:
    """Say who read what was compacted before.

    Once a compaction is acknowledged, or a read refused for it, no linearizable read called later
    may succeed below that revision. (A serializable one may be answered by a node that lags.)
    """
    gone = sorted(_compactions(parsed), key=lambda each: each[0])
    reads = [each for each in parsed.known if each.slot < each.revision and not each.wrote]
    highest: tuple[int, int, Operation] | None = None  # (moment, least readable revision, proof)
    at = 0
    for operation in reads:  # in the order of calls
        while at < len(gone) and gone[at][0] < operation.call:
            if highest is None or gone[at][1] > highest[1]:
                highest = gone[at]
            at += 1
        if highest is not None and not _is_serializable(operation) and operation.slot < highest[1]:
            return Conflict(
                kind="compaction-undone",
                story=(
                    highest[2].call,
                    f" proved that revisions below {highest[1]} were compacted, but ",
                    operation.call,
                    f" still read revision {operation.slot}",
                ),
                revision=operation.slot,
            )
    return None


def unasked_conflict(parsed: Parsed) -> Conflict | None:
    """Say what was refused as compacted though nobody had asked for such a compaction by then.

    Only where nobody but the clients of this history has the store compact.
    """
    asked = [
        (operation.call, _asked_revision(operation))
        for operation in parsed.others
        if operation.f == "compact" and operation.outcome is not OpType.FAIL
    ]
    for operation in parsed.refused:
        if operation.error != COMPACTED or operation.f == "txn":
            continue
        revision = _asked_revision(operation)
        least = revision + (operation.f != "compact")
        moment = _moment(operation)
        if not any(call < moment and to >= least for call, to in asked):
            story = (
                f" was refused as compacted, but nobody had asked to compact to {least} or later"
            )
            return Conflict(
                kind="compacted-unasked", story=(operation.call, story), revision=revision
            )
    return None


def _compactions(parsed: Parsed) -> Iterator[tuple[int, int, Operation]]:
    """Yield moments from which on revisions below some revision are gone, and who proved it."""
    for operation in parsed.others:
        if operation.f == "compact" and operation.outcome is OpType.OK:
            yield _moment(operation), _asked_revision(operation), operation
    for operation in parsed.refused:
        if operation.error == COMPACTED and isinstance(operation.value, dict):
            asked = _asked_revision(operation)
            yield _moment(operation), asked + (operation.f != "compact"), operation


def future_conflict(parsed: Parsed) -> Conflict | None:
    """Say who was told that a revision does not exist yet after another had seen it."""
    returned = iter(sorted(parsed.known, key=lambda each: each.ret))
    upcoming = next(returned, None)
    highest: Known | None = None
    for operation in parsed.refused:  # in the order of calls
        while upcoming is not None and upcoming.ret < operation.call:
            if highest is None or upcoming.revision > highest.revision:
                highest = upcoming
            upcoming = next(returned, None)
        value = operation.value
        may_lag = isinstance(value, dict) and bool(value.get("serializable"))
        asked = _asked_revision(operation)
        if (
            operation.error == FUTURE_REVISION
            and not may_lag
            and highest is not None
            and 0 < asked <= highest.revision
        ):
            return Conflict(
                kind="future-already-past",
                story=(
                    highest.call,
                    f" had returned with revision {highest.revision} when ",
                    operation.call,
                    f" was told that revision {asked} does not exist yet",
                ),
                revision=asked,
            )
    return None


def _moment(operation: Operation) -> int:
    assert operation.ret is not None, "it was answered"
    return operation.ret


def _asked_revision(operation: Operation) -> int:
    """Return the revision that a read or compaction asked for; 0 if for the latest."""
    match operation.value:
        case {"revision": int(revision)}:
            return revision
        case _:
            return 0


def _is_serializable(operation: Known) -> bool:
    return isinstance(operation.request, Read) and operation.request.serializable
