"""What a run prints: the plan's essentials, what happened, the verdict by checker, how to repeat.

The last lines are stable, so that scripts can read them: `digest:`, `run:`, `verdict:`.
"""

from collections.abc import Iterator, Mapping

from checkers.history import History, OpType
from checkers.verdict import Answer, Verdict
from harness.conviction import story_of
from harness.environments.real_time.outcome import RealOutcome
from harness.environments.simulation.simulation import SimulationResult
from harness.plan import Plan
from harness.report.wording import counted
from harness.systems.system import System
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND

_STORY_LINES_MAX = 40
_FIGURE_MAX = 60
"""Characters of a detail that stands beside the answer; a longer one is a sentence."""


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the plan's essentials."""
    workload = plan.workload
    faults = plan.faults.schedule or " ".join(plan.faults.packages) or "none"
    mutant = f" with the planted bug {plan.mutant}" if plan.mutant else ""
    yield f"{plan.workload.name} on {plan.system}{mutant} in {plan.environment}, seed {plan.seed}"
    yield (
        f"  {counted(plan.nodes, 'node')}, {counted(workload.concurrency, 'client')}, "
        f"{workload.rate:g} ops/s for {workload.time_limit_s:g} s; faults: {faults}"
    )


def outcome_lines(history: History, result: SimulationResult, cpu_seconds: float) -> Iterator[str]:
    """Yield what happened, in figures."""
    yield _history_line(history)
    yield (
        f"cluster   {counted(result.election_count, 'election')}, "
        f"{result.commit_count} entries committed, {counted(result.message_count, 'message')}, "
        f"{counted(_done_count(result.schedule), 'fault action')}; "
        f"{_recovery(result.recovery_ns)}"
    )
    seconds = result.virtual_ns / SECOND
    yield (
        f"time      {seconds:.1f} s simulated in {cpu_seconds:.2f} s of CPU "
        f"({seconds / max(cpu_seconds, 1e-9):.0f} times real time)"
    )


def real_outcome_lines(history: History, system: System, outcome: RealOutcome) -> Iterator[str]:
    """Yield what happened on real daemons, in figures."""
    yield _history_line(history)
    yield (
        f"cluster   {system.name} {system.version}: {outcome.election_count} leaders seen, "
        f"{outcome.commit_count} entries applied, "
        f"{counted(_done_count(outcome.schedule), 'fault action')}; "
        f"{_recovery(outcome.recovery_ns)}"
    )
    yield (
        f"time      all served {outcome.setup_ns / SECOND:.1f} s after their start; "
        f"the trial took {outcome.wall_ns / SECOND:.1f} s"
    )


def _history_line(history: History) -> str:
    counts = dict.fromkeys(OpType, 0)
    for op in history.client_ops():
        counts[op.type] += 1
    return (
        f"history   {counted(counts[OpType.INVOKE], 'operation')}: {counts[OpType.OK]} ok, "
        f"{counts[OpType.FAIL]} fail, {counts[OpType.INFO]} info"
    )


def _done_count(schedule: Schedule) -> int:
    return sum(1 for applied in schedule.applied if applied.outcome == "done")


def _recovery(recovery_ns: int | None) -> str:
    if recovery_ns is None:
        return "did not recover"
    return f"recovered {recovery_ns / SECOND:.2f} s after the last fault"


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield one line for each checker, and the story behind every answer but VALID."""
    leaves = list(verdict.leaves())
    width = max(len(leaf.checker) for leaf in leaves)
    yield "checks"
    for leaf in leaves:
        yield f"  {leaf.checker:<{width}}  {leaf.answer.name}{_figures(leaf.details)}"
        yield from _remarks(leaf.details)
    for leaf in leaves:
        if leaf.answer is not Answer.VALID:
            yield ""
            yield f"{leaf.checker}: {leaf.reason}"
            yield from _story(leaf)


def _story(verdict: Verdict) -> Iterator[str]:
    lines = story_of(verdict)
    for line in lines[:_STORY_LINES_MAX]:
        yield f"  {line}"
    if len(lines) > _STORY_LINES_MAX:
        yield f"  ... and {len(lines) - _STORY_LINES_MAX} more lines in results.json"


def _figures(details: Mapping[str, object]) -> str:
    shown = [
        f"{name} {value}"
        for name, value in details.items()
        if isinstance(value, int) or (isinstance(value, str) and len(value) <= _FIGURE_MAX)
    ]
    return f"  ({', '.join(shown)})" if shown else ""


def _remarks(details: Mapping[str, object]) -> Iterator[str]:
    """Yield the details that are whole sentences, each on a line of its own."""
    for name, value in details.items():
        if isinstance(value, str) and len(value) > _FIGURE_MAX:
            yield f"    {name}: {value}"
