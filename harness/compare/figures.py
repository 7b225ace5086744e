"""What one trial of a comparison comes to, in numbers.

Times are milliseconds. Only what happened while the load lasted counts: the final reads of a healed
cluster would flatter a slow one.
"""

import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.availability import Gap, gaps, longest_gap
from checkers.history import History, Op, OpType
from checkers.verdict import Answer, Verdict
from harness.plan import Plan
from harness.report.effects import Effects, Felt, effects_of, is_error
from harness.report.roles import RoleSpan, elections
from nemesis.applied import Applied
from nodeimpl.ids import MILLISECOND, SECOND

SILENCE_NS_MIN: Final = 100 * MILLISECOND
"""A time without an ok counts as unavailable from here on; shorter ones are in the latencies."""


class TrialFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One trial. What nothing is known of is None."""

    variant: str
    """The name of the plan."""
    seed: int
    verdict: str
    operations: int
    ok_share: float
    """Of the operations, from 0 to 1; a comparison that was carried out and false counts as ok."""
    fail_share: float
    info_share: float
    ok_per_s: float
    """While the load lasted; whoever convicts while it does ends it."""
    unavailable_ms: float
    """All times without an ok of at least `SILENCE_NS_MIN`, added up."""
    longest_silence_ms: float
    outage_ms_mean: float | None
    """How long a fault silenced the store, from its beginning."""
    recovery_ms_mean: float | None
    """From the end of a fault to the first ok answer."""
    recovery_ms_max: float | None
    latency_ms_p50: float | None
    """Of ok operations."""
    latency_ms_p99: float | None
    elections: int | None
    """Leaders that came to power while the load lasted."""
    faults: int
    """Carried out."""
    faults_without_effect: int


class FaultFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of one trial that was carried out."""

    variant: str
    seed: int
    fault: int
    do: str
    what: str
    begin_ms: float
    outage_ms: float
    recovery_ms: float | None
    elections: int | None
    felt: str


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and its faults."""

    trial: TrialFigures
    faults: tuple[FaultFigures, ...]


def measure(
    plan: Plan,
    variant: str,
    history: History,
    applied: Sequence[Applied],
    *,
    roles: Sequence[RoleSpan],
    verdict: Verdict,
) -> Measured:
    """Return the figures of a trial of `plan`, of which this is known."""
    load_ns = round(plan.workload.time_limit_s * SECOND)
    loaded = History(_until(history.ops, load_ns))
    if verdict.answer is Answer.INVALID and history.ops:
        load_ns = max(1, min(load_ns, history.ops[-1].time))
    effects = effects_of(history, applied, roles)
    trial = _trial_figures(plan, variant, loaded, effects, (roles, verdict), load_ns)
    return Measured(trial=trial, faults=tuple(_fault_figures(variant, plan.seed, effects)))


def _until(ops: Sequence[Op], end_ns: int) -> list[Op]:
    """Return the ops of operations that were asked for before `end_ns`."""
    asked: dict[int | str, bool] = {}
    kept: list[Op] = []
    for op in ops:
        if op.type is OpType.INVOKE:
            asked[op.process] = op.time < end_ns
        if asked.get(op.process, op.time < end_ns):
            kept.append(op)
    return kept


def _trial_figures(
    plan: Plan,
    variant: str,
    loaded: History,
    effects: Effects,
    known: tuple[Sequence[RoleSpan], Verdict],
    load_ns: int,
) -> TrialFigures:
    roles, verdict = known
    operations = loaded.operations()
    count = max(1, len(operations))
    fails = sum(
        operation.outcome is OpType.FAIL and is_error(operation.outcome, operation.error)
        for operation in operations
    )
    infos = sum(operation.outcome is OpType.INFO for operation in operations)
    oks = sum(operation.outcome is OpType.OK for operation in operations)
    latencies = _ok_latencies(loaded)
    silence = longest_gap(loaded)
    done = [effect for effect in effects.each if effect.felt is not Felt.NOT_DONE]
    recovered = [
        effect.recovery_ns / MILLISECOND for effect in done if effect.recovery_ns is not None
    ]
    return TrialFigures(
        variant=variant,
        seed=plan.seed,
        verdict=verdict.answer.name,
        operations=len(operations),
        ok_share=1 - (fails + infos) / count,
        fail_share=fails / count,
        info_share=infos / count,
        ok_per_s=oks * SECOND / load_ns,
        unavailable_ms=sum(map(_duration_ms, gaps(loaded, SILENCE_NS_MIN))),
        longest_silence_ms=0.0 if silence is None else _duration_ms(silence),
        outage_ms_mean=_mean([effect.silence_ns / MILLISECOND for effect in done]),
        recovery_ms_mean=_mean(recovered),
        recovery_ms_max=max(recovered, default=None),
        latency_ms_p50=_percentile(latencies, 0.5),
        latency_ms_p99=_percentile(latencies, 0.99),
        elections=sum(0 <= reign.start_ns < load_ns for reign in elections(roles))
        if roles
        else None,
        faults=len(done),
        faults_without_effect=effects.count(Felt.NOBODY),
    )


def _ok_latencies(history: History) -> list[float]:
    """Return the latencies of ok operations in milliseconds, rising."""
    return sorted(
        (operation.completion.time - operation.invoke.time) / MILLISECOND
        for operation in history.operations()
        if operation.completion is not None and operation.outcome is OpType.OK
    )


def _duration_ms(gap: Gap) -> float:
    return gap.duration_ns / MILLISECOND


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _percentile(rising: Sequence[float], share: float) -> float | None:
    return rising[min(len(rising) - 1, int(len(rising) * share))] if rising else None


def _fault_figures(variant: str, seed: int, effects: Effects) -> list[FaultFigures]:
    return [
        FaultFigures(
            variant=variant,
            seed=seed,
            fault=effect.id,
            do=effect.do,
            what=effect.what,
            begin_ms=effect.begin_ns / MILLISECOND,
            outage_ms=effect.silence_ns / MILLISECOND,
            recovery_ms=None if effect.recovery_ns is None else effect.recovery_ns / MILLISECOND,
            elections=effect.election_count,
            felt=effect.felt.value,
        )
        for effect in effects.each
        if effect.felt is not Felt.NOT_DONE
    ]
