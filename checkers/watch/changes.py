"""What watchers were told, for the checker of linearizability: what revisions changed, for sure.

A write of unknown outcome may or may not have made a revision that no answer claims. Watchers saw
what that revision did. But one watcher sees only its keys, so a revision counts as told only if
every key that anyone writes was watched by somebody who got beyond it: then what all together were
told is all that it changed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checkers.checker import Budget
from checkers.history import History
from checkers.linearizability.revisions.checker import NAME, etcd_linearizable
from checkers.models.etcd_api import in_interval
from checkers.verdict import Verdict
from checkers.watch.log import Watcher, WatchLog, WatchLogError, watch_log
from checkers.watch.writes import UnreadableWriteError, writes_of
from checkers.watch_history import EventKind, WatchRecord

Changes = dict[int, dict[str, str | None]]
"""See `checkers.linearizability.revisions.facts.Changes`."""

_Span = tuple[int, int]
"""The first and the last of some revisions, both inclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedEtcdChecker:
    """Judges linearizability, with what watchers were told of writes of unknown outcome.

    Watchers are believed; whether they were told the truth is for `WatchChecker` to say. Records
    or histories that cannot be read tell nothing.
    """

    records: Sequence[WatchRecord]
    compacts_itself: bool = True
    """See `RevisionsChecker`."""

    @property
    def name(self) -> str:
        """`etcd-linearizability`."""
        return NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return what `RevisionsChecker` says of `history`, given what watchers were told."""
        checker = etcd_linearizable(self.changes(history), compacts_itself=self.compacts_itself)
        return checker.check(history, budget)

    def changes(self, history: History) -> Changes:
        """Return what watchers were told completely; empty if that cannot be read."""
        try:
            return told_changes(watch_log(self.records), sorted(writes_of(history).keys))
        except (WatchLogError, UnreadableWriteError):
            return {}  # `WatchChecker`, or the check below, says so


def told_changes(log: WatchLog, keys: Iterable[str]) -> Changes:
    """Return, for each revision that was told completely, what it left in each key it changed.

    `keys` are all that anyone may have written. A revision of which watchers were told different
    things is left out.
    """
    watchers = [each for each in log.watchers if _sees_everything(each)]
    told: Changes = {}
    disputed: dict[int, None] = {}
    for watcher in watchers:
        for response in watcher.responses:
            for event in response.events:
                value = event.value if event.kind is EventKind.PUT else None
                changed = told.setdefault(event.mod_revision, {})
                if changed.setdefault(event.key, value) != value:
                    disputed[event.mod_revision] = None
    every_key = sorted({*keys, *(key for changed in told.values() for key in changed)})
    starts, ends = _complete(watchers, every_key)
    return {
        revision: changed
        for revision, changed in sorted(told.items())
        if revision not in disputed and _is_within(revision, starts, ends)
    }


def _sees_everything(watcher: Watcher) -> bool:
    """Return whether it was to be told of all that happens to its keys."""
    create = watcher.create
    return not create.filters and create.readable is None and create.user is None


def _span(watcher: Watcher) -> _Span:
    """Return the revisions of which it was told all that concerns its keys; empty if of none."""
    events = (response.events[-1].mod_revision for response in watcher.responses)
    bookmarks = (bookmark.revision for bookmark in watcher.bookmarks)
    return watcher.first_wanted, max((*events, *bookmarks), default=-1)


def _complete(watchers: Sequence[Watcher], keys: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the starts and the ends, rising, of the spans told of all `keys`."""
    steps: list[_Span] = []
    for key in keys:
        spans = [
            _span(watcher)
            for watcher in watchers
            if in_interval(key, watcher.create.key, watcher.create.range_end)
        ]
        for first, last in _merged(spans):
            steps += [(first, 1), (last + 1, -1)]
    starts: list[int] = []
    ends: list[int] = []
    covered = 0
    for revision, step in sorted(steps):  # where spans meet, one ends before the other starts
        if covered == len(keys):
            ends.append(revision - 1)
        covered += step
        if covered == len(keys):
            starts.append(revision)
    return starts, ends


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return the same revisions in spans that do not overlap, rising."""
    merged: list[_Span] = []
    for first, last in sorted(spans):
        if first > last:
            continue
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _is_within(revision: int, starts: Sequence[int], ends: Sequence[int]) -> bool:
    at = bisect_right(starts, revision) - 1
    return at >= 0 and revision <= ends[at]
