"""What each fault does to a cluster: a fault that never bites is a bug in the fault.

Short trials of three nodes: for every kind of fault that a package draws, the same seeds with that
kind alone, beside the same seeds without faults. A trial is *bitten* if any figure of its row
differs from what it is without faults; times by more than a tenth, as chance alone moves them.

    .venv/bin/python -m benchmarks.faults [SEEDS [PACKAGE...]]
"""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from checkers.availability import longest_gap
from checkers.history import History, OpType
from checkers.verdict import Answer
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import (
    Crashed,
    Members,
    Noted,
    Role,
    Started,
    Stopped,
    Transition,
)
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.trial import TrialResult, run_trial
from nemesis.applied import Outcome, Phase
from nemesis.generate import generate
from nemesis.packages import REAL_ONLY, Package
from nemesis.schedule import Asked, Schedule
from nodeimpl.ids import MILLISECOND, SECOND

SEEDS_DEFAULT = 50
NODES = 3
SECONDS = 5.0
INTERVAL_NS = SECOND
LEFT_OUT = (*REAL_ONLY, Package.DEFRAGMENT)
"""Of which the simulation has none, or nothing that it could do: its stores have no file."""

GAP_MS_MIN, LATENCY_MS_MIN = 20.0, 0.5
"""Differences below these are chance."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of one trial, or of several on average."""

    elections: float
    candidacies: float
    """Times that a node stood, or asked whether to stand, for election."""
    longest_gap_ms: float
    """In which no client got an ok."""
    latency_ms: float
    """Mean time to an ok."""
    lost: float
    """Messages lost or cut off."""
    odd: float
    """Messages doubled, overtaken or held back."""
    restarts: float
    """Daemons that came back, with what they recovered."""
    stops: float
    """Daemons that stopped by themselves: a failed or full disk."""
    refusals: float
    """Daemons that would not start, over a damaged log."""
    lost_bytes: float
    """Of logs, in power cuts."""
    compactions: float
    changes: float
    """Of the members in force, as any node saw them."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial's figures and verdict."""

    figures: Figures
    fault_count: int
    verdict: Answer


class Counts:
    """Counts transitions as they happen."""

    def __init__(self) -> None:
        self.candidacies = 0
        self.restarts = 0
        self.stops = 0
        self.refusals = 0
        self.lost_bytes = 0
        self.compactions = 0
        self.changes = 0

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Count `transition`."""
        match transition.what:
            case Role(role=role):
                self.candidacies += role not in ("follower", "leader")
            case Started(incarnation=incarnation):
                self.restarts += incarnation > 1
            case Stopped(reason=reason):
                is_refusal = reason.startswith("it refuses")
                self.refusals += is_refusal
                self.stops += not is_refusal
            case Crashed(lost_bytes=lost_bytes):
                self.lost_bytes += lost_bytes
            case Members():
                self.changes += 1
            case Noted(words=words):
                self.compactions += "compaction" in words and words.endswith("done")
            case _:
                pass


def plan_of(seed: int, packages: Sequence[Package]) -> Plan:
    """Return the plan of one trial; its packages tell the checkers who may compact."""
    return Plan(
        seed=seed,
        nodes=NODES,
        workload=WorkloadPlan(name="kv", rate=50.0, time_limit_s=SECONDS),
        faults=FaultPlan(packages=tuple(packages)),
    )


def schedule_of(seed: int, package: Package) -> Schedule:
    """Return what `package` draws from a seed."""
    return generate(
        Streams(seed).named,
        (package,),
        plan_of(seed, (package,)).node_names,
        seed=seed,
        duration_ns=round(SECONDS * SECOND),
        interval_ns=INTERVAL_NS,
    )


def run(seed: int, packages: Sequence[Package], asked: Sequence[Asked]) -> Trial:
    """Run one trial under these faults, which the packages draw."""
    plan, schedule = plan_of(seed, packages), Schedule(seed=seed, asked=tuple(asked))
    counts = Counts()
    result = run_trial(plan, schedule, sink=counts)
    done = [
        applied
        for applied in result.simulation.schedule.applied
        if applied.phase is Phase.BEGIN and applied.outcome is Outcome.DONE
    ]
    return Trial(
        figures=figures_of(result, counts), fault_count=len(done), verdict=result.verdict.answer
    )


def figures_of(result: TrialResult, counts: Counts) -> Figures:
    """Return the figures of one trial."""
    fates = result.simulation.message_fates
    gap = longest_gap(result.history)
    return Figures(
        elections=result.simulation.election_count,
        candidacies=counts.candidacies,
        longest_gap_ms=0.0 if gap is None else gap.duration_ns / MILLISECOND,
        latency_ms=latency_ms(result.history),
        lost=fates.lost + fates.cut,
        odd=fates.duplicated + fates.reordered + fates.held,
        restarts=counts.restarts,
        stops=counts.stops,
        refusals=counts.refusals,
        lost_bytes=counts.lost_bytes,
        compactions=counts.compactions,
        changes=counts.changes,
    )


def is_bitten(trial: Figures, calm: Figures) -> bool:
    """Say whether the faults did anything to the trial that is `calm` without them."""
    times = (
        (trial.longest_gap_ms, calm.longest_gap_ms, GAP_MS_MIN),
        (trial.latency_ms, calm.latency_ms, LATENCY_MS_MIN),
    )
    times_differ = any(abs(a - b) > max(least, b / 10) for a, b, least in times)
    timeless = replace(trial, longest_gap_ms=calm.longest_gap_ms, latency_ms=calm.latency_ms)
    return times_differ or timeless != calm


def latency_ms(history: History) -> float:
    """Return the mean time from asking to an ok."""
    latencies = [
        operation.completion.time - operation.invoke.time
        for operation in history.operations()
        if operation.completion is not None and operation.completion.type is OpType.OK
    ]
    return statistics.fmean(latencies) / MILLISECOND if latencies else 0.0


def numbers(figures: Figures) -> list[float]:
    """Return the figures in their order."""
    return [
        figures.elections,
        figures.candidacies,
        figures.longest_gap_ms,
        figures.latency_ms,
        figures.lost,
        figures.odd,
        figures.restarts,
        figures.stops,
        figures.refusals,
        figures.lost_bytes,
        figures.compactions,
        figures.changes,
    ]


def print_row(name: str, trials: Sequence[Trial], calm: Sequence[Trial]) -> None:
    """Print what one package did on average, and in how many trials it did anything."""
    columns = zip(*(numbers(trial.figures) for trial in trials), strict=True)
    means = "".join(f"{statistics.fmean(column):9.1f}" for column in columns)
    pairs = zip(trials, calm, strict=True)
    bitten = sum(is_bitten(trial.figures, other.figures) for trial, other in pairs)
    faults = statistics.fmean(trial.fault_count for trial in trials)
    convicted = sum(trial.verdict is Answer.INVALID for trial in trials)
    flag = "" if bitten or trials is calm else "   NEVER BITES"
    verdicts = f"   {convicted} INVALID" if convicted else ""
    print(f"{name:<24}{faults:7.1f}{means}{bitten:5}/{len(trials)}{flag}{verdicts}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 1 if a fault never bites or a verdict is INVALID, else 0."""
    seeds = range(1, 1 + (int(arguments[0]) if arguments else SEEDS_DEFAULT))
    packages = [Package(name) for name in arguments[1:]] or [
        package for package in Package if package not in LEFT_OUT
    ]
    names = [field.name.replace("_", " ") for field in fields(Figures)]
    print(f"mean of {len(seeds)} trials of {NODES} nodes and {SECONDS:g} s")
    print(f"{'':<24}{'faults':>7}" + "".join(f"{_short(name):>9}" for name in names) + "  bitten")
    calm = [run(seed, (), ()) for seed in seeds]
    print_row("(none)", calm, calm)
    is_good = True
    for package in packages:
        drawn = {seed: schedule_of(seed, package).asked for seed in seeds}
        for kind in sorted({asked.fault.do for all_asked in drawn.values() for asked in all_asked}):
            trials = [
                run(seed, (package,), [asked for asked in drawn[seed] if asked.fault.do == kind])
                for seed in seeds
            ]
            print_row(f"{package} {kind}", trials, calm)
            is_good &= is_as_it_should_be(trials, calm)
    return 0 if is_good else 1


def is_as_it_should_be(trials: Sequence[Trial], calm: Sequence[Trial]) -> bool:
    """Say whether the fault bites in some trial and convicts nobody."""
    pairs = zip(trials, calm, strict=True)
    bites = any(is_bitten(trial.figures, other.figures) for trial, other in pairs)
    return bites and all(trial.verdict is not Answer.INVALID for trial in trials)


def _short(name: str) -> str:
    return {
        "longest gap ms": "gap ms",
        "latency ms": "ok ms",
        "restarts": "starts",
        "refusals": "refused",
        "compactions": "compacts",
        "lost bytes": "bytes",
        "elections": "elects",
        "candidacies": "stands",
    }.get(name, name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
