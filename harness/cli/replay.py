"""`quorate replay`: repeat a run from its plan, and say whether it went the same way."""

from contextlib import closing
from pathlib import Path

import click
import msgspec

from checkers.verdict import Answer
from harness.cli import progress
from harness.cli.divergence import first_difference
from harness.cli.real_session import RealSession
from harness.cli.run import DEFAULT_OUT, print_real_session, print_session, run_plan
from harness.cli.session import Results, conduct
from harness.environments.simulation.trace import Checkpoint
from harness.environments.simulation.trace_files import TraceComparer
from harness.errors import RunDirectoryError
from harness.operations_file import operations_for
from harness.plan import Plan
from harness.schedules import read_schedule
from harness.store import RunDirectory
from harness.trial import SIMULATION
from nodeimpl.ids import SECOND


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Where the repetition's own directory is made.",
)
@click.option(
    "--diverge",
    is_flag=True,
    help="Run it in two fresh processes instead and show the first random draw that differs.",
)
def replay(run: Path, out: Path, diverge: bool) -> Answer | None:
    """Repeat the trial in the directory RUN, with its plan and its schedule.

    In simulation the repetition must reach the same digest, bit for bit. If it does not, the first
    transition that differs is printed, and the exit code is 3: the run cannot be trusted, because
    its plan, its schedule or the code has changed since.

    On real daemons the same schedule is driven once more, by the same plan and seed; the machine
    decides the rest, so the verdict may differ and the exit code is that of the new one.
    """
    directory = RunDirectory.open(run)
    plan = directory.load_plan()
    if plan.environment != SIMULATION:
        return _drive_again(directory, plan, out)
    if diverge:
        click.echo(first_difference(directory))
        return None
    schedule = read_schedule(directory.schedule_path, plan)
    operations = operations_for(plan, directory.path)
    recorded = _read_results(directory)
    with (
        closing(TraceComparer(directory.trace_path("any").parent)) as comparer,
        progress.shown() as show,
    ):
        session = conduct(
            plan, schedule, out, progress=show, compare_with=comparer, operations=operations
        )
        divergence = comparer.first()
    print_session(session)
    simulation = session.result.simulation
    if recorded is None:
        click.echo("replay: the recorded run never ended, so there is no digest to compare with")
        return session.result.verdict.answer
    if recorded.digest == simulation.digest:
        click.echo("replay: the same digest")
        return session.result.verdict.answer
    click.echo("replay: DIVERGED")
    if divergence is not None:
        click.echo(f"the first transition that differs is one of {divergence.node}:")
        click.echo(divergence.describe())
    click.echo(_first_checkpoint(recorded.checkpoints, simulation.checkpoints))
    raise click.exceptions.Exit(3)


def _drive_again(directory: RunDirectory, plan: Plan, out: Path) -> Answer:
    """Run the plan on a new cluster, under the faults that the recorded run asked for."""
    session = run_plan(plan, read_schedule(directory.schedule_path, plan), out)
    assert isinstance(session, RealSession), "only simulations have sessions of another kind"
    print_real_session(session)
    return session.result.verdict.answer


def _read_results(directory: RunDirectory) -> Results | None:
    """Return what the recorded run came to; None if it was interrupted before its end."""
    path = directory.results_path
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"not the results of a run: {error}", path=path) from error


def _first_checkpoint(recorded: tuple[Checkpoint, ...], now: tuple[Checkpoint, ...]) -> str:
    """Say by when the two runs had parted."""
    for before, after in zip(recorded, now, strict=False):
        if before != after:
            return (
                f"the digests differ by {after.at / SECOND:.1f} s of virtual time "
                f"({before.events} events recorded, {after.events} now)"
            )
    return "one run went on longer than the other; up to there they are the same"
