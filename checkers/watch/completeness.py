"""That nothing is left out: between events, after a break, before a bookmark, in the end."""

from itertools import accumulate

from checkers.watch.case import Breach, Case, Told, in_words
from checkers.watch.writes import RangeDelete
from checkers.watch_history import EventKind


def reliable(case: Case) -> Breach | None:
    """Judge that between two events that a watcher was told of, it was told of all.

    etcd api_guarantees: Reliable. For a watch without start_revision, its confirmation counts as
    such an event (etcd api, Watch streams: it streams what follows the header of that).
    """
    for told in case.told:
        if not told.ranks:
            continue
        wanted, lowest = told.watcher.first_wanted, min(told.revisions)
        if told.watcher.create.start_revision:
            first = max(wanted, lowest)
        else:
            first = min(wanted or lowest, lowest)
        missing = _missing(told, first, told.highest)
        if missing is not None:
            return _lost(case, told, missing, "though it was told of later ones")
        short = _short_deletion(case, told, first)
        if short is not None:
            return short
    return None


def resumable(case: Case) -> Breach | None:
    """Judge that a watch from a revision on begins with the first event since.

    etcd api_guarantees: Resumable. The revision that was compacted last can still be watched.
    """
    for told in case.told:
        start = told.watcher.create.start_revision
        if not start or not told.ranks:
            continue
        missing = _missing(told, start, min(told.revisions) - 1)
        if missing is not None:
            return _lost(case, told, missing, "and began with a later one")
    return None


def bookmarkable(case: Case) -> Breach | None:
    """Judge that progress is notified after all events up to its revision, and not sooner.

    etcd api_guarantees: Bookmarkable.
    """
    for told in case.told:
        breach = _early_bookmark(case, told) if told.watcher.bookmarks else None
        if breach is not None:
            return breach
    return None


def _early_bookmark(case: Case, told: Told) -> Breach | None:
    floor = told.watcher.first_wanted - 1
    highest = [floor, *accumulate(told.revisions, max)]
    ends = [0, *told.ends]
    for bookmark in told.watcher.bookmarks:
        reached = max(floor, highest[ends[bookmark.responses_count]])
        missing = told.expected.between(reached + 1, bookmark.revision)
        if missing:
            event = case.truth.events[missing[0]]
            return Breach(
                kind="progress-too-early",
                story=f"{told.watcher.in_words()} was notified that it had everything up to"
                f" revision {bookmark.revision}, but had not been told of {in_words(event)}"
                f" ({case.who_told(missing[0])})",
                watchers=(told.watcher.number,),
                revision=event.mod_revision,
                calls=case.written_by(missing[0]),
            )
    return None


def converged(case: Case) -> Breach | None:
    """Judge that whoever stayed connected knows everything in the end.

    etcd api_guarantees promises no time; the run waited as long as it says (`End.waited_ns`) after
    faults had healed.
    """
    end = case.log.end
    if end is None:
        return None
    for told in case.told:
        if told.watcher.ending is not None:
            continue
        first = max(told.watcher.first_wanted, told.highest + 1)
        missing = told.expected.between(first, end.revision)
        if missing:
            event = case.truth.events[missing[0]]
            return Breach(
                kind="not-converged",
                story=f"{told.watcher.in_words()} was open to the end and, after"
                f" {end.waited_ns / 1e9:g} s, had still not been told of {in_words(event)}"
                f" ({case.who_told(missing[0])})",
                watchers=(told.watcher.number,),
                revision=event.mod_revision,
                calls=case.written_by(missing[0]),
            )
    return None


def _missing(told: Told, first: int, last: int) -> int | None:
    """Return the first rank from revision `first` to `last` that was not told; None if all were."""
    expected = told.expected.between(first, last)
    missing = set(expected).difference(told.ranks)
    return min(missing, default=None)


def _lost(case: Case, told: Told, rank: int, remark: str) -> Breach:
    event = case.truth.events[rank]
    compacted = any(
        compaction.revision == event.mod_revision for compaction in case.writes.compactions
    )
    kind = "event-lost-at-the-compacted-revision" if compacted else "event-missing"
    return Breach(
        kind=kind,
        story=f"{told.watcher.in_words()} was never told of {in_words(event)}"
        f" ({case.who_told(rank)}), {remark}",
        watchers=(told.watcher.number,),
        revision=event.mod_revision,
        calls=case.written_by(rank),
    )


def _short_deletion(case: Case, told: Told, first: int) -> Breach | None:
    """Say which deletion of an interval took more keys than the watcher was told of.

    Only where the answer to it says how many they were: alone in its revision.
    """
    if not told.watcher.wants(EventKind.DELETE):
        return None
    for revision, deletions in case.writes.range_deletes.items():
        deletion = deletions[0]
        alone = len(deletions) == 1 and revision not in case.writes.changes
        within = first <= revision <= told.highest
        if alone and within and _covers(told, deletion):
            count = len(told.expected.between(revision, revision))
            if count < deletion.deleted:
                return Breach(
                    kind="event-missing",
                    story=f"{told.watcher.in_words()} was told of {count} deletions at revision"
                    f" {revision}, in which operation {deletion.call} deleted {deletion.deleted}"
                    " keys",
                    watchers=(told.watcher.number,),
                    revision=revision,
                    calls=(deletion.call,),
                )
    return None


def _covers(told: Told, deletion: RangeDelete) -> bool:
    create = told.watcher.create
    if create.range_end is None or create.key > deletion.key:
        return False
    unbounded = create.range_end == "\0"
    return unbounded or (deletion.range_end != "\0" and deletion.range_end <= create.range_end)
