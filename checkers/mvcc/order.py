"""Promises about the order in which revisions are seen: by one client, and by all."""

from checkers.history import Process
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Known, Parsed
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
