"""The order of revisions against the order of time (strict serializability's real-time part).

Every operation has a place: a write the place (revision, 0), anything else (header revision, 1).
Places are totally ordered, and operations in one place commute, so a history is linearizable iff
its content is right and no operation was called after the return of one in a later place. One
sweep over the places checks that for all pairs: the latest call among strictly earlier places must
not be after any return.

A serializable read may be answered by a node that lags, so its own call orders nothing; but the
revision it saw had been made by the time it returned, and so had every earlier place's write.
"""

from collections.abc import Sequence

from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Known
from checkers.models.etcd_api import Read


def real_time_conflict(known: Sequence[Known]) -> Conflict | None:
    """Return two operations whose revisions contradict their times; None if there are none."""
    # The latest call in places before the current one, and in it; -1 if there is none.
    latest = within = -1
    place = -1
    for operation in sorted(known, key=_sort_key):
        request = operation.request
        if operation.wrote:
            here = operation.revision * 2
        elif isinstance(request, Read) and request.serializable:
            # It needs the write of its revision to be there, not the reads beside it.
            before = latest if place == operation.revision * 2 + 1 else max(latest, within)
            if before > operation.ret:
                return _conflict(_called_at(known, before), operation)
            continue
        else:
            here = operation.revision * 2 + 1
        call = operation.call
        if place != here:
            latest = within if within > latest else latest  # noqa: FURB136 (the hot loop)
            within, place = call, here
        elif call > within:
            within = call
        if latest > operation.ret:
            return _conflict(_called_at(known, latest), operation)
    return None


def _called_at(known: Sequence[Known], call: int) -> Known:
    return next(operation for operation in known if operation.call == call)


def earliest_sights(known: Sequence[Known], revisions: Sequence[int]) -> dict[int, Known]:
    """Return, for each of `revisions`, the first operation to return that proves that it existed.

    Whatever made revision `r` was called before the return of every operation with a header
    revision of `r` or more. `revisions` rise, and none is above the highest header.
    """
    descending = sorted(known, key=lambda operation: operation.revision, reverse=True)
    sights: dict[int, Known] = {}
    first: Known | None = None
    at = 0
    for revision in reversed(revisions):
        while at < len(descending) and descending[at].revision >= revision:
            if first is None or descending[at].ret < first.ret:
                first = descending[at]
            at += 1
        assert first is not None, "a revision counts as missing only if a later one was seen"
        sights[revision] = first
    return sights


def _is_serializable(operation: Known) -> bool:
    request = operation.request
    return isinstance(request, Read) and request.serializable


def _sort_key(operation: Known) -> int:
    if operation.wrote:
        return operation.revision * 3
    return operation.revision * 3 + (2 if _is_serializable(operation) else 1)


def _conflict(early: Known, late: Known) -> Conflict:
    """`early` has the earlier place and was called after the return of `late`."""
    made = "made" if early.wrote else "saw"
    return Conflict(
        kind="real-time-order",
        story=(
            late.call,
            f" had returned with revision {late.revision} before the call of ",
            early.call,
            f", which nevertheless {made} revision {early.revision}",
        ),
        revision=early.revision,
    )
