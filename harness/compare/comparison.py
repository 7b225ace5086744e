"""Several plans, many seeds: every trial's figures, and which plans differ in what.

The first plan is the one that the others are compared with.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, NamedTuple

import msgspec
import pandas as pd

from checkers.verdict import Answer
from harness.compare.figures import FaultFigures, Measured, TrialFigures
from harness.compare.simulated import Case
from harness.compare.statistics import (
    SIGNIFICANCE,
    Difference,
    Interval,
    holm,
    mean_interval,
    paired_difference,
)


class Shown(NamedTuple):
    """A figure that is compared."""

    name: str
    """A column of the trials' table."""
    words: str
    digits: int
    scale: float = 1.0


SHOWN: Final = (
    Shown("ok_share", "ok %", 1, 100.0),
    Shown("fail_share", "fail %", 1, 100.0),
    Shown("info_share", "info %", 2, 100.0),
    Shown("ok_per_s", "ok per second", 1),
    Shown("unavailable_ms", "unavailable, ms", 0),
    Shown("longest_silence_ms", "longest silence, ms", 0),
    Shown("outage_ms_mean", "silenced per fault, ms", 0),
    Shown("recovery_ms_mean", "recovery after a fault, ms", 0),
    Shown("recovery_ms_max", "slowest recovery, ms", 0),
    Shown("latency_ms_p50", "latency p50, ms", 2),
    Shown("latency_ms_p99", "latency p99, ms", 1),
    Shown("elections", "elections", 2),
    Shown("faults", "faults", 1),
    Shown("faults_without_effect", "faults without effect", 1),
)


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one plan beside that of the first."""

    difference: Difference
    p: float
    """Corrected for all that is looked at."""

    @property
    def differs(self) -> bool:
        """Whether this is called a difference."""
        return self.p < SIGNIFICANCE


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. Plans are named in the order in which they were given."""

    variants: tuple[str, ...]
    seeds: int
    trials: tuple[TrialFigures, ...]
    faults: tuple[FaultFigures, ...]

    def values(self, variant: str, figure: str) -> dict[int, float]:
        """Return a figure of every trial of `variant`, by seed, where it is known."""
        known: dict[int, float] = {}
        for trial in self._of(variant):
            value: object = msgspec.structs.asdict(trial)[figure]
            if isinstance(value, int | float):
                known[trial.seed] = float(value)
        return known

    def interval(self, variant: str, figure: str) -> Interval | None:
        """Return the mean of a figure over the trials of `variant`; None if it is not known."""
        return mean_interval(list(self.values(variant, figure).values()))

    def verdicts(self, variant: str) -> dict[str, int]:
        """Return how many trials of `variant` there are of each verdict, the best first."""
        answers = [trial.verdict for trial in self._of(variant)]
        return {each.name: answers.count(each.name) for each in Answer if each.name in answers}

    def worst(self) -> Answer:
        """Return the worst verdict of any trial."""
        return max(Answer[trial.verdict] for trial in self.trials)

    def compared(self) -> dict[tuple[str, str], Compared]:
        """Return, by figure and plan, how each plan after the first differs from it."""
        first, *others = self.variants
        found: dict[tuple[str, str], Difference] = {}
        for figure in SHOWN:
            ours = self.values(first, figure.name)
            for variant in others:
                theirs = self.values(variant, figure.name)
                seeds = [seed for seed in theirs if seed in ours]
                difference = paired_difference(
                    [theirs[seed] for seed in seeds], [ours[seed] for seed in seeds]
                )
                if difference is not None:
                    found[figure.name, variant] = difference
        raised = holm([difference.p for difference in found.values()])
        return {
            place: Compared(difference=difference, p=p)
            for (place, difference), p in zip(found.items(), raised, strict=True)
        }

    def trials_table(self) -> pd.DataFrame:
        """Return one row for each trial."""
        return pd.DataFrame([msgspec.to_builtins(trial) for trial in self.trials])

    def faults_table(self) -> pd.DataFrame:
        """Return one row for each fault of each trial."""
        columns = list(FaultFigures.__struct_fields__)
        return pd.DataFrame([msgspec.to_builtins(each) for each in self.faults], columns=columns)

    def summary_table(self) -> pd.DataFrame:
        """Return one row for each figure of each plan: mean, interval, and how it differs."""
        compared = self.compared()
        rows: list[dict[str, object]] = []
        for figure in SHOWN:
            for variant in self.variants:
                interval = self.interval(variant, figure.name)
                if interval is None:
                    continue
                row: dict[str, object] = {"figure": figure.name, "variant": variant}
                row |= {"mean": interval.mean, "low": interval.low, "high": interval.high}
                beside = compared.get((figure.name, variant))
                if beside is not None:
                    between = beside.difference.difference
                    row |= {"difference": between.mean, "difference_low": between.low}
                    row |= {"difference_high": between.high, "p": beside.p}
                    row["differs"] = beside.differs
                rows.append(row)
        return pd.DataFrame(rows)

    def _of(self, variant: str) -> Iterator[TrialFigures]:
        return (trial for trial in self.trials if trial.variant == variant)


def run_all(
    cases: Sequence[Case],
    run: Callable[[Case], Measured],
    *,
    jobs: int,
    done: Callable[[], None],
) -> list[Measured]:
    """Return what each case came to, in their order; `jobs` processes share the work.

    `run` is a function of a module. `done` is called for each case.
    """
    measured: list[Measured] = []
    if jobs == 1:
        for case in cases:
            measured.append(run(case))
            done()
        return measured
    # Fresh processes: a fork would take over whatever threads and caches the caller has.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for each in pool.map(run, cases):
            measured.append(each)
            done()
    return measured


def comparison_of(variants: Sequence[str], seeds: int, measured: Sequence[Measured]) -> Comparison:
    """Return the comparison of these trials."""
    return Comparison(
        variants=tuple(variants),
        seeds=seeds,
        trials=tuple(each.trial for each in measured),
        faults=tuple(fault for each in measured for fault in each.faults),
    )


def jobs_default() -> int:
    """Return as many processes as there are processors."""
    return os.cpu_count() or 1
