"""What an event says, and whether it may say it to this watcher."""

from collections.abc import Sequence
from typing import TypeAlias

from checkers.models.etcd_api import in_interval
from checkers.watch.case import Breach, Case, Told, in_words
from checkers.watch.truth import FROM_HISTORY, FROM_LOG
from checkers.watch.writes import Change, RangeDelete, Writes
from checkers.watch_history import Event, EventKind

_Objection: TypeAlias = tuple[str, str, tuple[int, ...]]
"""A kind of breach, what is wrong in words, and the operations that play a part."""


def truthful(case: Case) -> Breach | None:
    """Judge that events tell all watchers the same, and that clients wrote it.

    etcd api_guarantees: Atomicity, Durability; a watch observes just what those speak of.
    """
    for dispute in case.truth.disputes:
        first, second = dispute.first, dispute.second
        who = "the log" if dispute.source == FROM_LOG else f"watcher {dispute.source}"
        sources = () if dispute.source == FROM_LOG else (dispute.source,)
        return Breach(
            kind="told-differently",
            story=f"{who} has {_content(first)}, but watcher {dispute.watcher} was told of"
            f" {_content(second)}",
            watchers=(*sources, dispute.watcher),
            revision=second.mod_revision,
        )
    writes = case.writes
    for event, source in zip(case.truth.events, case.truth.sources, strict=True):
        if source <= FROM_HISTORY:
            continue
        objection = _objection(writes, event)
        if objection is not None:
            kind, why, calls = objection
            source_words = "the log has" if source == FROM_LOG else f"watcher {source} was told of"
            return Breach(
                kind=kind,
                story=f"{source_words} {in_words(event)}, but {why}",
                watchers=() if source == FROM_LOG else (source,),
                revision=event.mod_revision,
                calls=calls,
            )
    return None


def _content(event: Event) -> str:
    return (
        f"{in_words(event)} (create_revision {event.create_revision}, version {event.version},"
        f" lease {event.lease:x})"
    )


def _objection(writes: Writes, event: Event) -> _Objection | None:
    """Say why no client's write can have been this event.

    Deletions that nobody claims may be leases that expired, and keys that no client ever puts may
    be written by the store's own services: those are not judged.
    """
    changes = writes.changes.get(event.mod_revision, ())
    deletions = writes.range_deletes.get(event.mod_revision, ())
    if changes or deletions:
        return _claimed_otherwise(event, changes, deletions)
    content = (event.key, event.value)
    if event.kind is EventKind.DELETE or event.key not in writes.keys:
        return None
    if content in writes.possible or (event.key, None) in writes.possible:
        return None
    failed = writes.failed.get(content)
    if failed is not None:
        return "failed-write-happened", f"operation {failed}, which wrote it, failed", (failed,)
    return "never-written", "no operation put that without an answer", ()


def _claimed_otherwise(
    event: Event, changes: Sequence[Change], deletions: Sequence[RangeDelete]
) -> _Objection | None:
    """Say what else the operations did that made the event's revision."""
    for change in changes:
        if change.key == event.key:
            if change.kind is event.kind and change.value in {None, event.value}:
                return None
            wrote = f"put {change.value!r}" if change.kind is EventKind.PUT else "deleted it"
            return "not-as-written", f"operation {change.call} {wrote} there", (change.call,)
    if event.kind is EventKind.DELETE and any(
        in_interval(event.key, deletion.key, deletion.range_end) for deletion in deletions
    ):
        return None
    calls = sorted({*(each.call for each in changes), *(each.call for each in deletions)})
    words = " and ".join(map(str, calls))
    why = f"operation {words} made that revision, and no such change"
    return "never-written", why, tuple(calls)


def created_or_modified(case: Case) -> Breach | None:
    """Judge that events say rightly whether a put created its key, and count the key's writes.

    etcd mvccpb.KeyValue: create_revision is the revision of the last creation, version the number
    of writes since; a put whose create_revision is its mod_revision is a creation.
    """
    events, sources, before = case.truth.events, case.truth.sources, case.truth.before
    for rank, event in enumerate(events):
        if _is_next_version(event, events, before[rank]) or sources[rank] <= FROM_HISTORY:
            continue
        why = _alone_wrong(event)
        if why is None and before[rank] >= 0:
            why = _step_wrong(events[before[rank]], sources[before[rank]], event)
            if why is not None and not _somebody_saw_both(case, before[rank], rank):
                why = None
        if why is not None:
            watchers = (sources[rank],) if sources[rank] != FROM_LOG else ()
            return Breach(
                kind="wrong-version",
                story=f"{in_words(event)} says create_revision {event.create_revision} and version"
                f" {event.version}: {why}",
                watchers=watchers,
                revision=event.mod_revision,
            )
    return None


def _is_next_version(event: Event, events: Sequence[Event], before: int) -> bool:
    """Return whether `event` counts on from the one before it: the usual case.

    If that was right by itself, so is this: it has a later revision and the same creation.
    """
    if before < 0:
        return event.version == 1 and event.create_revision == event.mod_revision
    last = events[before]
    return (
        event.version == last.version + 1
        and event.create_revision == last.create_revision
        and last.version > 0
    )


def _alone_wrong(event: Event) -> str | None:
    """Say what in `event` contradicts itself."""
    if event.kind is EventKind.DELETE:
        told = event.create_revision or event.version or event.value or event.lease
        return "a deletion has neither" if told else None
    if event.version < 1 or not 0 < event.create_revision <= event.mod_revision:
        return "a put has a version from 1 and was created no later than it was written"
    if (event.version == 1) is not (event.create_revision == event.mod_revision):
        return "a key has version 1 exactly at the revision that created it"
    return None


def _step_wrong(last: Event, source: int, event: Event) -> str | None:
    """Say what in `event` does not follow from the change of the same key before it."""
    before = f"at revision {last.mod_revision}"
    if event.kind is EventKind.DELETE:
        return f"it was deleted already {before}" if last.kind is EventKind.DELETE else None
    if last.kind is EventKind.DELETE:
        return None if event.version == 1 else f"it was deleted {before}, so this created it"
    if source <= FROM_HISTORY:
        return f"it was there, put {before}" if event.version == 1 else None
    if (event.create_revision, event.version) == (last.create_revision, last.version + 1):
        return None
    return f"before it, {before}, they were {last.create_revision} and {last.version}"


def _somebody_saw_both(case: Case, first: int, second: int) -> bool:
    """Return whether some watcher should have seen whatever happened between two events.

    If nobody did, a change that no one knows of may lie between them.
    """
    revision = case.truth.events[first].mod_revision
    return any(
        0 < told.watcher.first_wanted <= revision
        and not told.watcher.create.filters
        and second in told.ranks
        for told in case.told
    )


def within_filter(case: Case) -> Breach | None:
    """Judge that a watcher is told of the keys and kinds that it asked for, and of no others.

    etcd WatchCreateRequest: key, range_end, filters.
    """
    for told in case.told:
        create = told.watcher.create
        stray = _first_outside(case, told, ((create.key, create.range_end),))
        if stray is None and create.filters:
            kinds = (event for event in _events(case, told) if event.kind in create.filters)
            stray = next(kinds, None)
        if stray is not None:
            return Breach(
                kind="not-asked-for",
                story=f"{told.watcher.in_words()} was told of {in_words(stray)}, which it had not"
                " asked for",
                watchers=(told.watcher.number,),
                revision=stray.mod_revision,
            )
    return None


def authorised(case: Case) -> Breach | None:
    """Judge that no watcher is told of keys that its user may not read.

    etcd authentication: a watch needs the read permission for its range.
    """
    for told in case.told:
        readable = told.watcher.create.readable
        if readable is None:
            continue
        stray = _first_outside(case, told, readable)
        if stray is not None:
            return Breach(
                kind="not-permitted",
                story=f"{told.watcher.in_words()} of user {told.watcher.create.user!r} was told of"
                f" {in_words(stray)}, which that user may not read",
                watchers=(told.watcher.number,),
                revision=stray.mod_revision,
            )
    return None


def _events(case: Case, told: Told) -> list[Event]:
    return [case.truth.events[rank] for rank in told.ranks]


def _first_outside(
    case: Case, told: Told, intervals: tuple[tuple[str, str | None], ...]
) -> Event | None:
    """Return the first event of a key in none of `intervals`; each key is looked at once."""
    events = case.truth.events
    strays = {
        key
        for key in sorted({events[rank].key for rank in told.ranks})
        if not any(in_interval(key, first, end) for first, end in intervals)
    }
    if not strays:
        return None
    return next(events[rank] for rank in told.ranks if events[rank].key in strays)
