"""No id is given twice (Jepsen's unique-ids)."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from checkers.checker import Budget
from checkers.history import History, Operation
from checkers.jepsen.answers import answered, conviction, hashable, in_words
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "unique-ids"


@dataclass(frozen=True, slots=True)
class UniqueIds:
    """Judges histories of `generate`. It takes no steps."""

    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if no id was ever given."""
        del budget
        generated = answered(history, "generate")
        if not generated:
            return unknown(self.name, "no id was ever generated")
        first: dict[Hashable, Operation] = {}
        for operation in generated:
            other = first.setdefault(hashable(operation.result), operation)
            if other is not operation:
                story = f"{in_words(other)} and {in_words(operation)} both got {operation.result!r}"
                return conviction(self.name, "id-twice", story, [other, operation])
        return valid(self.name, {"ids": len(generated)})
