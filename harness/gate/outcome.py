"""What came of everything that a gate ran."""

import enum
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

EXIT_HARNESS: Final = 3


class Ending(enum.StrEnum):
    """How one trial or regression ended; only the first passes."""

    PASSED = "passed"
    INVALID = "invalid"
    """The store broke a promise; of a regression: its verdict is not the recorded one."""
    UNKNOWN = "unknown"
    """Nobody could tell, twice; or the budget was spent before it began."""
    HARNESS = "harness failure"
    """Our own side broke, twice."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a trial."""

    ending: Ending
    reason: str = ""
    """In a sentence, why it did not pass."""
    story: str = ""
    """What the checker says, for people."""
    run: str | None = None
    """The directory that was kept; None if none was."""
    seconds: float = 0.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one trial or regression."""

    group: str
    """The case, or the folder of regressions."""
    name: str
    """The seed, or the file."""
    attempts: tuple[Attempt, ...]
    """One, or two where the first told nothing."""
    repeat: str
    """The command that shows the same again."""

    @property
    def last(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[-1]

    @property
    def passed(self) -> bool:
        """Whether it passed, if only the second time."""
        return self.last.ending is Ending.PASSED

    @property
    def retried(self) -> str:
        """Why it was tried again; empty if it was not."""
        if len(self.attempts) == 1:
            return ""
        first = self.attempts[0]
        return f"{first.ending}: {first.reason}"


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a whole suite."""

    suite: str
    fresh_from: int
    """What the fresh seeds were drawn from."""
    results: tuple[Result, ...]
    seconds: float

    def count(self, ending: Ending) -> int:
        """Return how many ended so."""
        return sum(result.last.ending is ending for result in self.results)

    @property
    def exit_code(self) -> int:
        """0 if all passed, else that of the worst: 1 invalid, 3 harness failure, 2 unknown."""
        for ending, code in (
            (Ending.INVALID, 1),
            (Ending.HARNESS, EXIT_HARNESS),
            (Ending.UNKNOWN, 2),
        ):
            if self.count(ending):
                return code
        return 0

    def groups(self) -> Iterator[tuple[str, Sequence[Result]]]:
        """Yield every group with its results, in the order in which they were run."""
        for group in dict.fromkeys(result.group for result in self.results):
            yield group, [result for result in self.results if result.group == group]

    def failures(self) -> list[Result]:
        """Return what did not pass."""
        return [result for result in self.results if not result.passed]
