"""What a run prints: the plan's essentials, what happened, the verdict by checker, how to repeat.

The last lines are stable, so that scripts can read them: `digest:`, `run:`, `verdict:`.
"""

from collections.abc import Iterator, Mapping

from checkers.history import History, OpType
from checkers.verdict import Answer, Verdict
from harness.environments.simulation.simulation import SimulationResult
from harness.plan import Plan
from nodeimpl.ids import SECOND

_STORY_LINES_MAX = 40


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the plan's essentials."""
    workload = plan.workload
    faults = plan.faults.schedule or " ".join(plan.faults.packages) or "none"
    mutant = f" with the planted bug {plan.mutant}" if plan.mutant else ""
    yield f"{plan.workload.name} on {plan.system}{mutant} in {plan.environment}, seed {plan.seed}"
    yield (
        f"  {plan.nodes} nodes, {workload.concurrency} clients, {workload.rate:g} ops/s "
        f"for {workload.time_limit_s:g} s; faults: {faults}"
    )


def outcome_lines(history: History, result: SimulationResult, cpu_seconds: float) -> Iterator[str]:
    """Yield what happened, in figures."""
    counts = dict.fromkeys(OpType, 0)
    for op in history.client_ops():
        counts[op.type] += 1
    yield (
        f"history   {counts[OpType.INVOKE]} operations: {counts[OpType.OK]} ok, "
        f"{counts[OpType.FAIL]} fail, {counts[OpType.INFO]} info"
    )
    recovered = (
        f"recovered {result.recovery_ns / SECOND:.2f} s after the last fault"
        if result.recovery_ns is not None
        else "did not recover"
    )
    done = sum(1 for applied in result.schedule.applied if applied.outcome == "done")
    yield (
        f"cluster   {result.election_count} elections, {result.commit_count} entries committed, "
        f"{result.message_count} messages, {done} fault actions; {recovered}"
    )
    seconds = result.virtual_ns / SECOND
    yield (
        f"time      {seconds:.1f} s simulated in {cpu_seconds:.2f} s of CPU "
        f"({seconds / max(cpu_seconds, 1e-9):.0f} times real time)"
    )


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield one line for each checker, and the story behind every answer but VALID."""
    leaves = list(verdict.leaves())
    width = max(len(leaf.checker) for leaf in leaves)
    yield "checks"
    for leaf in leaves:
        yield f"  {leaf.checker:<{width}}  {leaf.answer.name}{_figures(leaf.details)}"
    for leaf in leaves:
        if leaf.answer is not Answer.VALID:
            yield ""
            yield f"{leaf.checker}: {leaf.reason}"
            yield from _story(leaf)


def _story(verdict: Verdict) -> Iterator[str]:
    if verdict.evidence is None:
        return
    lines = verdict.evidence.story.splitlines()
    for line in lines[:_STORY_LINES_MAX]:
        yield f"  {line}"
    if len(lines) > _STORY_LINES_MAX:
        yield f"  ... and {len(lines) - _STORY_LINES_MAX} more lines in results.json"


def _figures(details: Mapping[str, object]) -> str:
    shown = [f"{name} {value}" for name, value in details.items() if isinstance(value, int | str)]
    return f"  ({', '.join(shown)})" if shown else ""
