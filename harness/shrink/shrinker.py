"""From a run that fails to the smallest that fails in the same way.

What makes the trials that follow cheap comes first: what came after the failure, watchers, faults
and nodes, then operations, settings, clients and times; round after round until nothing can be left
out any more, or the budget is spent.
"""

from typing import Final

import msgspec

from harness.case import Case
from harness.conviction import kinds_of
from harness.shrink.attempts import Attempts, Budget, OnAttempt, SpentError
from harness.shrink.passes import (
    Pass,
    default_settings,
    fewer_clients,
    fewer_faults,
    fewer_nodes,
    fewer_operations,
    lower_thresholds,
    no_watchers,
    shorter_times,
)
from harness.shrink.start import cut_short, failing, start
from harness.trial import TrialResult

ROUNDS_MAX: Final = 4

PASSES: Final[tuple[Pass, ...]] = (
    cut_short,
    no_watchers,
    fewer_faults,
    fewer_nodes,
    lower_thresholds,
    fewer_operations,
    default_settings,
    fewer_clients,
    shorter_times,
)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How large a trial was."""

    faults: int
    """That were asked for."""
    operations: int
    """That clients did, final reads included."""
    nodes: int
    load_s: float


class Shrunk(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a run."""

    kind: str
    """Of the conviction, the same before and after (`harness.conviction`)."""
    case: Case
    result: TrialResult
    """Of the last trial of `case`."""
    before: Size
    after: Size
    trials: int
    cpu_seconds: float
    is_minimal: bool
    """Whether nothing more could be left out; False if the budget was spent before."""


def shrink(case: Case, *, budget: Budget, on_attempt: OnAttempt = lambda _: None) -> Shrunk:
    """Return the smallest case found that fails as `case` does.

    Raises `UsageError` if it does not fail.
    """
    first = failing(case)
    kind = kinds_of(first.verdict)[0]
    attempts = Attempts(kind, budget, on_attempt)
    before = _size(first)
    is_minimal = True
    try:
        start(attempts, case, first)
        for _ in range(ROUNDS_MAX):
            smallest = attempts.case
            for each in PASSES:
                each(attempts)
            if attempts.case == smallest:
                break
    except SpentError:
        is_minimal = False
    return Shrunk(
        kind=kind,
        case=attempts.case,
        result=attempts.result,
        before=before,
        after=_size(attempts.result),
        trials=attempts.trials,
        cpu_seconds=attempts.cpu_seconds,
        is_minimal=is_minimal,
    )


def _size(result: TrialResult) -> Size:
    return Size(
        faults=len(result.simulation.schedule.asked),
        operations=len(result.history.operations()),
        nodes=result.plan.nodes,
        load_s=result.plan.workload.time_limit_s,
    )
