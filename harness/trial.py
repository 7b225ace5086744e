"""One trial: from a plan to a verdict, by way of a cluster and a history.

Every environment gives the same: a history, the faults as applied, and what failed without one.
The verdict merges the judgement of the workload's checkers over the history with what the
environment itself saw (Raft's properties, liveness, agreement of the stores).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from checkers.checker import Budget, compose
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
from harness.plan import Plan
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
) -> TrialResult:
    """Run the trial that `plan` describes under the faults of `schedule`, and judge it.

    `record` is given every op as it happens, `record_watch` whatever a watcher is told, `sink`
    every transition, `on_draw` every number drawn. Raises `TripwireError` if simulated code asks
    for real time or chance.
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
            streams=Streams(plan.seed, on_draw),
            client=workload.client(plan),
            node_class=node_class,
            record=keep,
            sink=sink,
            fleet=fleet_maker(plan),
            record_watch=keep_watch,
        )
        with rare_collections(), armed():
            result = simulation.run(
                workload.generator(plan),
                lambda keys: workload.final_generator(plan, keys),
                progress or (lambda _: None),
            )
    history = History(ops)
    verdict = merge("trial", [*_verdicts_of(result), judge(plan, history, watched)])
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


def judge(plan: Plan, history: History, watched: Sequence[WatchRecord] = ()) -> Verdict:
    """Return the verdict of the plan's workload on `history`, and on what watchers were told."""
    checker = compose(plan.workload.name, checkers_for(plan, watched))
    return checker.check(history, Budget(steps_max=plan.checks.steps_max))


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
