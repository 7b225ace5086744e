"""Which events there are: what any watcher was told, any client wrote, any log holds.

No watcher knows everything, but a revision is made once: whoever tells of it tells of the same. So
the union of all that was told is what each single watcher is judged by. Events are numbered in the
order of their revisions; a number is an event's *rank*, and what a watcher was told is a list of
ranks, so that the guarantees are comparisons of integers.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import le
from typing import Final

import msgspec

from checkers.models.etcd_api import in_interval
from checkers.watch.log import Watcher, WatchLog
from checkers.watch.writes import Change, Writes
from checkers.watch_history import Event, EventKind

_KEY_BITS: Final = 32
"""There are fewer keys than two to this power: each takes memory of its own."""

FROM_LOG: Final = -1
"""The source of an event that a persisted log holds."""

FROM_HISTORY: Final = -2
"""The source of an event that only the history tells of: its create_revision and version are
unknown, and are 0."""

KEPT_BY_HISTORY: Final = -3
"""The same of a put that kept the value: that is unknown, too, and is empty. As it is less than
`FROM_HISTORY`, all that only the history tells of is `<= FROM_HISTORY`."""


class Dispute(msgspec.Struct, frozen=True, gc=False):
    """Two watchers, or a watcher and the log, that were told different things of one change."""

    watcher: int
    """Who was told the second thing."""
    source: int
    """The watcher that was told the first, or `FROM_LOG`."""
    first: Event
    second: Event


@dataclass(frozen=True, slots=True)
class Expected:
    """The events of an interval, in order."""

    ranks: list[int]
    revisions: list[int]
    """Of the events, one for each rank; never falls."""

    def between(self, first: int, last: int) -> list[int]:
        """Return the ranks of the events from revision `first` to revision `last`, inclusive."""
        start = bisect_left(self.revisions, first)
        return self.ranks[start : max(start, bisect_right(self.revisions, last))]


@dataclass(slots=True)
class Truth:
    """All events that are known to have happened, by rising revision."""

    events: list[Event]
    """By rank. `prev` is of whoever told first, and is nobody's business here."""
    sources: list[int]
    """By rank: the watcher that was told first, or `FROM_LOG`, `FROM_HISTORY`,
    `KEPT_BY_HISTORY`."""
    before: list[int]
    """By rank: the rank of the last earlier event of the same key; -1 if none is known."""
    told: dict[int, list[int]]
    """By watcher: the ranks of what it was told, in order."""
    disputes: list[Dispute]
    _by_interval: dict[tuple[object, ...], Expected] = field(default_factory=dict)

    def expected(self, watcher: Watcher) -> Expected:
        """Return the events that `watcher` asked for, of all revisions."""
        create = watcher.create
        scope = (create.key, create.range_end, create.filters)
        expected = self._by_interval.get(scope)
        if expected is None:
            expected = self._by_interval[scope] = self._within(*scope)
        return expected

    def _within(self, key: str, end: str | None, filters: tuple[EventKind, ...]) -> Expected:
        events = self.events
        keys = {event.key for event in events}
        inside = {name for name in sorted(keys) if in_interval(name, key, end)}
        if len(inside) == len(keys) and not filters:
            ranks = list(range(len(events)))
        else:
            ranks = [
                rank
                for rank, event in enumerate(events)
                if event.key in inside and event.kind not in filters
            ]
        return Expected(ranks, [events[rank].mod_revision for rank in ranks])


def truth_of(log: WatchLog, writes: Writes, persisted: Iterable[Event] = ()) -> Truth:
    """Return the union of what watchers were told, clients wrote, and `persisted` holds."""
    union = _Union()
    union.add_all(FROM_LOG, list(persisted))
    places = {
        watcher.number: union.add_all(
            watcher.number,
            [event for response in watcher.responses for event in response.events],
        )
        for watcher in log.watchers
    }
    for revision, changes in writes.changes.items():
        for change in changes:
            union.add_change(revision, change)
    return union.sorted_by_revision(places)


class _Numbers(dict[str, int]):
    """Numbers keys from 0, each when it is first asked for."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self)
        return number


class _Union:
    """Collects events, each once, at a place of its own."""

    def __init__(self) -> None:
        self._key_numbers = _Numbers()
        self._places: dict[int, int] = {}
        """By revision and key; both in one integer, which is cheaper than a pair of them."""
        self._events: list[Event] = []
        self._sources: list[int] = []
        self._disputes: list[Dispute] = []

    def add_all(self, source: int, told: Sequence[Event]) -> list[int]:
        """Return the places of all that `source` was told.

        Every event of every watcher comes by here, so what is usual is done in bulk: most watchers
        are told what others were told before, in just the same words.
        """
        numbers, places = self._key_numbers, self._places
        identities = [(event.mod_revision << _KEY_BITS) | numbers[event.key] for event in told]
        found = [place for place in map(places.get, identities) if place is not None]
        if not found and len(set(identities)) == len(told):
            found = list(range(len(self._events), len(self._events) + len(told)))
            places.update(zip(identities, found, strict=True))
            self._events.extend(told)
            self._sources.extend([source] * len(told))
        elif len(found) < len(told):
            found = [
                self._place_of(identity, source, event)
                for identity, event in zip(identities, told, strict=True)
            ]
        if list(map(self._events.__getitem__, found)) != told:
            for place, event in zip(found, told, strict=True):
                self._compare(place, source, event)
        return found

    def _place_of(self, identity: int, source: int, event: Event) -> int:
        place = self._places.setdefault(identity, len(self._events))
        if place == len(self._events):
            self._events.append(event)
            self._sources.append(source)
        return place

    def add_change(self, revision: int, change: Change) -> None:
        """Take the change that an operation made at `revision`, unless it is known better."""
        identity = (revision << _KEY_BITS) | self._key_numbers[change.key]
        if identity not in self._places:
            event = Event(change.kind, change.key, revision, change.value or "")
            source = KEPT_BY_HISTORY if change.value is None else FROM_HISTORY
            self._place_of(identity, source, event)

    def _compare(self, place: int, source: int, event: Event) -> None:
        """Note that `source` was told something else; what was before may be told or not."""
        first = self._events[place]
        if first != event and _content(first) != _content(event):
            self._disputes.append(Dispute(source, self._sources[place], first, event))

    def sorted_by_revision(self, told: dict[int, list[int]]) -> Truth:
        """Return everything, with places turned into ranks.

        The sort is stable: within a revision the order is that in which it was first told.
        """
        revisions = [event.mod_revision for event in self._events]
        if all(map(le, revisions, revisions[1:])):
            before = _predecessors(self._events)
            return Truth(self._events, self._sources, before, told, self._disputes)
        order = sorted(range(len(revisions)), key=revisions.__getitem__)
        ranks = [0] * len(order)
        for rank, place in enumerate(order):
            ranks[place] = rank
        events = [self._events[place] for place in order]
        return Truth(
            events=events,
            sources=[self._sources[place] for place in order],
            before=_predecessors(events),
            told={number: list(map(ranks.__getitem__, places)) for number, places in told.items()},
            disputes=self._disputes,
        )


def _content(event: Event) -> tuple[object, ...]:
    return (event.kind, event.value, event.create_revision, event.version, event.lease)


def _predecessors(events: Sequence[Event]) -> list[int]:
    latest: dict[str, int] = {}
    result: list[int] = []
    for rank, event in enumerate(events):
        result.append(latest.get(event.key, -1))
        latest[event.key] = rank
    return result
