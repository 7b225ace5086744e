"""What every guarantee is given to judge, and how it says that it was broken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import msgspec

from checkers.watch.log import Watcher, WatchLog
from checkers.watch.truth import FROM_HISTORY, FROM_LOG, Expected, Truth
from checkers.watch.writes import Writes
from checkers.watch_history import Event


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One guarantee, broken once."""

    kind: str
    """A short stable name for programs, as `event-missing`."""
    story: str
    watchers: tuple[int, ...]
    revision: int
    """Where it shows."""
    calls: tuple[int, ...] = ()
    """Operations of the history that play a part, by the moments of their calls."""


@dataclass(frozen=True, slots=True)
class Told:
    """One watcher and all that it was told."""

    watcher: Watcher
    ranks: list[int]
    """Of its events, in the order of delivery."""
    revisions: list[int]
    """Of the same."""
    ends: list[int]
    """How many events had been delivered by the end of each response."""
    expected: Expected
    """What happened to the keys it watches, in all revisions."""

    @property
    def highest(self) -> int:
        """The latest revision it was told of; below all that it wants if there was none."""
        return max(self.revisions, default=self.watcher.first_wanted - 1)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is known about the watches of one run."""

    log: WatchLog
    writes: Writes
    truth: Truth
    told: tuple[Told, ...]
    """Every watcher, by its number."""
    quiet_after_ns: int
    """When the nemesis last did anything; -1 if it never did."""
    streams_ns: Mapping[int, int]
    """When a watch was first asked for on each stream: since then it leads to one node."""
    compacts_itself: bool
    """Whether the store compacts unasked, so that the history does not know of every compaction."""

    def is_compacted(self, revision: int, now_ns: int) -> bool:
        """Return whether the state just before `revision` may have been compacted by `now_ns`."""
        return self.compacts_itself or any(
            compaction.revision >= revision and compaction.asked_ns <= now_ns
            for compaction in self.writes.compactions
        )

    def who_told(self, rank: int) -> str:
        """Return who knows of the event of this rank, for people."""
        source = self.truth.sources[rank]
        if source <= FROM_HISTORY:
            return f"written by operation {' '.join(map(str, self.written_by(rank)))}"
        return "in the log" if source == FROM_LOG else f"told to watcher {source}"

    def written_by(self, rank: int) -> tuple[int, ...]:
        """Return the operations that wrote at the revision of this event, if the history tells."""
        changes = self.writes.changes.get(self.truth.events[rank].mod_revision, ())
        return tuple(dict.fromkeys(change.call for change in changes))


Judge = Callable[[Case], Breach | None]
"""Returns how a guarantee was broken first; None if it was kept."""


def case_of(
    log: WatchLog, writes: Writes, truth: Truth, quiet_after_ns: int, *, compacts_itself: bool
) -> Case:
    """Return everything that the guarantees need."""
    told = tuple(_told(watcher, truth) for watcher in log.watchers)
    streams_ns: dict[int, int] = {}
    for watcher in log.watchers:
        create = watcher.create
        streams_ns[create.stream] = min(create.time, streams_ns.get(create.stream, create.time))
    return Case(log, writes, truth, told, quiet_after_ns, streams_ns, compacts_itself)


def _told(watcher: Watcher, truth: Truth) -> Told:
    events = truth.events
    ranks = truth.told[watcher.number]
    return Told(
        watcher=watcher,
        ranks=ranks,
        revisions=[events[rank].mod_revision for rank in ranks],
        ends=list(accumulate(len(response.events) for response in watcher.responses)),
        expected=truth.expected(watcher),
    )


def in_words(event: Event) -> str:
    """Return what happened, for people."""
    if event.kind == "delete":
        return f"the deletion of {event.key!r} at revision {event.mod_revision}"
    return f"the put {event.key!r} = {event.value!r} at revision {event.mod_revision}"
