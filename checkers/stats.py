"""How many operations of each kind happened: the check that a run tested anything at all."""

from dataclasses import dataclass

import msgspec

from checkers.checker import Budget
from checkers.history import History, OpType
from checkers.verdict import Verdict, unknown, valid


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Operations by outcome."""

    ok_count: int = 0
    fail_count: int = 0
    info_count: int = 0
    """Of unknown outcome, those still in flight at the end included."""


def tally(history: History) -> dict[str, Tally]:
    """Return the outcomes of clients' operations by `f`, in the order of the alphabet."""
    counts: dict[str, dict[OpType, int]] = {}
    for operation in history.operations():
        of_f = counts.setdefault(operation.f, dict.fromkeys(OpType, 0))
        of_f[operation.outcome] += 1
    return {
        f: Tally(
            ok_count=count[OpType.OK],
            fail_count=count[OpType.FAIL],
            info_count=count[OpType.INFO],
        )
        for f, count in sorted(counts.items())
    }


@dataclass(frozen=True, slots=True)
class Stats:
    """A checker that is `UNKNOWN` if some `f` has fewer than `ok_count_min` ok operations.

    A store that answers nothing breaks no promise, and proves none either. Its details are the
    tallies by `f`. It takes no steps.
    """

    ok_count_min: int = 1
    name: str = "stats"

    def check(self, history: History, budget: Budget) -> Verdict:  # noqa: ARG002 - one pass
        """Return whether enough operations happened; never `INVALID`."""
        tallies = tally(history)
        details: dict[str, object] = {f: msgspec.to_builtins(of_f) for f, of_f in tallies.items()}
        if not tallies:
            return unknown(self.name, "no operation was ever invoked", details)
        scarce = [
            f"{f} ({of_f.ok_count})"
            for f, of_f in tallies.items()
            if of_f.ok_count < self.ok_count_min
        ]
        if scarce:
            return unknown(
                self.name,
                f"too few ok operations of {', '.join(scarce)};"
                f" expected at least {self.ok_count_min} of each",
                details,
            )
        return valid(self.name, details)
