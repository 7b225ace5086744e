"""`quorate shrink`: from a run that fails to the smallest that fails in the same way."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.case import load_case, recorded_case, write_case
from harness.cli.real_shrink import FOLDER_NAME, RUNS_MAX, Rate, shrink_real_run
from harness.cli.run import DEFAULT_OUT, repeat_command
from harness.cli.session import conduct
from harness.errors import UsageError
from harness.report.shrinking import inevitable_lines, size_lines, story_lines
from harness.shrink.attempts import Attempts, Budget
from harness.shrink.inevitable import Inevitable, inevitable
from harness.shrink.pytest_file import file_name_of, pytest_file
from harness.shrink.regression import conviction_lines
from harness.shrink.shrinker import Shrunk, shrink
from harness.store import RunDirectory
from harness.trial import SIMULATION


@click.command("shrink")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Where the directory of the smallest run is made.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help=f"Trials to spend, at most.  [default: {Budget().trials_max}; on real daemons {RUNS_MAX}]",
)
@click.option(
    "--cpu-seconds",
    type=click.FloatRange(min=0.0, min_open=True),
    default=Budget().cpu_s,
    show_default=True,
    help="CPU time to spend, at most.",
)
@click.option(
    "--inevitable/--no-inevitable",
    "asks_when",
    default=True,
    show_default=True,
    help="Find out, too, from when on nearly everything leads to the failure.",
)
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=Rate().times,
    show_default=True,
    help="On real daemons: how often to run each candidate.",
)
@click.option(
    "--at-least",
    type=click.IntRange(min=1),
    default=Rate().at_least,
    show_default=True,
    help="On real daemons: how many of these runs must fail.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def shrink_command(
    run: Path,
    out: Path,
    trials: int | None,
    cpu_seconds: float,
    times: int,
    at_least: int,
    *,
    asks_when: bool,
    as_json: bool,
) -> int:
    """Find the smallest trial that fails in the same way as RUN.

    RUN is the directory of a run in simulation that is INVALID, or a plan. Faults and operations
    are left out, nodes and clients taken away, settings put back to their defaults, and times cut
    short, as long as the same rule is broken in the same judge's eyes.

    What is left is a run's directory, and in it, under shrunk/: a plan of a few lines, its faults
    and operations, and a test for pytest that fails until the bug is fixed. The exit code is 0.

    A run on real daemons is shrunk by rate (--at-least of --times runs), which takes long. How
    often what is left fails is measured then, and the test runs it so many times that it hardly
    ever misses the bug. quorate replay --transfer may find a twin in simulation first.

    \b
    quorate shrink runs/20260101T000000Z-kv-seed46
    quorate run runs/.../shrunk/plan.toml
    pytest runs/.../shrunk
    """  # noqa: D301 - \b keeps the lines below it apart
    if at_least > times:
        raise UsageError(f"{at_least} of {times} runs cannot fail")
    case = recorded_case(RunDirectory.open(run)) if run.is_dir() else load_case(run)
    if case.plan.environment != SIMULATION:
        rate = Rate(at_least=at_least, times=times)
        return shrink_real_run(
            RunDirectory.open(run), out, rate, trials or RUNS_MAX, as_json=as_json
        )
    budget = Budget(trials_max=trials or Budget().trials_max, cpu_s=cpu_seconds)
    with _shown() as show:
        shrunk = shrink(case, budget=budget, on_attempt=show)
    session = conduct(
        shrunk.case.plan, shrunk.case.schedule, out, operations=shrunk.case.operations
    )
    folder = session.directory.path / FOLDER_NAME
    plan_path = write_case(shrunk.case, folder)
    test_path = folder / file_name_of(shrunk.kind)
    test_path.write_text(pytest_file(shrunk), encoding="utf-8")
    when = inevitable(shrunk.case, shrunk.kind) if asks_when else None
    if as_json:
        click.echo(_as_json(shrunk, when, session.directory, test_path))
        return 0
    click.echo(f"shrinking {shrunk.kind}")
    for line in size_lines(shrunk):
        click.echo(line)
    click.echo("what is left")
    for line in story_lines(shrunk.case):
        click.echo(line)
    click.echo()
    for line in conviction_lines(session.result.verdict):
        click.echo(line)
    click.echo()
    for line in () if when is None else inevitable_lines(when):
        click.echo(line)
    click.echo()
    click.echo(f"repeat: {repeat_command(session.directory)}")
    click.echo(f"plan: {plan_path}")
    click.echo(f"test: pytest {shlex.quote(str(test_path))}")
    click.echo(f"run: {session.directory.path}")
    click.echo(f"kind: {shrunk.kind}")
    return 0


def _as_json(
    shrunk: Shrunk, when: Inevitable | None, directory: RunDirectory, test_path: Path
) -> str:
    return msgspec.json.encode(
        {
            "kind": shrunk.kind,
            "before": shrunk.before,
            "after": shrunk.after,
            "trials": shrunk.trials,
            "cpu_seconds": shrunk.cpu_seconds,
            "is_minimal": shrunk.is_minimal,
            "inevitable": when,
            "run": str(directory.path),
            "test": str(test_path),
        }
    ).decode()


@contextmanager
def _shown() -> Iterator[Callable[[Attempts], None]]:
    """Yield what to call after every attempt; shows it on a terminal, and nowhere else."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("shrink", total=None, text="running it once")

        def show(attempts: Attempts) -> None:
            case = attempts.case
            bar.update(
                task,
                text=f"{attempts.phase}: {len(case.schedule.asked)} faults, "
                f"{len(case.operations or ())} operations, {case.plan.nodes} nodes; "
                f"{attempts.trials} trials",
            )

        yield show
