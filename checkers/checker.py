"""What every checker offers, what it may spend, and how several make one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from checkers.history import History
from checkers.verdict import Verdict, merge, unknown

_CONFIGURATION_BYTES: Final = 400
"""What one remembered configuration takes: two tuples, three ints, and their places in lists."""

_REFERENCE_BYTES: Final = 8


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What one checker may spend on one history.

    Counted, not measured, so that a budget means the same on every machine. A checker that runs out
    answers `UNKNOWN`, and says how far it got. Checkers that do not search spend what grows with
    the history, and nothing else.
    """

    steps_max: int = 20_000_000
    """Steps of the checker's innermost search, at least 1; each checker documents its step."""
    memory_mb_max: int = 512
    """Megabytes that a search may remember things in, besides the history; at least 1."""

    def __post_init__(self) -> None:
        assert self.steps_max >= 1, "a checker without a step cannot answer"
        assert self.memory_mb_max >= 1, "a search must remember where it is"

    @property
    def configurations_max(self) -> int:
        """Return how many configurations a search may hold at once."""
        return self.memory_mb_max * 1024 * 1024 // _CONFIGURATION_BYTES

    @property
    def references_max(self) -> int:
        """Return how many references to things that exist anyhow a search may hold at once."""
        return self.memory_mb_max * 1024 * 1024 // _REFERENCE_BYTES


class Checker(Protocol):
    """Judges histories. A pure function of history and budget."""

    @property
    def name(self) -> str:
        """What its verdicts are signed with."""

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict on `history`, spending no more than `budget`."""


@dataclass(frozen=True, slots=True)
class Composed:
    """Several checkers as one, each with the whole budget; see `compose`."""

    name: str
    checkers: tuple[Checker, ...]

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the worst of all verdicts, with all of them as its parts."""
        return merge(self.name, [_guarded(checker, history, budget) for checker in self.checkers])


def compose(name: str, checkers: Sequence[Checker]) -> Composed:
    """Return a checker that asks every one of `checkers` and merges their verdicts.

    A checker that crashes is `UNKNOWN` with its exception as the reason, and the others are still
    asked. `AssertionError` alone passes through: it is a bug of ours, and we stop.
    """
    return Composed(name=name, checkers=tuple(checkers))


def _guarded(checker: Checker, history: History, budget: Budget) -> Verdict:
    try:
        return checker.check(history, budget)
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever else it was, the answer is UNKNOWN
        kind = type(error).__name__
        return unknown(checker.name, f"the checker crashed: {kind}: {error}", {"exception": kind})
