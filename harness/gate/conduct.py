"""Runs the trials of a gate, each again if it told nothing, within its budget.

How one trial is run, and where, is not known here: that is a function of the caller.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Final

import msgspec

from harness.gate.outcome import Attempt, Ending, Result
from harness.gate.suite import Trial

STEPS_FACTOR: Final = 10
"""A trial whose verdict is UNKNOWN is judged once more with so many times the steps."""

Run = Callable[[Trial], Attempt]
"""Runs one trial. A function of a module, or a partial of one: it travels to other processes."""


def attempts_at(trial: Trial, run: Run) -> tuple[Attempt, ...]:
    """Return what came of `trial`, tried again if it neither passed nor convicted."""
    first = run(trial)
    if first.ending in (Ending.PASSED, Ending.INVALID):
        return (first,)
    checks = msgspec.structs.replace(
        trial.plan.checks, steps_max=min(10**9, trial.plan.checks.steps_max * STEPS_FACTOR)
    )
    plan = msgspec.structs.replace(trial.plan, checks=checks)
    return first, run(msgspec.structs.replace(trial, plan=plan))


class Clock:
    """Says whether time is left for a case and for the whole."""

    def __init__(
        self, now_s: Callable[[], float], whole_s: float | None, cases_s: Mapping[str, float | None]
    ) -> None:
        """`cases_s` has the budget of every case, by its name without the matrix."""
        self._now_s: Final = now_s
        self._cases_s: Final = cases_s
        self._begun_s: dict[str, float] = {}
        self._end_s: Final = None if whole_s is None else now_s() + whole_s

    def has_time_for(self, trial: Trial) -> bool:
        """Say whether `trial` may begin."""
        now = self._now_s()
        if self._end_s is not None and now >= self._end_s:
            return False
        case = trial.case.split("[")[0]
        budget = self._cases_s.get(case)
        return budget is None or now < self._begun_s.setdefault(case, now) + budget


def run_trials(
    trials: Sequence[Trial], run: Run, *, jobs: int, clock: Clock
) -> Iterator[tuple[Trial, tuple[Attempt, ...]]]:
    """Yield what came of each trial, as it ends; `jobs` processes share the work."""
    if jobs == 1:
        for trial in trials:
            in_time = clock.has_time_for(trial)
            yield trial, attempts_at(trial, run) if in_time else (_not_run(),)
        return
    # Fresh processes: a fork would take over whatever threads and caches the caller has.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        under_way: dict[Future[tuple[Attempt, ...]], Trial] = {}
        for trial in trials:
            if len(under_way) >= jobs:
                yield from _finished(under_way)
            if clock.has_time_for(trial):
                under_way[pool.submit(attempts_at, trial, run)] = trial
            else:
                yield trial, (_not_run(),)
        while under_way:
            yield from _finished(under_way)


def _finished(
    under_way: dict[Future[tuple[Attempt, ...]], Trial],
) -> Iterator[tuple[Trial, tuple[Attempt, ...]]]:
    """Wait until one at least has ended, and yield those that have."""
    wait(under_way, return_when=FIRST_COMPLETED)
    for future in [each for each in under_way if each.done()]:
        yield under_way.pop(future), future.result()


def _not_run() -> Attempt:
    return Attempt(ending=Ending.UNKNOWN, reason="the budget was spent before it began")


def result_of(trial: Trial, attempts: tuple[Attempt, ...], suite: str) -> Result:
    """Return the result of `trial`, which is of the suite in the file `suite`."""
    kept = attempts[-1].run
    repeat = f"quorate replay {kept}" if kept else f"quorate gate {suite} --only {trial.case}"
    return Result(
        group=trial.case,
        name=f"seed {trial.seed}" + (" (fresh)" if trial.is_fresh else ""),
        attempts=attempts,
        repeat=repeat,
    )
