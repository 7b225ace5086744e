"""All guarantees of watches, each with a verdict of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from checkers.checker import Budget
from checkers.history import History
from checkers.verdict import Evidence, Verdict, invalid, merge, unknown, valid
from checkers.watch.case import Breach, Case, Judge, case_of
from checkers.watch.completeness import bookmarkable, converged, reliable, resumable
from checkers.watch.content import authorised, created_or_modified, truthful, within_filter
from checkers.watch.limits import canceled_if_compacted, starts_where_asked
from checkers.watch.log import WatchLogError, watch_log
from checkers.watch.order import atomic, ordered, unique
from checkers.watch.previous import previous
from checkers.watch.truth import truth_of
from checkers.watch.writes import UnreadableWriteError, writes_of
from checkers.watch_history import Event, WatchRecord

NAME: Final = "watch"

GUARANTEES: Final[tuple[tuple[str, Judge], ...]] = (
    ("watch-ordered", ordered),
    ("watch-unique", unique),
    ("watch-atomic", atomic),
    ("watch-reliable", reliable),
    ("watch-resumable", resumable),
    ("watch-bookmarkable", bookmarkable),
    ("watch-truthful", truthful),
    ("watch-prev-kv", previous),
    ("watch-create-modify", created_or_modified),
    ("watch-filter", within_filter),
    ("watch-authorised", authorised),
    ("watch-start", starts_where_asked),
    ("watch-cancellation", canceled_if_compacted),
    ("watch-convergence", converged),
)
"""Every guarantee, by the name its verdicts are signed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchChecker:
    """Judges what watchers were told, beside the history of who wrote what.

    `UNKNOWN` if nothing was watched, or the records cannot be read, or watchers were still open
    and nobody waited for them. Linear in events; it takes no steps.
    """

    records: Sequence[WatchRecord]
    persisted: Sequence[Event] = ()
    """What a node's log or backend holds, if that was read."""
    compacts_itself: bool = False
    """Whether the store compacts unasked (`--auto-compaction-mode`)."""
    left_out: Sequence[str] = ()
    """Names of guarantees that the records tell too little of."""

    @property
    def name(self) -> str:
        """`watch`."""
        return NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the worst of all verdicts, with one for each guarantee among its parts."""
        del budget
        try:
            log = watch_log(self.records)
            writes = writes_of(history)
        except (WatchLogError, UnreadableWriteError) as error:
            return unknown(NAME, f"cannot read the records: {error}")
        if not log.watchers:
            return unknown(NAME, "nothing was watched")
        faults = history.nemesis_ops()
        case = case_of(
            log,
            writes,
            truth_of(log, writes, self.persisted),
            faults[-1].time if faults else -1,
            compacts_itself=self.compacts_itself,
        )
        judges = [(name, judge) for name, judge in GUARANTEES if name not in self.left_out]
        return merge(NAME, [_verdict(name, judge, case) for name, judge in judges])


def _verdict(name: str, judge: Judge, case: Case) -> Verdict:
    breach = judge(case)
    if breach is not None:
        return invalid(name, breach.story, _evidence(breach))
    if judge is converged and case.log.end is None:
        left = sum(told.watcher.ending is None for told in case.told)
        if left:
            return unknown(name, f"{left} watchers were open, but nobody waited for them")
    details = {
        "watchers": len(case.told),
        "events": sum(len(told.ranks) for told in case.told),
    }
    return valid(name, dict(details))


def _evidence(breach: Breach) -> Evidence:
    return Evidence(
        operations=tuple(sorted(breach.calls)),
        story=breach.story,
        facts={
            "kind": breach.kind,
            "watchers": list(breach.watchers),
            "revision": breach.revision,
        },
    )
