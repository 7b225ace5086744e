"""Trials of a comparison in simulation: nothing is written down but their figures."""

import msgspec

from harness.compare.figures import Measured, measure
from harness.plan import Plan
from harness.report.roles import RoleSink
from harness.schedules import schedule_for
from harness.trial import run_trial
from nemesis.schedule import Schedule


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One trial to run: a plan under a name. It is what travels to another process."""

    variant: str
    plan: Plan
    schedule: Schedule


def case_of(variant: str, plan: Plan, seed: int, schedule: Schedule | None = None) -> Case:
    """Return the case of `plan` under `seed`, with its own faults unless others are given."""
    seeded = msgspec.structs.replace(plan, seed=seed)
    if schedule is None:
        schedule = schedule_for(seeded, None)
    return Case(variant=variant, plan=seeded, schedule=schedule)


def run_simulated(case: Case) -> Measured:
    """Run one trial in simulation and return what it came to."""
    sink = RoleSink()
    result = run_trial(case.plan, case.schedule, sink=sink)
    end_ns = result.simulation.virtual_ns
    return measure(
        case.plan,
        case.variant,
        result.history,
        result.simulation.schedule.applied,
        roles=sink.spans(end_ns),
        verdict=result.verdict,
    )
