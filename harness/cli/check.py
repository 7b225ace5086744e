"""`quorate check`: judge recorded histories, ours or other tools', without any cluster."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import msgspec

from checkers.checker import Budget, Checker
from checkers.choose import ETCD, MULTI_REGISTER, checker_named, choices, model_of
from checkers.formats.detect import Format, detect, read_history
from checkers.formats.etcd_report import is_report
from checkers.formats.etcd_report_watch import NOT_JUDGED, read_watches
from checkers.history import History, HistoryError
from checkers.history_file import load_history
from checkers.leases.checker import LeaseChecker
from checkers.leases.lifetime import SECOND_NS, Bounds
from checkers.models.model import ModelError
from checkers.raft.checker import judge_facts
from checkers.raft.trace import TraceError, load_traces
from checkers.transactions.checker import RW_REGISTER
from checkers.transactions.consistency import STRICT_SERIALIZABLE
from checkers.verdict import Answer, Verdict, as_json_value, merge
from checkers.watch.checker import WatchChecker
from checkers.watch_history import WatchRecord, load_watch_file
from harness.cli.reading import Reading, reading
from harness.errors import UsageError
from harness.plan import CheckPlan
from harness.real_trial import data_directories, judge_with_logs
from harness.report.console import verdict_lines
from harness.report.recorded import seen_by_the_run
from harness.schedules import excuses_in, read_schedule
from harness.store import RunDirectory
from harness.suggest import did_you_mean


@click.command()
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--model",
    metavar="MODEL",
    help="What the histories are of; told from their operations unless given (quorate list).",
)
@click.option(
    "--initial",
    metavar="VALUE",
    help="The value before the first operation, as in 0, nil or x=0,y=0.",
)
@click.option(
    "--consistency",
    metavar="MODEL",
    default=STRICT_SERIALIZABLE,
    show_default=True,
    help="What transactions (list-append, rw-register) are expected to keep (quorate list).",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice([each.value for each in Format]),
    help="The files' format; told from their content unless given.",
)
@click.option(
    "--steps",
    "steps_max",
    type=click.IntRange(min=1),
    help="Steps one search may take before it answers UNKNOWN."
    f"  [default: {CheckPlan().steps_max}; of a run, what its plan says]",
)
@click.option(
    "--memory",
    "memory_mb_max",
    metavar="MB",
    type=click.IntRange(min=1),
    help="Megabytes one search may remember things in before it answers UNKNOWN."
    f"  [default: {CheckPlan().memory_mb_max}; of a run, what its plan says]",
)
@click.option(
    "--outlive",
    "outlive_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="How long after its time a lease may still be there; that is not judged unless given.",
)
@click.option(
    "--watch",
    "watch_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What watchers were told beside the one history, as a run's watch.jsonl has it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def check(
    paths: tuple[Path, ...],
    model: str | None,
    initial: str | None,
    consistency: str,
    format_name: str | None,
    steps_max: int | None,
    memory_mb_max: int | None,
    outlive_s: float | None,
    watch_path: Path | None,
    as_json: bool,
) -> Answer:
    """Judge recorded histories. A FILE may also be the directory of a run.

    Reads Quorate's own JSON lines, Jepsen's, Knossos' and Elle's EDN, the same in JSON, Jepsen's
    log lines, Porcupine's key-value files, and directories of etcd's robustness tests. Of a run,
    what only its own judges could see while it ran stands as they said. The exit code is that of
    the worst verdict.

    \b
    quorate check runs/20260101T000000Z-register-seed1
    quorate check --model cas-register --initial 0 history.edn
    """  # noqa: D301 - \b keeps the lines below it apart
    if model is not None and model not in choices():
        raise UsageError(f"no model is called {model!r}{did_you_mean(model, choices())}")
    if watch_path is not None and (len(paths) != 1 or paths[0].is_dir()):
        raise UsageError("--watch goes with one history; a run has its own watch.jsonl")
    limits = partial(_limits, steps_max=steps_max, memory_mb_max=memory_mb_max)
    budget = limits(CheckPlan()).budget
    judged: list[tuple[Path, Verdict]] = []
    for path in paths:
        started = time.perf_counter()
        with reading(path) as shown:
            if path.is_dir() and not is_report(path):
                verdict = _judge_run(path, shown, limits)
            else:
                history = _read(path, format_name, shown)
                name = model or _model_of(path, history, initial)
                named = checker_named(name, initial, consistency)
                checker = _with_lease_facts(named, watch_path, outlive_s)
                verdict = _judge(path, checker, history, budget)
                watch = _watch_checker(path, watch_path)
                if watch is not None:
                    verdict = merge(name, [verdict, _judge(path, watch, history, budget)])
        judged.append((path, verdict))
        if not as_json:
            _print_one(path, verdict, time.perf_counter() - started, alone=len(paths) == 1)
    worst = max(verdict.answer for _, verdict in judged)
    if as_json:
        click.echo(_as_json(worst, judged))
    else:
        click.echo(f"verdict: {worst.name}")
    return worst


def _limits(checks: CheckPlan, *, steps_max: int | None, memory_mb_max: int | None) -> CheckPlan:
    """Return `checks` with what the command line says in their place."""
    return msgspec.structs.replace(
        checks,
        steps_max=steps_max or checks.steps_max,
        memory_mb_max=memory_mb_max or checks.memory_mb_max,
    )


def _judge(path: Path, checker: Checker, history: History, budget: Budget) -> Verdict:
    try:
        return checker.check(history, budget)
    except (HistoryError, ModelError) as error:
        raise UsageError(f"{error}", path=path) from error


def _with_lease_facts(
    checker: Checker, watch_path: Path | None, outlive_s: float | None
) -> Checker:
    """Return `checker` with what is known besides the history, if it is leases that it judges."""
    if not isinstance(checker, LeaseChecker):
        return checker
    return LeaseChecker(
        records=[] if watch_path is None else load_watch_file(watch_path),
        bounds=Bounds(outlive_ns=None if outlive_s is None else round(outlive_s * SECOND_NS)),
    )


def _watch_checker(path: Path, watch_path: Path | None) -> WatchChecker | None:
    """Return who judges the watches that go with `path`; None if nothing is known of any."""
    if watch_path is not None:
        return WatchChecker(records=load_watch_file(watch_path))
    watched = read_watches(path) if is_report(path) else []
    if not watched:
        return None
    # Nobody notes in a report what is compacted.
    return WatchChecker(records=watched, compacts_itself=True, left_out=NOT_JUDGED)


def _judge_run(path: Path, shown: Reading, limits: Callable[[CheckPlan], CheckPlan]) -> Verdict:
    """Judge what a run recorded, however it ended, and keep to what only the run itself saw."""
    directory = RunDirectory.open(path)
    plan = directory.load_plan()
    plan = msgspec.structs.replace(plan, checks=limits(plan.checks))
    loaded = load_history(directory.history_path, allow_torn_tail=True, heard=shown.heard)
    if loaded.torn_line is not None:
        click.echo(
            f"quorate: {directory.history_path}:{loaded.torn_line}: the last line was cut off when "
            "the run was killed; judging the lines before it",
            err=True,
        )
    if not directory.results_path.exists():
        click.echo(
            f"quorate: {path}: the run came to no verdict of its own; judging what it recorded",
            err=True,
        )
    watched: list[WatchRecord] = []
    if directory.watch_path.exists():
        watched = load_watch_file(directory.watch_path, allow_torn_tail=True)
    shown.judging(len(loaded.history))
    schedule = None
    if directory.schedule_path.exists():
        schedule = read_schedule(directory.schedule_path, plan)
    data = data_directories(path, plan)
    judged = judge_with_logs(plan, loaded.history, watched, schedule, data)
    disks_lie = "lying-disk" in (plan.faults.packages if not schedule else excuses_in(schedule))
    traces = _judge_traces(path / "trace", disks_lie=disks_lie)
    verdicts = judged if traces is None else [*judged, traces]
    verdicts = [*seen_by_the_run(directory, verdicts), *verdicts]
    return verdicts[0] if len(verdicts) == 1 else merge("run", verdicts)


def _judge_traces(folder: Path, *, disks_lie: bool) -> Verdict | None:
    """Judge what the nodes did by Raft's properties; None if no node left a trace."""
    try:
        facts = load_traces(folder)
    except TraceError as error:
        raise UsageError(f"{error}") from error
    return judge_facts(facts, disks_lie=disks_lie) if facts else None


def _read(path: Path, format_name: str | None, shown: Reading) -> History:
    if not path.exists():
        raise UsageError("no such file", path=path)
    chosen = detect(path) if format_name is None else Format(format_name)
    history = read_history(path, chosen, heard=shown.heard)
    shown.judging(len(history))
    return history


def _model_of(path: Path, history: History, initial: str | None) -> str:
    name = ETCD if is_report(path) else model_of(history)
    if name is None:
        raise UsageError(
            "cannot tell what this is a history of from its operations; name it with --model "
            f"({', '.join(choices())})",
            path=path,
        )
    if name == RW_REGISTER and initial is not None and "=" in initial:
        return MULTI_REGISTER  # each register starts as it is told
    return name


def _print_one(path: Path, verdict: Verdict, seconds: float, *, alone: bool) -> None:
    if alone or verdict.answer is not Answer.VALID:
        click.echo(f"{path}")
        for line in verdict_lines(verdict):
            click.echo(line)
        click.echo()
    click.echo(f"{path}: {verdict.answer.name} ({1000 * seconds:.1f} ms)")


def _as_json(worst: Answer, judged: list[tuple[Path, Verdict]]) -> str:
    return msgspec.json.encode(
        {
            "verdict": worst.name,
            "files": [
                {
                    "file": str(path),
                    "verdict": verdict.answer.name,
                    "checks": as_json_value(verdict),
                }
                for path, verdict in judged
            ],
        }
    ).decode()
