"""Where a watch begins, and where it must and must not end."""

from checkers.watch.case import Breach, Case, Told, in_words
from checkers.watch_history import Canceled, Event


def starts_where_asked(case: Case) -> Breach | None:
    """Judge that no event and no bookmark lies before the start, be that past or future.

    etcd WatchCreateRequest.start_revision, which is itself watched; without one, a watch begins
    "now", and that is not before what its stream had shown when it was asked for. A bookmark just
    before the start says nothing wrong; an earlier one would send whoever resumes from it back too
    far. Of several breaches an event is named before any bookmark.
    """
    for told in case.told:
        watcher = told.watcher
        if watcher.before_start is not None:
            return _start(told, watcher.before_start.mod_revision, "before it was confirmed")
        lowest = min(told.revisions, default=watcher.earliest)
        if lowest < watcher.earliest:
            return _start(told, lowest, f"though it began at {watcher.earliest}")
    for told in case.told:
        watcher = told.watcher
        for bookmark in watcher.bookmarks:
            if bookmark.revision < watcher.create.start_revision - 1:
                return Breach(
                    kind="progress-before-start",
                    story=f"{watcher.in_words()} was notified that it had everything up to"
                    f" revision {bookmark.revision}",
                    watchers=(watcher.number,),
                    revision=bookmark.revision,
                )
    return None


def _start(told: Told, revision: int, remark: str) -> Breach:
    event = next(event for event in _everything(told) if event.mod_revision == revision)
    return Breach(
        kind="event-before-start",
        story=f"{told.watcher.in_words()} was told of {in_words(event)}, {remark}",
        watchers=(told.watcher.number,),
        revision=revision,
    )


def _everything(told: Told) -> list[Event]:
    return [event for response in told.watcher.responses for event in response.events]


def canceled_if_compacted(case: Case) -> Breach | None:
    """Judge that watches are canceled with compact_revision when, and only when, they need it.

    etcd WatchResponse.compact_revision: only revisions below the compacted one are gone, so that
    one can still be watched. After it is canceled, a watch delivers nothing.
    """
    for told in case.told:
        breach = _canceled_wrongly(case, told) or _not_canceled(case, told)
        if breach is not None:
            return breach
    return None


def _canceled_wrongly(case: Case, told: Told) -> Breach | None:
    watcher, ending = told.watcher, told.watcher.ending
    if not isinstance(ending, Canceled):
        return None
    if watcher.after_end is not None:
        return _cancellation(
            told,
            "event-after-cancel",
            watcher.after_end.mod_revision,
            f"was told of {in_words(watcher.after_end)} after it was canceled",
        )
    compacted = ending.compact_revision
    if not compacted:
        return None
    needed = max(watcher.first_wanted, told.highest + 1)
    if needed >= compacted:
        return _cancellation(
            told,
            "canceled-without-need",
            compacted,
            f"was canceled because of a compaction at {compacted}, but needed only revisions from"
            f" {needed} on",
        )
    asked = any(
        compaction.revision == compacted and compaction.asked_ns <= ending.time
        for compaction in case.writes.compactions
    )
    if not asked and not case.compacts_itself:
        return _cancellation(
            told,
            "canceled-without-compaction",
            compacted,
            f"was canceled because of a compaction at {compacted}, which nobody had asked for",
        )
    return None


def _not_canceled(case: Case, told: Told) -> Breach | None:
    """Say which watch went on though it began before what its own node had compacted.

    A node that restarts may know of a compaction later than before, and one that lags may never
    have needed it: only a node that answered the compaction itself is held to it, and only if the
    nemesis did nothing since that was asked, nor since the watch's stream was opened. It may have
    sent clients to another node, which a stream that is open does not follow.
    """
    watcher, start = told.watcher, told.watcher.create.start_revision
    if not start or watcher.created is None or (watcher.ending is not None and not told.ranks):
        return None
    if isinstance(watcher.ending, Canceled) or (not told.ranks and case.log.end is None):
        return None
    if case.streams_ns[watcher.create.stream] <= case.quiet_after_ns:
        return None
    for compaction in case.writes.compactions:
        done_ns = compaction.done_ns
        if (
            done_ns is not None
            and case.quiet_after_ns < compaction.asked_ns
            and done_ns < watcher.create.time
            and compaction.node is not None
            and compaction.node == watcher.create.node
            and start < compaction.revision
        ):
            return _cancellation(
                told,
                "not-canceled",
                compaction.revision,
                f"went on, though its node had answered a compaction at {compaction.revision}"
                " before",
            )
    return None


def _cancellation(told: Told, kind: str, revision: int, what: str) -> Breach:
    return Breach(
        kind=kind,
        story=f"{told.watcher.in_words()} {what}",
        watchers=(told.watcher.number,),
        revision=revision,
    )
