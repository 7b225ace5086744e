"""`quorate explore`: many seeds, each a trial of its own kind, and what they found."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from checkers.verdict import Answer
from harness.cli.exploring import conduct_exploration
from harness.cli.run import DEFAULT_OUT
from harness.errors import HarnessError, UsageError
from harness.explore.exploration import Bounds
from harness.explore.journal import Journal
from harness.explore.seeds import Outcome, Question, trial_of
from harness.explore.workers import LocalWorkers, Workers
from harness.operations_file import read_operations
from harness.plan import Plan
from harness.plan_file import load_plan, settings_named_in, with_overrides
from harness.report.exploration import as_json_value, found_lines, question_lines
from harness.schedules import read_schedule
from harness.trial import SIMULATION
from nemesis.packages import parse_packages

SEEDS_DEFAULT: Final = 200


@click.command()
@click.argument("plan_file", metavar="[PLAN.toml]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help=f"How many.  [default: {SEEDS_DEFAULT}, or all there is time for]",
)
@click.option("--first-seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--time-budget", type=float, metavar="SECONDS", help="Begin no further seed after this time."
)
@click.option("--stop-at-first", is_flag=True, help="Stop once a seed is INVALID.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that share the work; as many as there are cores, if not given.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Have the workers of this Dask cluster do it, as in tcp://10.0.0.1:8786.",
)
@click.option(
    "--rerun-share",
    type=click.FloatRange(0.0, 1.0),
    default=0.02,
    show_default=True,
    help="So many of the seeds are run twice, in a process under another PYTHONHASHSEED, and must "
    "reach the same digest there.",
)
@click.option("--workload", help="What clients do, in every seed (quorate list).")
@click.option("--faults", help="What breaks, in every seed, as in kill,partition.")
@click.option("--nodes", type=int, help="Members of the cluster, in every seed.")
@click.option("--mutant", help="Plant a known bug in every node (quorate list).")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The exploration's own directory. If it has one already, go on with that.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def explore(
    plan_file: Path | None,
    seeds: int | None,
    first_seed: int,
    time_budget: float | None,
    stop_at_first: bool,
    jobs: int | None,
    scheduler: str | None,
    rerun_share: float,
    workload: str | None,
    faults: str | None,
    nodes: int | None,
    mutant: str | None,
    out: Path | None,
    as_json: bool,
) -> Answer:
    """Try many seeds in simulation, each with faults, knobs, sizes and a workload of its own.

    What PLAN.toml says, or an option, is the same in every seed; all else each seed draws. Seeds
    that fail are told apart by the kind of their conviction, and one run of each kind is kept. The
    exit code is that of the worst verdict.

    Everything is in DIR/journal.jsonl as soon as it is known: after Ctrl-C or kill -9, the same
    command with --out DIR goes on where this one was.

    \b
    quorate explore --seeds 1000
    quorate explore --time-budget 3600 --out nightly
    quorate explore --mutant vote-not-persisted --stop-at-first
    quorate explore runs/20260101T000000Z-kv-seed1/plan.toml     only the seed varies
    quorate explore --scheduler tcp://10.0.0.1:8786 --seeds 100000
    """  # noqa: D301 - \b keeps the lines below it apart
    options: dict[str, object] = {
        "workload.name": workload,
        "faults.packages": None if faults is None else [*parse_packages(faults)],
        "nodes": nodes,
        "mutant": mutant,
    }
    question = _question(plan_file, options, rerun_share)
    trial_of(first_seed, question)  # What is asked wrongly is said before anything is begun.
    bounds = Bounds(
        first_seed=first_seed,
        seeds=SEEDS_DEFAULT if seeds is None and time_budget is None else seeds,
        time_s=time_budget,
        stop_at_first=stop_at_first,
    )
    folder = out or DEFAULT_OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-explore"
    if not as_json:
        for line in question_lines(question):
            click.echo(line)
    with closing(Journal(folder / "journal.jsonl", question)) as journal:
        found = conduct_exploration(
            question,
            bounds,
            journal,
            workers=_workers(scheduler, jobs),
            tell=(lambda _: None) if as_json else click.echo,
        )
    if as_json:
        click.echo(msgspec.json.encode(as_json_value(found) | {"out": str(folder)}).decode())
    else:
        for line in found_lines(found):
            click.echo(line)
        click.echo()
        click.echo(f"journal: {journal.path}")
        click.echo(f"verdict: {found.worst()}")
    if found.worst() is Outcome.HARNESS:
        raise click.exceptions.Exit(HarnessError.exit_code)
    return Answer[found.worst().name]


def _question(plan_file: Path | None, options: dict[str, object], rerun_share: float) -> Question:
    overrides = {name: value for name, value in options.items() if value is not None}
    base, schedule = Plan(), None
    named: tuple[str, ...] = ()
    if plan_file is not None:
        base = load_plan(plan_file)
        named = settings_named_in(plan_file.read_text(encoding="utf-8"))
        if base.environment != SIMULATION:
            raise UsageError("seeds are explored in simulation only", path=plan_file)
    if base.faults.schedule is not None and "faults.packages" not in overrides:
        path = plan_file.parent / base.faults.schedule if plan_file else Path(base.faults.schedule)
        read_schedule(path, base)
        schedule = path.read_text(encoding="utf-8")
    operations = None
    if base.workload.operations is not None:
        path = (plan_file.parent if plan_file else Path()) / base.workload.operations
        read_operations(path, base)
        operations = path.read_text(encoding="utf-8")
    return Question(
        base=with_overrides(base, overrides),
        fixed=tuple(sorted({*named, *overrides} - {"seed", "version", "mutant"})),
        schedule=schedule,
        operations=operations,
        rerun_share=rerun_share,
    )


def _workers(scheduler: str | None, jobs: int | None) -> Workers:
    if scheduler is None:
        return LocalWorkers(jobs or os.cpu_count() or 1)
    try:
        from harness.explore.dask_workers import DaskWorkers  # noqa: PLC0415 - slow, and an extra
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--scheduler needs the extra `dask` (pip install 'quorate[dask]'): {error}"
        ) from error
    return DaskWorkers(scheduler)
