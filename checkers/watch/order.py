"""In which order, how often and in what pieces events are delivered."""

from itertools import pairwise
from operator import le

from checkers.watch.case import Breach, Case, Told, in_words


def ordered(case: Case) -> Breach | None:
    """Judge that revisions never fall, and that none is later than the store says it is itself.

    etcd api_guarantees: Ordered.
    """
    for told in case.told:
        revisions = told.revisions
        if not all(map(le, revisions, revisions[1:])):
            return _backwards(case, told)
        for response in told.watcher.responses:
            last = response.events[-1]
            if last.mod_revision > response.revision:
                return Breach(
                    kind="event-from-the-future",
                    story=f"{told.watcher.in_words()} was told of {in_words(last)} in a response"
                    f" that says that the store is at revision {response.revision}",
                    watchers=(told.watcher.number,),
                    revision=last.mod_revision,
                )
    return None


def _backwards(case: Case, told: Told) -> Breach:
    earlier, later = next(
        (first, second)
        for first, second in pairwise(told.ranks)
        if case.truth.events[first].mod_revision > case.truth.events[second].mod_revision
    )
    first, second = case.truth.events[earlier], case.truth.events[later]
    return Breach(
        kind="events-out-of-order",
        story=f"{told.watcher.in_words()} was told of {in_words(first)}, and after that of"
        f" {in_words(second)}",
        watchers=(told.watcher.number,),
        revision=second.mod_revision,
    )


def unique(case: Case) -> Breach | None:
    """Judge that no watcher is told of an event twice (etcd api_guarantees: Unique)."""
    for told in case.told:
        if len(set(told.ranks)) == len(told.ranks):
            continue
        seen: set[int] = set()
        for rank in told.ranks:
            if rank in seen:
                event = case.truth.events[rank]
                return Breach(
                    kind="event-twice",
                    story=f"{told.watcher.in_words()} was told twice of {in_words(event)}",
                    watchers=(told.watcher.number,),
                    revision=event.mod_revision,
                )
            seen.add(rank)
    return None


def atomic(case: Case) -> Breach | None:
    """Judge that what one txn changed is delivered in one response (etcd api_guarantees: Atomic).

    Fragments, which a client has to ask for, count as one response.
    """
    for told in case.told:
        events, ranks, revisions = case.truth.events, told.ranks, told.revisions
        for end in told.ends[:-1]:
            if revisions[end - 1] == revisions[end] and ranks[end - 1] != ranks[end]:
                return Breach(
                    kind="revision-split",
                    story=f"{told.watcher.in_words()} was told of {in_words(events[ranks[end]])}"
                    " in another response than of"
                    f" {in_words(events[ranks[end - 1]])}, though one txn made both",
                    watchers=(told.watcher.number,),
                    revision=revisions[end],
                )
    return None
