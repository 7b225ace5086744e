"""One trial: from a plan to a verdict, by way of a cluster and a history.

Every environment gives the same: a history, the faults as applied, and what failed without one.
The verdict merges the judgement of the workload's checkers over the history with what the
environment itself saw (Raft's properties, liveness, agreement of the stores).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from checkers.checker import compose
from checkers.collector import rare_collections
from checkers.history import History, Op
from checkers.verdict import Evidence, Verdict, invalid, merge, valid
from checkers.watch_history import WatchRecord
from harness.environments.progress import Progress
from harness.environments.simulation.mutants.mutant import planted
from harness.environments.simulation.mutants.registry import mutant_named
from harness.environments.simulation.simulation import (
    Failure,
    Simulation,
    SimulationResult,
)
from harness.environments.simulation.streams import OnDraw, Streams
from harness.environments.simulation.trace import TraceSink
from harness.errors import UsageError
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Generator
from harness.generator.listed import Listed, ListedOperation
from harness.generator.sources import DONE
from harness.plan import Plan
from harness.schedules import excuses_in
from harness.tripwire import armed
from harness.workloads.registry import checkers_for, fleet_maker, workload_named
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND

SIMULATION: Final = "simulation"
"""The environment of these trials; the others are `harness.real_trial`'s."""

_SYSTEMS: Final = ("nodeimpl",)
"""Stores that can be simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What came of a trial."""

    plan: Plan
    verdict: Verdict
    history: History
    watched: Sequence[WatchRecord]
    """What clients that watch were told; empty where nobody watched."""
    simulation: SimulationResult


def run_trial(  # noqa: PLR0913 - the trial, and all who wish to hear of it
    plan: Plan,
    schedule: Schedule,
    *,
    record: Callable[[Op], None] | None = None,
    record_watch: Callable[[WatchRecord], None] | None = None,
    sink: TraceSink | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_draw: OnDraw | None = None,
    operations: Sequence[ListedOperation] | None = None,
    streams: Streams | None = None,
) -> TrialResult:
    """Run the trial that `plan` describes under the faults of `schedule`, and judge it.

    `operations` are those that the plan lists, None if it lists none; `streams` those of the
    plan's seed, unless given. `record` is told of every op as it happens, `record_watch` of
    whatever a watcher hears, `sink` of every transition, `on_draw` of every number drawn. Raises
    `TripwireError` if simulated code asks for real time or chance.
    """
    _require_known(plan)
    workload = workload_named(plan.workload.name)
    ops: list[Op] = []
    watched: list[WatchRecord] = []

    def keep(op: Op) -> None:
        ops.append(op)
        if record is not None:
            record(op)

    def keep_watch(told: WatchRecord) -> None:
        watched.append(told)
        if record_watch is not None:
            record_watch(told)

    with planted(mutant_named(plan.mutant)) as node_class:
        simulation = Simulation(
            plan,
            schedule=schedule,
            streams=streams or Streams(plan.seed, on_draw),
            client=workload.client(plan),
            node_class=node_class,
            record=keep,
            sink=sink,
            fleet=fleet_maker(plan),
            record_watch=keep_watch,
        )
        with rare_collections(leaves_cycles=True), armed():
            result = simulation.run(
                load_of(plan, operations),
                lambda keys: final_reads_of(plan, keys),
                progress or (lambda _: None),
            )
    history = History(ops)
    verdict = merge("trial", [*_verdicts_of(result), judge(plan, history, watched, schedule)])
    return TrialResult(
        plan=plan, verdict=verdict, history=history, watched=watched, simulation=result
    )


def _require_known(plan: Plan) -> None:
    """Raise `UsageError` if the plan asks for what cannot be simulated."""
    if plan.environment != SIMULATION:
        raise UsageError(f"there is no environment {plan.environment!r}")
    if plan.system not in _SYSTEMS:
        raise UsageError(
            f"{plan.system!r} cannot be simulated, only {', '.join(_SYSTEMS)}; try --env local"
        )


def load_of(plan: Plan, operations: Sequence[ListedOperation] | None) -> Generator:
    """Return the load: the operations, if the plan lists any, or else what its workload draws."""
    if operations is None:
        if plan.workload.operations is not None:
            raise UsageError(f"the operations of {plan.workload.operations} are missing")
        return workload_named(plan.workload.name).generator(plan)
    return TimeLimit(round(plan.workload.time_limit_s * SECOND), Listed(operations))


def final_reads_of(plan: Plan, keys: Sequence[str]) -> Generator:
    """Return what is to be read in the end, `keys` being those that the load was about."""
    if not plan.workload.final_reads:
        return DONE
    return workload_named(plan.workload.name).final_generator(plan, keys)


def judge(
    plan: Plan,
    history: History,
    watched: Sequence[WatchRecord] = (),
    schedule: Schedule | None = None,
) -> Verdict:
    """Return the verdict of the plan's workload on `history`, and on what watchers were told.

    Where the schedule is known, it says what was broken; else what the plan drew from does.
    """
    if schedule is not None:
        faults = replace(plan.faults, packages=excuses_in(schedule), schedule=None)
        plan = replace(plan, faults=faults)
    checker = compose(plan.workload.name, checkers_for(plan, watched))
    return checker.check(history, plan.checks.budget)


def _verdicts_of(result: SimulationResult) -> list[Verdict]:
    """Return one verdict for each thing the simulation judged; none for what it did not reach."""
    failure = result.failure
    if failure is not None:
        return [_conviction(failure)]
    return [
        valid("raft", {"commits": result.commit_count, "elections": result.election_count}),
        valid("liveness", {"recovered after": f"{(result.recovery_ns or 0) / SECOND:.1f} s"}),
        valid("agreement"),
    ]


def _conviction(failure: Failure) -> Verdict:
    before = "\n".join(transition.line() for transition in failure.before)
    return invalid(
        failure.judge,
        f"{failure.rule}: {failure.story}",
        Evidence(
            operations=(),
            story=f"{failure.story}.\nThe last transitions before it:\n{before}",
            facts={"rule": failure.rule, "at_ns": failure.at_ns},
        ),
    )
