"""One seed of an exploration: what is to be tried, and what came of it.

Both travel between processes and machines, so they hold all they need, and little.
"""

import enum
import time
from random import Random

import msgspec
from msgspec.structs import replace

from harness.case import Case, run_case
from harness.conviction import kinds_of
from harness.errors import HarnessError
from harness.explore.coverage import StateCoverage
from harness.explore.rerun import digest_elsewhere
from harness.operations_file import operations_in
from harness.plan import Plan
from harness.schedules import schedule_for, schedule_in
from harness.swarm import draw_plan
from nemesis.inject import InjectionError


class Outcome(enum.StrEnum):
    """What came of one seed, from best to worst."""

    VALID = "VALID"
    UNKNOWN = "UNKNOWN"
    HARNESS = "HARNESS"
    """The harness failed, or ran a seed twice and differently: nothing is said of the store."""
    INVALID = "INVALID"


DIVERGED = "harness: another process reached another digest"
"""The kind of a seed whose rerun went another way."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an exploration asks of every seed."""

    base: Plan
    """Whatever no seed draws."""
    fixed: tuple[str, ...] = ()
    """The settings of the base that no seed draws although it could (`harness.swarm`)."""
    schedule: str | None = None
    """The content of the schedule's file; None: each seed draws its own."""
    operations: str | None = None
    """The content of the operations' file; None: each seed draws its own."""
    rerun_share: float = 0.0
    """Of the seeds, so many are run once more, in a process under another PYTHONHASHSEED."""


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one seed."""

    seed: int
    outcome: Outcome
    kinds: tuple[str, ...] = ()
    """Of the convictions (`harness.conviction`), the first being the one that counts."""
    reason: str = ""
    """Why not VALID."""
    workload: str = ""
    nodes: int = 0
    digest: str = ""
    states: tuple[str, ...] = ()
    """Abstract states of the cluster (`harness.explore.coverage`)."""
    was_rerun: bool = False
    cpu_seconds: float = 0.0
    """Of the process that ran the trial."""


def trial_of(seed: int, question: Question) -> Case:
    """Return the trial of a seed."""
    plan = draw_plan(seed, question.base, fixed=question.fixed)
    schedule, operations = None, None
    if question.schedule is not None:
        path = str(plan.faults.schedule)
        schedule = schedule_in(question.schedule.encode(), plan, path=path)
    if question.operations is not None:
        path = str(plan.workload.operations)
        operations = operations_in(question.operations.encode(), plan, path=path)
    return Case(plan=plan, schedule=schedule or schedule_for(plan, None), operations=operations)


def try_one(seed: int, question: Question) -> Tried:
    """Run the trial of a seed and say what came of it.

    What the harness could not do is an outcome; what was asked wrongly raises `UsageError`.
    """
    started = time.process_time()
    case = trial_of(seed, question)
    plan = case.plan
    about = Tried(seed=seed, outcome=Outcome.HARNESS, workload=plan.workload.name, nodes=plan.nodes)
    try:
        tried = _judged(about, case)
        if is_to_be_rerun(seed, question.rerun_share):
            tried = _rerun(tried, case)
    except (HarnessError, InjectionError) as error:
        tried = replace(about, kinds=(f"harness: {type(error).__name__}",), reason=str(error))
    return replace(tried, cpu_seconds=time.process_time() - started)


def _judged(about: Tried, case: Case) -> Tried:
    coverage = StateCoverage()
    result = run_case(case, record=coverage.note, sink=coverage)
    return replace(
        about,
        outcome=Outcome[result.verdict.answer.name],
        kinds=kinds_of(result.verdict),
        reason=result.verdict.reason,
        digest=result.simulation.digest,
        states=coverage.states,
    )


def is_to_be_rerun(seed: int, share: float) -> bool:
    """Say whether a seed belongs to the `share` of seeds that is run twice; always the same."""
    return Random(f"{seed}/rerun").random() < share


def _rerun(tried: Tried, case: Case) -> Tried:
    elsewhere = digest_elsewhere(case)
    if elsewhere == tried.digest:
        return replace(tried, was_rerun=True)
    reason = f"the digest here is {tried.digest}, and in another process {elsewhere}"
    outcome = tried.outcome if tried.outcome is Outcome.INVALID else Outcome.HARNESS
    kinds = (*tried.kinds, DIVERGED)
    return replace(tried, was_rerun=True, outcome=outcome, kinds=kinds, reason=reason)
