"""`quorate compare`: the same workload under several plans, with intervals."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.progress import Progress as Bar

from checkers.verdict import Answer
from harness.cli.real_session import conduct_real
from harness.cli.run import DEFAULT_OUT
from harness.compare.comparison import Comparison, comparison_of, jobs_default, run_all
from harness.compare.examples import FOLDER, example_names
from harness.compare.figures import Measured, measure
from harness.compare.simulated import Case, case_of, run_simulated
from harness.compare.text import comparison_lines, tolerance_lines
from harness.compare.tolerance import Tolerance, losses, serves, tolerances
from harness.environments.progress import Progress
from harness.errors import HarnessError, UsageError
from harness.plan import Plan
from harness.plan_file import load_plan
from harness.report.recorded import end_of
from harness.report.roles import seen_roles
from harness.schedules import schedule_for
from harness.store import RunDirectory
from harness.suggest import did_you_mean
from harness.trial import SIMULATION
from nemesis.schedule import Schedule

SEEDS_DEFAULT: Final = 20
TOLERANCE_SEEDS: Final = 3

_NUMBER: Final = re.compile(r"^\d+-")
"""Before a plan's name: its place in its folder."""


@click.command()
@click.argument("plans", metavar="PLAN...", nargs=-1, required=True)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=SEEDS_DEFAULT,
    show_default=True,
    help="Trials of each plan, under the same seeds.",
)
@click.option("--first-seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes.  [default: one for each processor]"
)
@click.option(
    "--csv",
    "csv_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write trials, faults and summary as CSV there.",
)
@click.option(
    "--parquet",
    "parquet_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The same as Parquet (needs pyarrow).",
)
@click.option(
    "--plots",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw the comparison there as PNG and SVG (needs matplotlib).",
)
@click.option(
    "--tolerance/--no-tolerance",
    default=None,
    help="Measure how many members each size of cluster can lose.  [default: if sizes differ]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Where runs on real daemons are kept; simulated ones are not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def compare(
    plans: tuple[str, ...],
    seeds: int,
    first_seed: int,
    jobs: int | None,
    csv_folder: Path | None,
    parquet_folder: Path | None,
    plots: Path | None,
    tolerance: bool | None,
    out: Path,
    as_json: bool,
) -> Answer:
    """Run several plans under the same seeds, and say what differs, and how sure that is.

    A PLAN is a file, a folder of files, or one of the comparisons that ship: 3-vs-5-vs-4,
    election-timeout, kill-vs-partition. The first is what the others are compared with. A
    difference is called one only if a paired test shows it. The exit code is that of the worst
    verdict of all trials.

    \b
    quorate compare 3-vs-5-vs-4
    quorate compare kill.toml partition.toml --seeds 20 --csv tables --plots plots
    """  # noqa: D301 - \b keeps the lines below it apart
    _require("pyarrow", "parquet", wanted=parquet_folder is not None)
    _require("matplotlib", "plots", wanted=plots is not None)
    variants = _load(plans)
    cases = [
        case_of(name, plan, seed, _own_schedule(plan, path, seed))
        for name, path, plan in variants
        for seed in range(first_seed, first_seed + seeds)
    ]
    is_simulated = all(plan.environment == SIMULATION for _, _, plan in variants)
    run = run_simulated if is_simulated else partial(_run_anywhere, out)
    with _shown(len(cases)) as done:
        measured = run_all(
            cases, run, jobs=(jobs or jobs_default()) if is_simulated else 1, done=done
        )
    comparison = comparison_of([name for name, _, _ in variants], seeds, measured)
    sizes = sorted({plan.nodes for _, _, plan in variants})
    if tolerance is None:
        tolerance = is_simulated and len(sizes) > 1
    rows = _measure_tolerance(sizes, jobs or jobs_default()) if tolerance else []
    _write_tables(comparison, csv_folder, parquet_folder)
    if plots is not None:
        from harness.compare.plots import draw_comparison  # noqa: PLC0415 - matplotlib is an extra

        draw_comparison(comparison, plots)
    if as_json:
        click.echo(_as_json(comparison, rows))
    else:
        for line in _lines(comparison, rows):
            click.echo(line)
    return comparison.worst()


def _require(package: str, extra: str, *, wanted: bool) -> None:
    """Raise `UsageError` now, not after minutes, if what is wanted in the end cannot be made."""
    if wanted and find_spec(package) is None:
        raise UsageError(f"--{extra} needs {package}: pip install 'quorate[{extra}]'")


# ---------------------------------------------------------------- plans
def _load(names: Sequence[str]) -> list[tuple[str, Path, Plan]]:
    """Return every plan with its name, in order; raises `UsageError`."""
    paths = [path for name in names for path in _paths(name)]
    if len(paths) < 2:
        raise UsageError("a comparison needs two plans at least")
    stems = [_NUMBER.sub("", path.stem) for path in paths]
    unique = [
        stem if stems.count(stem) == 1 else f"{path.parent.name}/{stem}"
        for stem, path in zip(stems, paths, strict=True)
    ]
    for place, name in enumerate(unique):
        if name in unique[:place]:
            raise UsageError(f"two plans are called {name}: rename one", path=paths[place])
    return [(name, path, load_plan(path)) for name, path in zip(unique, paths, strict=True)]


def _paths(name: str) -> list[Path]:
    path = Path(name)
    if path.is_file():
        return [path]
    folder = path if path.is_dir() else FOLDER / name
    found = sorted(folder.glob("*.toml")) if name else []
    if not found:
        raise UsageError(
            f"{name!r} is neither a plan, nor a folder of plans, nor a comparison that ships"
            f"{did_you_mean(name, example_names())}"
        )
    return found


def _own_schedule(plan: Plan, path: Path, seed: int) -> Schedule | None:
    """Return the schedule that `plan` names; None if it draws its faults."""
    if plan.faults.schedule is None:
        return None
    return schedule_for(msgspec.structs.replace(plan, seed=seed), path.parent)


def _run_anywhere(out: Path, case: Case) -> Measured:
    """Run one trial where its plan says."""
    if case.plan.environment == SIMULATION:
        return run_simulated(case)
    session = conduct_real(
        case.plan, case.schedule, out, progress=_ignore_progress, on_directory=_ignore_directory
    )
    result = session.result
    return measure(
        case.plan,
        case.variant,
        result.history,
        result.outcome.schedule.applied,
        roles=seen_roles(result.outcome.roles_seen, end_of(result.history, ())),
        verdict=result.verdict,
    )


def _ignore_progress(progress: Progress) -> None:
    """Of single trials nothing is shown."""


def _ignore_directory(directory: RunDirectory) -> None:
    """Nobody waits for it."""


def _measure_tolerance(sizes: Sequence[int], jobs: int) -> list[Tolerance]:
    trials = losses(sizes, TOLERANCE_SEEDS)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return tolerances(trials, list(pool.map(serves, trials)))


# ---------------------------------------------------------------- what is shown and written
@contextmanager
def _shown(count: int) -> Iterator[Callable[[], None]]:
    """Yield what to call for each trial that is done; shows a bar on a terminal."""
    console = Console(stderr=True)
    bar = Bar(console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task("trials", total=count)
        yield lambda: bar.advance(task)


def _lines(comparison: Comparison, rows: Sequence[Tolerance]) -> Iterator[str]:
    yield from comparison_lines(comparison)
    if rows:
        yield ""
        yield from tolerance_lines(rows)
    yield ""
    yield f"verdict: {comparison.worst().name}"


def _write_tables(comparison: Comparison, csv: Path | None, parquet: Path | None) -> None:
    tables = {
        "trials": comparison.trials_table,
        "faults": comparison.faults_table,
        "summary": comparison.summary_table,
    }
    try:
        for folder in (csv, parquet):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            if csv is not None:
                table().to_csv(csv / f"{name}.csv", index=False)
            if parquet is not None:
                table().to_parquet(parquet / f"{name}.parquet", index=False)
    except OSError as error:
        raise HarnessError(f"cannot write the tables: {error}") from error


def _as_json(comparison: Comparison, rows: Sequence[Tolerance]) -> str:
    printed: dict[str, object] = {
        "verdict": comparison.worst().name,
        "variants": comparison.variants,
        "seeds": comparison.seeds,
        "verdicts": {each: comparison.verdicts(each) for each in comparison.variants},
        "figures": comparison.summary_table()
        .astype(object)
        .where(lambda table: table.notna(), None)
        .to_dict("records"),
        "tolerance": [msgspec.to_builtins(row) for row in rows],
    }
    return msgspec.json.encode(printed).decode()
