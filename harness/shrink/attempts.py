"""Attempts at a smaller case: each is one trial, which fails in the same way, or does not.

What was tried is not tried again, and what it may cost all together is bounded.
"""

import time
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from harness.case import Case, as_texts, run_case
from harness.conviction import kinds_of
from harness.errors import HarnessError
from harness.trial import TrialResult
from nemesis.inject import InjectionError

OnAttempt: TypeAlias = Callable[["Attempts"], None]


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What shrinking may cost."""

    trials_max: int = 2_000
    cpu_s: float = 10.0
    """Of this process; a trial that has begun is not broken off."""


class SpentError(Exception):
    """The budget is spent; the smallest case so far stands."""


class Attempts:
    """Tries cases in simulation, and knows the last that failed in the right way."""

    def __init__(self, kind: str, budget: Budget, on_attempt: OnAttempt) -> None:
        """`kind` is that of the conviction to keep (`harness.conviction`)."""
        self.kind = kind
        self.phase = ""
        """What is being tried to make smaller, for progress."""
        self.trials = 0
        self._budget = budget
        self._on_attempt = on_attempt
        self._started = time.process_time()
        self._known: dict[bytes, None] = {}
        """What was tried; of those that failed rightly, only the last is of interest."""
        self._case: Case | None = None
        self._result: TrialResult | None = None

    @property
    def case(self) -> Case:
        """The last case that failed in the right way: the smallest, if each was smaller."""
        assert self._case is not None, "the first case has not failed yet"
        return self._case

    @property
    def result(self) -> TrialResult:
        """What came of its trial."""
        assert self._result is not None, "the first case has not failed yet"
        return self._result

    @property
    def cpu_seconds(self) -> float:
        """What all this has cost so far."""
        return time.process_time() - self._started

    def fails(self, case: Case) -> bool:
        """Say whether the case is new and fails in the right way; then it is `case` from now on.

        A case that the harness cannot run does not. Raises `SpentError` instead of a trial beyond
        the budget.
        """
        key = msgspec.msgpack.encode(as_texts(case))
        if key in self._known:
            return False
        self._known[key] = None
        return self._try(case)

    def _try(self, case: Case) -> bool:
        if self.trials >= self._budget.trials_max or self.cpu_seconds >= self._budget.cpu_s:
            raise SpentError
        self.trials += 1
        try:
            result = run_case(case)
        except (HarnessError, InjectionError):
            return False
        failed = self.kind in kinds_of(result.verdict)
        if failed:
            self._case, self._result = case, result
        self._on_attempt(self)
        return failed
