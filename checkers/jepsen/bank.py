"""Transfers move money, and make none (Jepsen's bank): every read of all accounts has one total."""

from dataclasses import dataclass
from typing import Final

import msgspec

from checkers.checker import Budget
from checkers.history import History, Operation
from checkers.jepsen.answers import answered, conviction, in_words
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "bank"


@dataclass(frozen=True, slots=True)
class Bank:
    """Judges histories of `transfer` and `read`. It takes no steps."""

    total: int | None = None
    """What all accounts have together; None: what the first read says."""
    negative_allowed: bool = False
    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if the accounts were never read."""
        del budget
        reads = answered(history, "read")
        if not reads:
            return unknown(self.name, "the accounts were never read")
        try:
            balances = [msgspec.convert(read.result, dict[str, int]) for read in reads]
        except msgspec.ValidationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return self._judge(reads, balances)

    def _judge(self, reads: list[Operation], balances: list[dict[str, int]]) -> Verdict:
        first = reads[0]
        total = sum(balances[0].values()) if self.total is None else self.total
        accounts = sorted(balances[0])
        for read, held in zip(reads, balances, strict=True):
            if sorted(held) != accounts:
                story = f"{in_words(first)} saw other accounts than {in_words(read)}"
                return conviction(self.name, "other-accounts", story, [first, read])
            if sum(held.values()) != total:
                story = f"{in_words(read)} saw {sum(held.values())} in all; expected {total}"
                return conviction(self.name, "wrong-total", story, [first, read])
            overdrawn = sorted(account for account, balance in held.items() if balance < 0)
            if overdrawn and not self.negative_allowed:
                story = f"{in_words(read)} saw less than nothing in {', '.join(overdrawn)}"
                return conviction(self.name, "negative-balance", story, [read])
        return valid(self.name, {"reads": len(reads), "total": total})
