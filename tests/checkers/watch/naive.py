"""The guarantees once more, slowly and obviously, for someone who knows every event there was."""

from collections.abc import Callable, Sequence

from checkers.models.etcd_api import in_interval
from checkers.watch.log import Watcher, WatchLog
from checkers.watch_history import Event

Identity = tuple[int, str]


def identity(event: Event) -> Identity:
    return (event.mod_revision, event.key)


def told_of(watcher: Watcher) -> list[Identity]:
    return [identity(event) for response in watcher.responses for event in response.events]


def asked(watcher: Watcher, everything: Sequence[Event]) -> list[Identity]:
    """Return all that ever happened to the keys of this watcher."""
    create = watcher.create
    return [
        identity(event)
        for event in everything
        if in_interval(event.key, create.key, create.range_end) and event.kind not in create.filters
    ]


def due(watcher: Watcher, everything: Sequence[Event]) -> list[Identity]:
    """Return what this watcher is sure to be told, sooner or later."""
    return [each for each in asked(watcher, everything) if each[0] >= watcher.first_wanted]


def broken_order(watcher: Watcher, _everything: Sequence[Event]) -> bool:
    told = told_of(watcher)
    falls = any(
        later[0] < earlier[0] for place, later in enumerate(told) for earlier in told[:place]
    )
    return falls or any(
        event.mod_revision > response.revision
        for response in watcher.responses
        for event in response.events
    )


def broken_uniqueness(watcher: Watcher, _everything: Sequence[Event]) -> bool:
    told = told_of(watcher)
    return any(told.count(each) > 1 for each in told)


def broken_reliability(watcher: Watcher, everything: Sequence[Event]) -> bool:
    told = told_of(watcher)
    explicit = bool(watcher.create.start_revision)
    sure = [] if explicit else due(watcher, everything)
    return any(
        each not in told
        and any(other[0] >= each[0] for other in told)
        and (each in sure or any(other[0] <= each[0] for other in told))
        for each in asked(watcher, everything)
        if each[0] >= watcher.create.start_revision
    )


def broken_resumption(watcher: Watcher, everything: Sequence[Event]) -> bool:
    told = told_of(watcher)
    if not watcher.create.start_revision or not told:
        return False
    return any(
        each not in told and all(each[0] < other[0] for other in told)
        for each in due(watcher, everything)
    )


def broken_bookmark(watcher: Watcher, everything: Sequence[Event]) -> bool:
    """Say whether a bookmark goes beyond all that was told, over an event that is due."""
    for bookmark in watcher.bookmarks:
        before = [
            identity(event)
            for response in watcher.responses[: bookmark.responses_count]
            for event in response.events
        ]
        for each in due(watcher, everything):
            beyond = all(other[0] < each[0] for other in before)
            if each[0] <= bookmark.revision and beyond:
                return True
    return False


def broken_start(watcher: Watcher, _everything: Sequence[Event]) -> bool:
    start = watcher.create.start_revision
    created = watcher.created.revision if watcher.created else 0
    return any(
        each[0] < start or (not start and each[0] <= min(created, watcher.shown))
        for each in told_of(watcher)
    ) or any(bookmark.revision < start - 1 for bookmark in watcher.bookmarks)


def broken_filter(watcher: Watcher, _everything: Sequence[Event]) -> bool:
    create = watcher.create
    return any(
        not in_interval(event.key, create.key, create.range_end) or event.kind in create.filters
        for response in watcher.responses
        for event in response.events
    )


def broken_convergence(log: WatchLog, watcher: Watcher, everything: Sequence[Event]) -> bool:
    if log.end is None or watcher.ending is not None:
        return False
    told = told_of(watcher)
    return any(
        each[0] <= log.end.revision and all(other[0] < each[0] for other in told)
        for each in due(watcher, everything)
    )


BROKEN: dict[str, Callable[[Watcher, Sequence[Event]], bool]] = {
    "watch-ordered": broken_order,
    "watch-unique": broken_uniqueness,
    "watch-reliable": broken_reliability,
    "watch-resumable": broken_resumption,
    "watch-bookmarkable": broken_bookmark,
    "watch-start": broken_start,
    "watch-filter": broken_filter,
}


def broken_guarantees(log: WatchLog, everything: Sequence[Event]) -> set[str]:
    broken = {
        name
        for name, is_broken in BROKEN.items()
        if any(is_broken(watcher, everything) for watcher in log.watchers)
    }
    if any(broken_convergence(log, watcher, everything) for watcher in log.watchers):
        broken.add("watch-convergence")
    return broken
