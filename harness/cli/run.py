"""`quorate run`: one trial."""

import shlex
from contextlib import ExitStack, closing
from pathlib import Path

import click
import msgspec

from checkers.verdict import Answer, as_json_value
from harness.cli import progress
from harness.cli.divergence import DrawFile
from harness.cli.session import Session, conduct
from harness.plan import Plan
from harness.plan_file import load_plan, with_overrides
from harness.report.console import outcome_lines, plan_lines, verdict_lines
from harness.schedules import schedule_for
from harness.store import RunDirectory
from harness.swarm import draw_plan
from harness.trial import ENVIRONMENTS, SYSTEMS
from nemesis.packages import parse_packages
from nemesis.schedule import Schedule

DEFAULT_OUT = Path("runs")


@click.command()
@click.argument("plan_file", metavar="[PLAN.toml]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    type=click.Choice(ENVIRONMENTS),
    help="Where the cluster lives. simulation: in this process, in virtual time.",
)
@click.option("--system", type=click.Choice(SYSTEMS), help="The store under test.")
@click.option("--workload", help="What clients do (quorate list).")
@click.option("--faults", help="What breaks, as in kill,partition; none, or all (quorate list).")
@click.option(
    "--schedule",
    type=click.Path(path_type=Path),
    help="A file with the exact faults, instead of drawing them from the seed.",
)
@click.option("--nodes", type=int, help="Members of the cluster.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="How long the load lasts.")
@click.option("--rate", type=float, metavar="OPS/S", help="Operations per second, all clients.")
@click.option("--concurrency", type=int, help="Clients.")
@click.option("--seed", type=int, help="The origin of all chance; the same seed, the same run.")
@click.option("--swarm", is_flag=True, help="Draw from the seed all that is not given, sizes too.")
@click.option("--mutant", help="Plant a known bug in every node (quorate list).")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Where the run's own directory is made.",
)
@click.option(
    "--draws",
    type=click.Path(path_type=Path),
    help="Write every random draw to this file (what replay --diverge compares).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def run(
    plan_file: Path | None,
    environment: str | None,
    system: str | None,
    workload: str | None,
    faults: str | None,
    schedule: Path | None,
    nodes: int | None,
    time_limit: float | None,
    rate: float | None,
    concurrency: int | None,
    seed: int | None,
    swarm: bool,
    mutant: str | None,
    out: Path,
    draws: Path | None,
    as_json: bool,
) -> Answer:
    """Run one trial: start a cluster, load it, break it, heal it, and judge what clients saw.

    Options override the plan; without a plan, a good default is used: three nodes, 30 seconds,
    kills, power cuts, pauses, partitions, loss and delay.

    \b
    quorate run
    quorate run --workload kv --faults kill,partition --nodes 5 --seed 7
    quorate run --swarm --seed 8841
    quorate run --swarm --seed 8 --mutant read-without-quorum-check
    """  # noqa: D301 - \b keeps the lines below it apart
    asked: dict[str, object] = {
        "environment": environment,
        "system": system,
        "workload.name": workload,
        "faults.packages": None if faults is None else [*parse_packages(faults)],
        "faults.schedule": None if schedule is None else str(schedule.resolve()),
        "nodes": nodes,
        "workload.time_limit_s": time_limit,
        "workload.rate": rate,
        "workload.concurrency": concurrency,
        "seed": seed,
        "mutant": mutant,
    }
    overrides = {name: value for name, value in asked.items() if value is not None}
    plan = Plan() if plan_file is None else load_plan(plan_file)
    if swarm:
        plan = draw_plan(plan.seed if seed is None else seed, plan)
    plan = with_overrides(plan, overrides)
    base = None if plan_file is None else plan_file.parent
    faults_schedule = schedule_for(plan, base)
    if not as_json:
        for line in plan_lines(plan):
            click.echo(line)
    session = _conduct(plan, faults_schedule, out, draws)
    if as_json:
        click.echo(_as_json(session))
    else:
        print_session(session)
    return session.result.verdict.answer


def _conduct(plan: Plan, schedule: Schedule, out: Path, draws: Path | None) -> Session:
    """Run the trial with progress; when interrupted, say what is left of it."""
    begun: list[RunDirectory] = []
    try:
        with ExitStack() as stack:
            return conduct(
                plan,
                schedule,
                out,
                progress=stack.enter_context(progress.shown()),
                on_directory=begun.append,
                on_draw=stack.enter_context(closing(DrawFile(draws))).on_draw if draws else None,
            )
    except KeyboardInterrupt:
        for directory in begun:
            click.echo(
                f"quorate: interrupted; what was recorded can be judged: "
                f"quorate check {shlex.quote(str(directory.path))}",
                err=True,
            )
        raise


def print_session(session: Session) -> None:
    """Print the figures, the verdict by checker, and the lines that scripts read."""
    result = session.result
    for line in outcome_lines(result.history, result.simulation, session.cpu_seconds):
        click.echo(line)
    for line in verdict_lines(result.verdict):
        click.echo(line)
    click.echo()
    click.echo(f"repeat: {repeat_command(session.directory)}")
    click.echo(f"digest: {result.simulation.digest}")
    click.echo(f"run: {session.directory.path}")
    click.echo(f"verdict: {result.verdict.answer.name}")


def repeat_command(directory: RunDirectory) -> str:
    """Return the command that repeats the run."""
    return f"quorate replay {shlex.quote(str(directory.path))}"


def _as_json(session: Session) -> str:
    result = session.result
    return msgspec.json.encode(
        {
            "verdict": result.verdict.answer.name,
            "digest": result.simulation.digest,
            "run": str(session.directory.path),
            "repeat": repeat_command(session.directory),
            "checks": as_json_value(result.verdict),
        }
    ).decode()
