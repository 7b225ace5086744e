"""What a store does not promise, and is judged all the same: a breach is told, and convicts nobody.

A lock that is held through a lease does not exclude: its holder may sleep through the end of the
lease, and go on. To say nothing of it would hide what users must know; to call it INVALID would
blame the store for what nobody can promise.
"""

from dataclasses import dataclass
from typing import Protocol

from checkers.checker import Budget, Checker
from checkers.history import History
from checkers.verdict import Answer, Evidence, Verdict, valid


class Explanation(Protocol):
    """Says why a breach came about without any fault of the store's."""

    def __call__(self, history: History, evidence: Evidence) -> str:
        """Return the reason, as far as `history` shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPromised:
    """Asks `checker`; where that says INVALID, it is VALID, and the details say what and why.

    Where it cannot tell, there is no doubt of the store either: that too is but a detail.
    """

    checker: Checker
    because: str
    """Why nobody promises it."""
    explain: Explanation | None = None

    @property
    def name(self) -> str:
        """The checker's own."""
        return self.checker.name

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return VALID, with what the checker said."""
        verdict = self.checker.check(history, budget)
        if verdict.answer is Answer.VALID:
            return verdict
        if verdict.answer is Answer.UNKNOWN:
            return valid(
                self.name, {**verdict.details, "not promised, and unknown": verdict.reason}
            )
        details = {
            **verdict.details,
            "broken, but not promised": verdict.reason,
            "not promised because": self.because,
        }
        if self.explain is not None and verdict.evidence is not None:
            details["why it came about"] = self.explain(history, verdict.evidence)
        return valid(self.name, details)
