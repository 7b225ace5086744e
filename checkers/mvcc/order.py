"""Promises about the order in which revisions are seen: by one client, by all, after compaction."""

from collections.abc import Iterator

from checkers.history import Operation, OpType, Process
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import (
    COMPACTED,
    FUTURE_REVISION,
    Known,
    Parsed,
)
from checkers.mvcc.sightings import conflict, is_serializable


def session_breach(parsed: Parsed) -> Conflict | None:
    """Say where a process saw the revision fall.

    Serializable reads may see it fall, by asking another node: they are left out.
    """
    latest: dict[Process, Known] = {}
    for operation in parsed.known:
        if is_serializable(operation):
            continue
        before = latest.get(operation.process)
        if before is not None and operation.revision < before.revision:
            return conflict("revision-falls", before, " was followed by ", operation)
        latest[operation.process] = operation
    return None


def real_time_breach(parsed: Parsed) -> Conflict | None:
    """Say who asked after an answer and saw an earlier revision than it, or wrote no later one."""
    returned = iter(sorted(parsed.known, key=lambda each: each.ret))
    upcoming = next(returned, None)
    highest: Known | None = None
    for operation in parsed.known:  # in the order of calls
        while upcoming is not None and upcoming.ret < operation.call:
            if highest is None or upcoming.revision > highest.revision:
                highest = upcoming
            upcoming = next(returned, None)
        if highest is None or is_serializable(operation):
            continue
        if operation.revision < highest.revision + operation.wrote:
            return conflict("revision-behind-time", highest, " had returned when ", operation)
    return None


def compaction_breach(parsed: Parsed) -> Conflict | None:
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
        if highest is not None and not is_serializable(operation) and operation.slot < highest[1]:
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


def _compactions(parsed: Parsed) -> Iterator[tuple[int, int, Operation]]:
    """Yield moments from which on revisions below some revision are gone, and who proved it."""
    for operation in parsed.others:
        if operation.f == "compact" and operation.outcome is OpType.OK:
            yield _moment(operation), _asked_revision(operation), operation
    for operation in parsed.refused:
        if operation.error == COMPACTED and isinstance(operation.value, dict):
            yield _moment(operation), _asked_revision(operation) + 1, operation


def future_breach(parsed: Parsed) -> Conflict | None:
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
