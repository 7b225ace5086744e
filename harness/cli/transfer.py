"""From a failing run on real daemons to a twin in simulation, which repeats bit for bit.

The twin has the same workload, operations, faults and knobs. What the machine decided there, chance
decides here, so seeds are explored until one fails. First the faults are those that were applied,
at their very moments; then, if that finds nothing, those that were asked for, which may wait for a
leader or aim at one.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from msgspec.structs import replace

from checkers.verdict import Answer
from harness.cli.exploring import conduct_exploration
from harness.cli.real_replay import operations_of
from harness.conviction import kinds_of
from harness.errors import UsageError
from harness.explore.exploration import Bounds, Found
from harness.explore.journal import Journal
from harness.explore.seeds import Outcome, Question
from harness.explore.workers import LocalWorkers
from harness.operations_file import write_operations
from harness.plan import DaemonPlan, FaultPlan, Plan
from harness.real_trial import NODEIMPL
from harness.report.exploration import found_lines
from harness.report.recorded import Recorded, load_run
from harness.store import RunDirectory, plan_with_operations
from harness.swarm import ALL_SETTINGS
from harness.trial import SIMULATION
from nemesis.schedule import Schedule, explicit
from nemesis.schedule_file import write_schedule

SEEDS_DEFAULT: Final = 200


def transfer_run(directory: RunDirectory, out: Path, seeds: int) -> Answer:
    """Look for a twin among so many seeds; INVALID if there is one, VALID if all are.

    Raises `UsageError` if nobody was convicted in the run: there is nothing to look for.
    """
    run = load_run(directory.path)
    kinds = kinds_of(run.verdict)
    if not kinds:
        raise UsageError("nobody was convicted in this run", path=directory.path)
    click.echo(f"looking for {kinds[0]} in simulation")
    if run.plan.system != NODEIMPL:
        click.echo(
            f"  the simulation runs our node, not {run.plan.system}: a twin shows the same mistake "
            "in both, and no twin shows nothing"
        )
    worst = Outcome.VALID
    started = datetime.now(UTC)
    for which, schedule in _schedules(run):
        click.echo(f"under the {len(schedule.asked)} faults that were {which}")
        folder = out / f"{started:%Y%m%dT%H%M%SZ}-transfer-{which.replace(' ', '-')}"
        found = _explored(_question(run, schedule), folder, seeds)
        for line in found_lines(found):
            click.echo(f"  {line}")
        if found.outcomes[Outcome.INVALID]:
            return _tell(kinds, found)
        worst = max(worst, found.worst(), key=list(Outcome).index)
    click.echo()
    click.echo(f"twin: none in {seeds} seeds")
    return Answer.UNKNOWN if worst is not Outcome.VALID else Answer.VALID


def twin_plan(plan: Plan) -> Plan:
    """Return the plan in simulation."""
    return plan_with_operations(
        replace(
            plan,
            environment=SIMULATION,
            system=NODEIMPL,
            daemon=DaemonPlan(),
            faults=FaultPlan(schedule="schedule.json"),
        )
    )


def _schedules(run: Recorded) -> Iterator[tuple[str, Schedule]]:
    """Yield the faults as applied, and as asked for if that is something else."""
    seed = run.schedule.seed
    applied = explicit(seed, run.schedule.applied)
    yield "applied", applied
    asked = Schedule(seed=seed, asked=run.schedule.asked)
    if asked.asked:
        yield "asked for", asked


def _question(run: Recorded, schedule: Schedule) -> Question:
    return Question(
        base=twin_plan(run.plan),
        fixed=ALL_SETTINGS,
        schedule=write_schedule(schedule).decode(),
        operations=write_operations(operations_of(run)).decode(),
    )


def _explored(question: Question, folder: Path, seeds: int) -> Found:
    with closing(Journal(folder / "journal.jsonl", question)) as journal:
        return conduct_exploration(
            question,
            Bounds(seeds=seeds, stop_at_first=True),
            journal,
            workers=LocalWorkers(min(seeds, os.cpu_count() or 1)),
            tell=lambda _: None,
        )


def _tell(kinds: tuple[str, ...], found: Found) -> Answer:
    kind, twin = next(iter(found.kept.items()))
    click.echo()
    if kind in kinds:
        click.echo(f"the same kind of conviction: {kind}")
    else:
        click.echo(f"in simulation, another judge sees it first: {kind}")
    click.echo(f"repeat: quorate replay {twin}")
    click.echo(f"shrink: quorate shrink {twin}")
    click.echo(f"twin: {twin}")
    return Answer.INVALID
