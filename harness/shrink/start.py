"""Where shrinking starts: from a run that says "the leader" and draws, to a list of what happened.

A fault as applied and an operation as invoked can be left out one by one, and what is left happens
as before.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from checkers.verdict import Answer
from harness.case import Case, run_case
from harness.conviction import kinds_of
from harness.errors import UsageError
from harness.generator.listed import listed
from harness.shrink.attempts import Attempts
from harness.trial import TrialResult
from nemesis.schedule import Schedule, explicit
from nodeimpl.ids import MILLISECOND, SECOND

AFTER_NS = 20 * MILLISECOND
"""So long the load goes on after what failed."""


def failing(case: Case) -> TrialResult:
    """Run the case as it is and return what came of it.

    Raises `UsageError` if nothing is convicted: there is nothing to shrink.
    """
    result = run_case(case)
    if not kinds_of(result.verdict):
        answer = result.verdict.answer
        raise UsageError(
            f"the run is {answer.name}, and only what is {Answer.INVALID.name} can be made smaller"
        )
    return result


def start(attempts: Attempts, case: Case, result: TrialResult) -> None:
    """Make `attempts` begin with the most explicit form of `case` that still fails.

    `result` is what came of `case`.
    """
    attempts.phase = "explicit"
    for candidate in _forms(case, result):
        if attempts.fails(candidate):
            return
    raise UsageError("the run failed once, and not when it was repeated: see quorate replay")


def _forms(case: Case, result: TrialResult) -> Iterator[Case]:
    """Yield the case with all that happened spelled out, and then with less and less of it."""
    plan = case.plan
    faults = explicit(plan.seed, result.simulation.schedule.applied)
    operations = tuple(
        listed(
            result.history.ops,
            concurrency=plan.workload.concurrency,
            until_ns=round(plan.workload.time_limit_s * SECOND),
        )
    )
    yield Case(plan=plan, schedule=faults, operations=operations)
    asked = Schedule(seed=case.schedule.seed, asked=case.schedule.asked)
    yield Case(plan=plan, schedule=asked, operations=operations)
    yield Case(plan=plan, schedule=faults, operations=case.operations)
    yield Case(plan=plan, schedule=asked, operations=case.operations)


def cut_short(attempts: Attempts) -> None:
    """Leave out what comes after the failure."""
    attempts.phase = "the time after it"
    case = attempts.case
    end_ns = _failed_at(attempts.result)
    if end_ns is not None:
        attempts.fails(ending_at(case, max(0, end_ns) + AFTER_NS))
    without = replace(case.plan.workload, final_reads=False)
    attempts.fails(replace(attempts.case, plan=replace(attempts.case.plan, workload=without)))


def ending_at(case: Case, end_ns: int) -> Case:
    """Return the case with a load that ends at `end_ns`, if it does not before."""
    limit_ns = min(end_ns, round(case.plan.workload.time_limit_s * SECOND))
    workload = replace(case.plan.workload, time_limit_s=limit_ns / SECOND)
    asked = tuple(
        each for each in case.schedule.asked if getattr(each.moment, "at_ns", 0) < limit_ns
    )
    operations = case.operations
    if operations is not None:
        operations = tuple(each for each in operations if each.at_ns < limit_ns)
    return Case(
        plan=replace(case.plan, workload=workload),
        schedule=replace(case.schedule, asked=asked),
        operations=operations,
    )


def _failed_at(result: TrialResult) -> int | None:
    """Return when the failure had shown, in ns; None if that cannot be told."""
    failure = result.simulation.failure
    if failure is not None:
        return failure.at_ns
    calls = evidence_calls(result)
    times = [
        (each.completion or each.invoke).time
        for each in result.history.operations()
        if each.call in calls
    ]
    return max(times, default=None)


def evidence_calls(result: TrialResult) -> tuple[int, ...]:
    """Return the operations that contradict each other, by the places of their invokes."""
    return tuple(
        call
        for leaf in result.verdict.leaves()
        if leaf.evidence is not None
        for call in leaf.evidence.operations
    )
