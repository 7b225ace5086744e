"""What every single answer of etcd promises about revisions, as small checks, one promise each.

`checkers/linearizability/revisions` proves more, all at once. These prove less, each by a sentence
and a loop that cannot be misread, in linear time and without a search: they say at a glance *which*
promise broke, and they still answer where the search for unknown writes runs out of budget.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from checkers.checker import Budget
from checkers.history import History
from checkers.linearizability.revisions.conflict import Conflict
from checkers.linearizability.revisions.operations import Parsed
from checkers.linearizability.revisions.parsing import UnreadableOperationError, parse
from checkers.linearizability.revisions.refusals import compaction_conflict, future_conflict
from checkers.linearizability.revisions.story import evidence_of
from checkers.mvcc.hashes import hash_breach
from checkers.mvcc.keys import delete_breach, identity_breach, key_order_breach, version_breach
from checkers.mvcc.order import real_time_breach, session_breach
from checkers.mvcc.writes import (
    empty_revision_breach,
    historical_breach,
    one_write_breach,
    txn_breach,
)
from checkers.verdict import Verdict, invalid, merge, unknown, valid


class Invariant(msgspec.Struct, frozen=True):
    """One promise, as a checker of its own."""

    name: str
    breach: Callable[[Parsed], Conflict | None]
    """Returns how the promise is broken; None if it is kept."""

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return whether `history` keeps the promise; linear, so `budget` is not needed."""
        del budget
        try:
            parsed = parse(history)
        except UnreadableOperationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return self.judge(parsed, history)

    def judge(self, parsed: Parsed, history: History) -> Verdict:
        """Return the verdict on `history`, of which `parsed` is what was read."""
        if not parsed.known and not parsed.others:
            return unknown(self.name, "no operation was answered")
        conflict = self.breach(parsed)
        if conflict is None:
            return valid(self.name, {"operations": len(parsed.known)})
        evidence = evidence_of(conflict, history)
        return invalid(self.name, evidence.story, evidence)


class MvccChecker:
    """All of `INVARIANTS` at once, with one verdict each among its parts."""

    @property
    def name(self) -> str:
        """`mvcc`."""
        return "mvcc"

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the worst of all verdicts; linear, so `budget` is not needed."""
        del budget
        try:
            parsed = parse(history)
        except UnreadableOperationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return merge(self.name, [each.judge(parsed, history) for each in INVARIANTS])


def mvcc_invariants() -> MvccChecker:
    """Return the checker of all promises about revisions."""
    return MvccChecker()


INVARIANTS: Final = (
    Invariant("mvcc-session-order", session_breach),
    Invariant("mvcc-real-time-order", real_time_breach),
    Invariant("mvcc-key-revisions", key_order_breach),
    Invariant("mvcc-versions", version_breach),
    Invariant("mvcc-one-content", identity_breach),
    Invariant("mvcc-one-write-per-revision", one_write_breach),
    Invariant("mvcc-no-empty-revision", empty_revision_breach),
    Invariant("mvcc-one-revision-per-txn", txn_breach),
    Invariant("mvcc-delete-starts-anew", delete_breach),
    Invariant("mvcc-history-as-replayed", historical_breach),
    Invariant("mvcc-compaction-stands", compaction_conflict),
    Invariant("mvcc-no-future-in-the-past", future_conflict),
    Invariant("mvcc-equal-hashes", hash_breach),
)
"""Every promise, by the name its verdicts are signed with."""
