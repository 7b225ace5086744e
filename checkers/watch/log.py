"""The records of a watch file, sorted by watcher."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from checkers.watch_history import (
    Break,
    Cancel,
    Canceled,
    Create,
    Created,
    Delivery,
    End,
    Event,
    EventKind,
    Progress,
    RequestProgress,
    WatchRecord,
)

Answer: TypeAlias = Created | Delivery | Progress | Canceled
"""What the store says; each with the revision of a header."""
Ending: TypeAlias = Canceled | Cancel | Break


class WatchLogError(ValueError):
    """These records do not fit one another: whoever wrote them is wrong, not the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Events that the store delivered at once: one response, its fragments joined."""

    time: int
    """When its first fragment came, in nanoseconds of the history's clock."""
    revision: int
    """The header's."""
    events: tuple[Event, ...]
    """Not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A progress notification."""

    time: int
    revision: int
    responses_count: int
    """How many responses had been delivered before it."""


@dataclass(slots=True, kw_only=True)
class Watcher:
    """One watch from its creation to its end."""

    create: Create
    created: Created | None = None
    """None if the store never confirmed it."""
    responses: list[Response] = field(default_factory=list)
    bookmarks: list[Bookmark] = field(default_factory=list)
    ending: Ending | None = None
    """None if it was open when the records end."""
    after_end: Event | None = None
    """An event that came after the store had said that it canceled the watch."""
    before_start: Event | None = None
    """An event that came before the store had confirmed the watch."""
    shown: int = 0
    """The latest revision that its stream had shown when it was asked for; 0 if none."""

    @property
    def number(self) -> int:
        """Its number in the file."""
        return self.create.watcher

    @property
    def first_wanted(self) -> int:
        """The first revision it asked for.

        Without start_revision that is what follows the revision in which the store confirmed it
        (etcd WatchCreateRequest.start_revision: "now"); if it never did, 0.
        """
        if self.create.start_revision:
            return self.create.start_revision
        return self.created.revision + 1 if self.created else 0

    @property
    def earliest(self) -> int:
        """The first revision of which it may be told.

        Without start_revision a watch is sure to be told of what follows its confirmation, and it
        begins "now". The store may have gone on between the beginning and the confirmation, and
        nothing that etcd guarantees says that it did not; but a node that has shown a revision on
        this stream has that behind it, and so begins later.
        """
        if self.create.start_revision or self.created is None:
            return self.create.start_revision
        return min(self.shown, self.created.revision) + 1

    def wants(self, kind: EventKind) -> bool:
        """Return whether it asked for events of this kind."""
        return kind not in self.create.filters

    def in_words(self) -> str:
        """Return which watcher this is, for people."""
        create = self.create
        interval = create.key if create.range_end is None else f"{create.key}..{create.range_end}"
        start = f" from revision {create.start_revision}" if create.start_revision else ""
        node = f" at {create.node}" if create.node else ""
        return f"watcher {create.watcher} of {interval!r}{start}{node}"


@dataclass(frozen=True, slots=True)
class WatchLog:
    """All watchers of a file, by their numbers."""

    watchers: tuple[Watcher, ...]
    end: End | None
    """None if nobody waited until all watchers had caught up."""


def watch_log(records: Iterable[WatchRecord]) -> WatchLog:
    """Return `records` by watcher; raise `WatchLogError` where they contradict one another.

    What comes after the client has cancelled is left out: it was on its way already.
    """
    builder = _Builder()
    for record in records:
        builder.add(record)
    return builder.finished()


class _Builder:
    """Collects records, one by one."""

    def __init__(self) -> None:
        self._watchers: dict[int, Watcher] = {}
        self._open_on: dict[int, list[Watcher]] = {}
        """The watchers of each stream, ended ones included."""
        self._parts: dict[int, list[Delivery]] = {}
        """Fragments of a response that is not complete."""
        self._shown: dict[int, int] = {}
        """The latest revision in any header of each stream."""
        self._end: End | None = None

    def add(self, record: WatchRecord) -> None:  # noqa: C901 (one case per record)
        """Take the next record."""
        match record:
            case Delivery():
                self._deliver(record)
            case Create():
                self._create(record)
            case Created():
                self._confirm(record)
            case Progress():
                self._mark(self._answered(record), record)
            case Canceled() | Cancel():
                self._cancel(record)
            case Break():
                for watcher in self._open_on.pop(record.stream, []):
                    self._finish(watcher, record)
            case RequestProgress():
                pass
            case End():
                self._end = record
            case _:
                assert_never(record)

    def finished(self) -> WatchLog:
        """Return what was collected. A response whose last fragment never came is dropped."""
        watchers = (self._watchers[number] for number in sorted(self._watchers))
        return WatchLog(tuple(watchers), self._end)

    def _known(self, number: int) -> Watcher:
        watcher = self._watchers.get(number)
        if watcher is None:
            raise WatchLogError(f"watcher {number} was never created")
        return watcher

    def _answered(self, answer: Answer) -> Watcher:
        """Return the watcher that the store answered, and note how far the store was."""
        watcher = self._known(answer.watcher)
        stream = watcher.create.stream
        self._shown[stream] = max(self._shown.get(stream, 0), answer.revision)
        return watcher

    def _create(self, record: Create) -> None:
        if record.watcher in self._watchers:
            raise WatchLogError(f"watcher {record.watcher} is created twice")
        shown = self._shown.get(record.stream, 0)
        watcher = self._watchers[record.watcher] = Watcher(create=record, shown=shown)
        self._open_on.setdefault(record.stream, []).append(watcher)

    def _confirm(self, record: Created) -> None:
        watcher = self._answered(record)
        if watcher.created is not None:
            raise WatchLogError(f"watcher {record.watcher} is confirmed twice")
        watcher.created = record

    def _mark(self, watcher: Watcher, record: Progress) -> None:
        if watcher.ending is None:
            count = len(watcher.responses)
            mark = Bookmark(time=record.time, revision=record.revision, responses_count=count)
            watcher.bookmarks.append(mark)

    def _cancel(self, record: Canceled | Cancel) -> None:
        if isinstance(record, Canceled):
            self._finish(self._answered(record), record)
        else:
            self._finish(self._known(record.watcher), record)

    def _finish(self, watcher: Watcher, ending: Ending) -> None:
        if watcher.ending is None:
            watcher.ending = ending

    def _deliver(self, record: Delivery) -> None:
        watcher = self._answered(record)
        if not record.events:
            raise WatchLogError(
                f"a response to watcher {record.watcher} has no events: it is a progress record"
            )
        if watcher.ending is not None:
            if isinstance(watcher.ending, Canceled) and watcher.after_end is None:
                watcher.after_end = record.events[0]
            return
        if watcher.created is None and watcher.before_start is None:
            watcher.before_start = record.events[0]
        self._append(watcher, record)

    def _append(self, watcher: Watcher, record: Delivery) -> None:
        parts = self._parts.pop(record.watcher, None)
        if record.fragment:
            self._parts[record.watcher] = [*(parts or ()), record]
            return
        first, events = record, record.events
        if parts is not None:
            first = parts[0]
            events = tuple(event for part in (*parts, record) for event in part.events)
        response = Response(time=first.time, revision=first.revision, events=events)
        watcher.responses.append(response)
