"""`quorate run`: one trial."""

import shlex
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import click
import msgspec

from checkers.verdict import Answer, as_json_value
from harness.cli import progress
from harness.cli.divergence import DrawFile
from harness.cli.real_session import RealSession, conduct_real
from harness.cli.session import Session, conduct
from harness.environments.catalog import DEFAULT_PACKAGES, ENVIRONMENTS, all_packages
from harness.errors import HarnessError, is_disk_trouble
from harness.generator.listed import ListedOperation
from harness.operations_file import operations_for
from harness.plan import Plan
from harness.plan_file import load_plan, parse_settings, with_overrides
from harness.report.console import (
    outcome_lines,
    plan_lines,
    real_outcome_lines,
    verdict_lines,
)
from harness.report.effects import effects_of
from harness.report.recorded import end_of
from harness.report.roles import seen_roles, traced_roles
from harness.report.summary import effect_lines
from harness.schedules import schedule_for
from harness.store import RunDirectory
from harness.swarm import draw_plan
from harness.systems.registry import SYSTEMS
from harness.trial import SIMULATION
from nemesis.packages import parse_packages
from nemesis.schedule import Schedule

DEFAULT_OUT = Path("runs")

REAL_LIVENESS_BOUND_S: Final = 60.0
"""Of a plan of ours: a machine may have more to do than to serve this cluster."""


@click.command()
@click.argument("plan_file", metavar="[PLAN.toml]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    type=click.Choice((SIMULATION, *ENVIRONMENTS)),
    help="Where the cluster lives. simulation: in this process, in virtual time; local: as "
    "processes of this machine; docker: in containers; ssh: on other hosts.",
)
@click.option("--system", type=click.Choice(SYSTEMS), help="The store under test.")
@click.option(
    "--etcd-version", metavar="V", help="Of an installed etcd, as in 3.5.16 or 3.5 (doctor)."
)
@click.option(
    "--etcd-binary",
    type=click.Path(path_type=Path),
    help="An etcd program, instead of an installed one.",
)
@click.option("--image", metavar="NAME", help="Of containers, instead of this machine's programs.")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    help="The file that names the hosts over SSH (docs/REAL_CLUSTERS.md).",
)
@click.option("--attach", is_flag=True, help="Take the containers that docker-compose.yml started.")
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
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any setting of a plan, as in workload.value_bytes=8192; may be given several times.",
)
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
    etcd_version: str | None,
    etcd_binary: Path | None,
    image: str | None,
    inventory: Path | None,
    attach: bool,
    workload: str | None,
    faults: str | None,
    schedule: Path | None,
    nodes: int | None,
    time_limit: float | None,
    rate: float | None,
    concurrency: int | None,
    seed: int | None,
    settings: tuple[str, ...],
    swarm: bool,
    mutant: str | None,
    out: Path,
    draws: Path | None,
    as_json: bool,
) -> Answer:
    """Run one trial: start a cluster, load it, break it, heal it, and judge what clients saw.

    Options override the plan; without a plan, a good default is used: three nodes, 30 seconds,
    kills, power cuts, pauses, partitions, loss and delay. On real daemons: kills and pauses.

    \b
    quorate run
    quorate run --workload kv --faults kill,partition --nodes 5 --seed 7
    quorate run --env local --system etcd --faults kill,pause
    quorate run --workload lock --set workload.key_distribution=hot --set node.pre_vote=false
    quorate run --env docker --system etcd --faults kill,partition
    quorate run --swarm --seed 8841
    quorate run --swarm --seed 46 --mutant read-without-quorum-check
    """  # noqa: D301 - \b keeps the lines below it apart
    asked: dict[str, object] = {
        "environment": environment,
        "system": system,
        "workload.name": workload,
        "daemon.version": etcd_version,
        "daemon.binary": None if etcd_binary is None else str(etcd_binary.resolve()),
        "daemon.image": image,
        "daemon.inventory": None if inventory is None else str(inventory.resolve()),
        "daemon.attach": attach or None,
        "faults.packages": None if faults is None else [*parse_packages(faults)],
        "faults.schedule": None if schedule is None else str(schedule.resolve()),
        "nodes": nodes,
        "workload.time_limit_s": time_limit,
        "workload.rate": rate,
        "workload.concurrency": concurrency,
        "seed": seed,
        "mutant": mutant,
        **parse_settings(settings),
    }
    plan = _prepare(plan_file, asked, faults, swarm=swarm)
    base = None if plan_file is None else plan_file.parent
    return _carry_out(plan, base, out, draws, as_json=as_json)


def _carry_out(
    plan: Plan, base: Path | None, out: Path, draws: Path | None, *, as_json: bool
) -> Answer:
    """Run the plan, whose files are relative to `base`, and print what came of it."""
    faults_schedule = schedule_for(plan, base)
    if not as_json:
        for line in plan_lines(plan):
            click.echo(line)
    session = run_plan(plan, faults_schedule, out, draws, operations=operations_for(plan, base))
    _tell(session, as_json=as_json)
    return session.result.verdict.answer


def _tell(session: Session | RealSession, *, as_json: bool) -> None:
    if as_json:
        click.echo(_as_json(session))
    elif isinstance(session, RealSession):
        print_real_session(session)
    else:
        print_session(session)


def _prepare(
    plan_file: Path | None, asked: dict[str, object], faults: str | None, *, swarm: bool
) -> Plan:
    """Return the plan of the file, or a default one, with what was asked for in its place."""
    plan = Plan() if plan_file is None else load_plan(plan_file)
    overrides = {name: value for name, value in asked.items() if value is not None}
    where = str(overrides.get("environment", plan.environment))
    if where in ENVIRONMENTS:
        if faults == "all":
            overrides["faults.packages"] = list(
                all_packages(where, attach=bool(overrides.get("daemon.attach", plan.daemon.attach)))
            )
        elif faults is None and plan_file is None:
            overrides["faults.packages"] = list(DEFAULT_PACKAGES)
        if plan_file is None:
            overrides["liveness.bound_s"] = REAL_LIVENESS_BOUND_S
    if swarm:
        seed = overrides.get("seed")
        plan = draw_plan(seed if isinstance(seed, int) else plan.seed, plan)
    return with_overrides(plan, overrides)


def run_plan(
    plan: Plan,
    schedule: Schedule,
    out: Path,
    draws: Path | None = None,
    *,
    operations: Sequence[ListedOperation] | None = None,
) -> Session | RealSession:
    """Run the trial with progress; when it cannot go on, say what is left of it.

    Raises `HarnessError` if that is for the disk.
    """
    begun: list[RunDirectory] = []
    try:
        with ExitStack() as stack:
            if plan.environment != SIMULATION:
                return conduct_real(
                    plan,
                    schedule,
                    out,
                    progress=stack.enter_context(progress.shown()),
                    on_directory=begun.append,
                    operations=operations,
                )
            return conduct(
                plan,
                schedule,
                out,
                progress=stack.enter_context(progress.shown()),
                on_directory=begun.append,
                on_draw=stack.enter_context(closing(DrawFile(draws))).on_draw if draws else None,
                operations=operations,
            )
    except KeyboardInterrupt:
        for directory in begun:
            click.echo(f"quorate: interrupted; {_what_is_left(directory)}", err=True)
        raise
    except OSError as error:
        if not begun or not is_disk_trouble(error):
            raise
        reason = f"cannot go on recording: {error.strerror}; {_what_is_left(begun[0])}"
        raise HarnessError(f"{begun[0].path}: {reason}") from error


def _what_is_left(directory: RunDirectory) -> str:
    command = f"quorate check {shlex.quote(str(directory.path))}"
    return f"what was recorded can be judged: {command}"


def print_session(session: Session) -> None:
    """Print the figures, the verdict by checker, and the lines that scripts read."""
    result = session.result
    for line in outcome_lines(result.history, result.simulation, session.cpu_seconds):
        click.echo(line)
    end_ns = end_of(result.history, result.watched)
    roles = traced_roles(session.directory.path / "trace", end_ns)
    for line in effect_lines(effects_of(result.history, result.simulation.schedule.applied, roles)):
        click.echo(line)
    for line in verdict_lines(result.verdict):
        click.echo(line)
    click.echo()
    click.echo(f"repeat: {repeat_command(session.directory)}")
    click.echo(f"digest: {result.simulation.digest}")
    click.echo(f"run: {session.directory.path}")
    click.echo(f"verdict: {result.verdict.answer.name}")


def print_real_session(session: RealSession) -> None:
    """Print the same of a trial on real daemons, which has no digest."""
    result = session.result
    outcome = result.outcome
    for line in real_outcome_lines(result.history, result.system, outcome):
        click.echo(line)
    roles = seen_roles(outcome.roles_seen, end_of(result.history, ()))
    for line in effect_lines(effects_of(result.history, outcome.schedule.applied, roles)):
        click.echo(line)
    for line in verdict_lines(result.verdict):
        click.echo(line)
    click.echo()
    click.echo(f"again: {repeat_command(session.directory)}")
    click.echo(f"run: {session.directory.path}")
    click.echo(f"verdict: {result.verdict.answer.name}")


def repeat_command(directory: RunDirectory) -> str:
    """Return the command that repeats the run."""
    return f"quorate replay {shlex.quote(str(directory.path))}"


def _as_json(session: Session | RealSession) -> str:
    result = session.result
    printed: dict[str, object] = {
        "verdict": result.verdict.answer.name,
        "run": str(session.directory.path),
        "repeat": repeat_command(session.directory),
        "checks": as_json_value(result.verdict),
    }
    if isinstance(session, Session):
        printed["digest"] = session.result.simulation.digest
    return msgspec.json.encode(printed).decode()
