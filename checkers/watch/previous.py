"""That an event shows the key as it was before, to whoever asked for that."""

from checkers.watch.case import Breach, Case, Told, in_words
from checkers.watch.log import Response
from checkers.watch.truth import FROM_HISTORY, KEPT_BY_HISTORY
from checkers.watch_history import Event, EventKind, PreviousKv


def previous(case: Case) -> Breach | None:
    """Judge that events have the key's previous state exactly if asked for, and there was one.

    etcd WatchCreateRequest.prev_kv; what is compacted may be left out.
    """
    for told in case.told:
        place = 0
        for response in told.watcher.responses:
            for event in response.events:
                rank = told.ranks[place]
                place += 1
                if told.watcher.create.prev_kv and _is_as_before(case, rank, event.prev):
                    continue
                why = _objection(case, told, rank, response, event)
                if why is not None:
                    return Breach(
                        kind="wrong-previous",
                        story=f"{told.watcher.in_words()} was told of {in_words(event)}"
                        f" {_previous_words(event.prev)}; {why}",
                        watchers=(told.watcher.number,),
                        revision=event.mod_revision,
                    )
    return None


def _is_as_before(case: Case, rank: int, prev: PreviousKv | None) -> bool:
    """Return whether `prev` is just what the last known event of the key left: the usual case."""
    before = case.truth.before[rank]
    if prev is None or before < 0 or case.truth.sources[before] <= FROM_HISTORY:
        return False
    last = case.truth.events[before]
    return (
        prev.mod_revision == last.mod_revision
        and prev.value == last.value
        and prev.version == last.version
        and prev.create_revision == last.create_revision
        and prev.lease == last.lease
        and prev.key == last.key
        and last.kind == "put"
    )


def _objection(case: Case, told: Told, rank: int, response: Response, event: Event) -> str | None:
    """Say why `event` cannot have come with the previous state that it has."""
    prev = event.prev
    if not told.watcher.create.prev_kv:
        return None if prev is None else "it had not asked for the previous state"
    existed = event.kind is EventKind.DELETE or event.version > 1
    if prev is None:
        if existed and not case.is_compacted(event.mod_revision, response.time):
            return "the key was there before, and that was not compacted"
        return None
    return _contradiction(event, prev, existed=existed) or _not_the_last(case, told, rank, prev)


def _contradiction(event: Event, prev: PreviousKv, *, existed: bool) -> str | None:
    """Say what in the event contradicts its previous state."""
    if not existed:
        return "the put created the key, so there was no previous state"
    if prev.key != event.key or prev.mod_revision >= event.mod_revision:
        return "that is no earlier state of the key"
    if event.kind is EventKind.PUT and (prev.create_revision, prev.version + 1) != (
        event.create_revision,
        event.version,
    ):
        return (
            f"that does not lead to create_revision {event.create_revision} and version"
            f" {event.version}"
        )
    return None


def _not_the_last(case: Case, told: Told, rank: int, prev: PreviousKv) -> str | None:
    """Say which other state the key was in just before."""
    before = case.truth.before[rank]
    if before >= 0:
        last = case.truth.events[before]
        if prev.mod_revision < last.mod_revision:
            return f"but {in_words(last)} ({case.who_told(before)}) came later than that"
        if prev.mod_revision == last.mod_revision:
            return _differs(last, prev, case.truth.sources[before])
    wanted = told.watcher.first_wanted
    if 0 < wanted <= prev.mod_revision and told.watcher.wants(EventKind.PUT):
        return f"but nobody was ever told of a put at revision {prev.mod_revision}"
    return None


def _differs(last: Event, prev: PreviousKv, source: int) -> str | None:
    """Say how `prev` is not what `last` left, as far as that is known from its source."""
    is_other_value = last.value != prev.value and source != KEPT_BY_HISTORY
    if last.kind is EventKind.DELETE or is_other_value:
        return f"but revision {prev.mod_revision} was {in_words(last)}"
    if source <= FROM_HISTORY:
        return None
    told = (last.create_revision, last.version, last.lease)
    if told != (prev.create_revision, prev.version, prev.lease):
        return f"but revision {prev.mod_revision} was told with other revisions or another lease"
    return None


def _previous_words(prev: PreviousKv | None) -> str:
    if prev is None:
        return "without a previous state"
    return (
        f"with the previous state {prev.key!r} = {prev.value!r} (create_revision"
        f" {prev.create_revision}, mod_revision {prev.mod_revision}, version {prev.version})"
    )
