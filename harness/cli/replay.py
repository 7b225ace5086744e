"""`quorate replay`: repeat a run from its plan, and say whether it went the same way."""

from contextlib import closing
from pathlib import Path

import click
import msgspec

from checkers.verdict import Answer
from harness.cli import progress
from harness.cli.divergence import first_difference
from harness.cli.real_replay import drive_again
from harness.cli.run import DEFAULT_OUT, print_session
from harness.cli.session import Results, conduct
from harness.cli.transfer import SEEDS_DEFAULT, transfer_run
from harness.environments.simulation.trace import Checkpoint
from harness.environments.simulation.trace_files import TraceComparer
from harness.errors import RunDirectoryError, UsageError
from harness.operations_file import operations_for
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
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="On real daemons: how often, to see how often the verdict recurs.",
)
@click.option(
    "--transfer",
    is_flag=True,
    help="Look for a seed in simulation under which a run on real daemons fails as well.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=SEEDS_DEFAULT,
    show_default=True,
    help="With --transfer: how many to try.",
)
def replay(
    run: Path, out: Path, times: int, seeds: int, *, diverge: bool, transfer: bool
) -> Answer | None:
    """Repeat the trial in the directory RUN, with its plan, its schedule and its operations.

    In simulation the repetition must reach the same digest, bit for bit. If it does not, the first
    transition that differs is printed, and the exit code is 3: the run cannot be trusted, because
    its plan, its schedule or the code has changed since.

    On real daemons the machine decides the rest. The same faults are asked for, by the same times
    and triggers, and every client does the same operations in the same order. How alike the
    histories are is said, and whether the verdict recurs; the exit code is that of the worst of
    the new runs. A run that failed there can be transferred to the simulation: with the same
    workload, operations, faults and knobs, seeds are tried until one fails, which repeats bit for
    bit and can be shrunk.

    \b
    quorate replay runs/20260101T000000Z-kv-seed1
    quorate replay runs/20260101T000000Z-kv-seed1 --times 10
    quorate replay runs/20260101T000000Z-kv-seed1 --transfer
    """  # noqa: D301 - \b keeps the lines below it apart
    directory = RunDirectory.open(run)
    plan = directory.load_plan()
    if plan.environment != SIMULATION:
        if transfer:
            return transfer_run(directory, out, seeds)
        return drive_again(directory, out, times)
    if transfer or times > 1:
        raise UsageError(
            "a run in simulation repeats bit for bit: --times and --transfer are for real daemons",
            path=run,
        )
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
