"""All promises about leases, each with a verdict of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from checkers.checker import Budget
from checkers.history import History
from checkers.leases.facts import LeaseFacts, UnreadableLeaseError, lease_facts
from checkers.leases.lifetime import (
    Bounds,
    Breach,
    dies_early,
    goes_in_pieces,
    outlives,
    rises,
    tells_wrongly,
)
from checkers.verdict import Evidence, Verdict, invalid, merge, unknown, valid
from checkers.watch_history import WatchRecord

NAME: Final = "lease"

PROMISES: Final[tuple[tuple[str, Callable[[LeaseFacts, Bounds], Breach | None]], ...]] = (
    ("lease-not-early", dies_early),
    ("lease-not-late", outlives),
    ("lease-stays-gone", rises),
    ("lease-whole", goes_in_pieces),
    ("lease-ttl", tells_wrongly),
)
"""Every promise, by the name its verdicts are signed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseChecker:
    """Judges leases by what clients, and watchers beside them, saw of them and of their keys.

    `UNKNOWN` if there was no lease, or the history cannot be read. It takes no steps.
    """

    records: Sequence[WatchRecord] = ()
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def name(self) -> str:
        """`lease`."""
        return NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the worst of all verdicts, with one for each promise among its parts."""
        del budget
        try:
            facts = lease_facts(history, self.records)
        except UnreadableLeaseError as error:
            return unknown(NAME, f"cannot read the history: {error}")
        if not facts.leases:
            return unknown(NAME, "no lease was granted")
        return merge(NAME, [self._verdict(name, judge, facts) for name, judge in PROMISES])

    def _verdict(
        self, name: str, judge: Callable[[LeaseFacts, Bounds], Breach | None], facts: LeaseFacts
    ) -> Verdict:
        breach = judge(facts, self.bounds)
        if breach is None:
            return valid(name, {"leases": len(facts.leases)})
        evidence = Evidence(
            operations=breach.calls,
            story=breach.story,
            facts={"kind": breach.kind, "lease": breach.lease},
        )
        return invalid(name, breach.story, evidence)
