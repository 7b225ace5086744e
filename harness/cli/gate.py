"""`quorate gate`: a suite for continuous integration."""

import os
import shlex
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click

from checkers.verdict import Answer, Verdict
from harness.cli.real_session import conduct_real
from harness.cli.run import DEFAULT_OUT
from harness.cli.session import conduct
from harness.compare.comparison import jobs_default
from harness.conviction import story_of
from harness.environments.progress import Progress
from harness.errors import HarnessError, UsageError
from harness.gate.conduct import Clock, result_of, run_trials
from harness.gate.junit import junit_xml
from harness.gate.outcome import Attempt, Ending, GateResult, Result
from harness.gate.regressions import judge_regressions
from harness.gate.suite import Suite, Trial, load_suite, trials_of
from harness.gate.summary import annotations, headline, markdown
from harness.report.page import REPORT_NAME, write_report
from harness.report.recorded import convictions_of, load_run
from harness.store import RunDirectory
from harness.trial import SIMULATION

_ENDINGS: Final = {
    Answer.VALID: Ending.PASSED,
    Answer.UNKNOWN: Ending.UNKNOWN,
    Answer.INVALID: Ending.INVALID,
}


@click.command()
@click.argument("suite_file", metavar="SUITE.toml", type=click.Path(path_type=Path))
@click.option(
    "--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML there."
)
@click.option(
    "--summary",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add a Markdown summary to this file.  [default: GitHub's, where it runs there]",
)
@click.option(
    "--fresh-from",
    type=click.IntRange(min=0),
    help="Draw the fresh seeds from this number, as a run before did.  [default: from the time]",
)
@click.option("--only", metavar="CASE", help="Run this case alone, as kills or kills[nodes=5].")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes.  [default: one for each processor]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Where runs that do not pass are kept, each with its report.",
)
def gate(
    suite_file: Path,
    junit: Path | None,
    summary: Path | None,
    fresh_from: int | None,
    only: str | None,
    jobs: int | None,
    out: Path,
) -> int:
    """Run the suite in SUITE.toml and exit with one code for all of it.

    Recorded regressions are judged first; then every case runs under its fixed seeds and under
    fresh ones, which are printed. UNKNOWN and failures of the harness are tried once more, and
    never pass. Exit code: 1 if anything is INVALID, else 3 for a failure of the harness, else 2 for
    UNKNOWN, else 0.

    \b
    quorate gate suite.toml --junit junit.xml --summary summary.md
    """  # noqa: D301 - \b keeps the lines below it apart
    suite = load_suite(suite_file)
    if fresh_from is None:
        fresh_from = time.time_ns() % 2**31
    trials = _chosen(trials_of(suite, suite_file, fresh_from), only)
    started = time.monotonic()
    click.echo(f"{suite.suite.name}: fresh seeds from {fresh_from}")
    results: list[Result] = []
    if only is None:
        for folder in suite.suite.regressions:
            results += _judged(suite_file.parent / folder, folder)
    results += _run(suite, suite_file, trials, out, jobs or jobs_default())
    whole = GateResult(
        suite=suite.suite.name,
        fresh_from=fresh_from,
        results=tuple(results),
        seconds=time.monotonic() - started,
    )
    _write(whole, junit, summary)
    click.echo(headline(whole))
    return whole.exit_code


def _chosen(trials: Sequence[Trial], only: str | None) -> Sequence[Trial]:
    if only is None:
        return trials
    chosen = [trial for trial in trials if only in (trial.case, trial.case.split("[")[0])]
    if not chosen:
        names = ", ".join(dict.fromkeys(trial.case for trial in trials))
        raise UsageError(f"there is no case {only!r}; there are {names}")
    return chosen


def _judged(folder: Path, group: str) -> list[Result]:
    results = list(judge_regressions(folder, group))
    failed = [result for result in results if not result.passed]
    for result in failed:
        _tell(result)
    click.echo(f"  {group}: {len(results) - len(failed)} of {len(results)} regressions as recorded")
    return results


def _run(
    suite: Suite, suite_file: Path, trials: Sequence[Trial], out: Path, jobs: int
) -> list[Result]:
    """Run all trials, and return what came of them in their order."""
    clock = Clock(
        time.monotonic, suite.suite.budget_s, {case.name: case.budget_s for case in suite.case}
    )
    is_simulated = all(trial.plan.environment == SIMULATION for trial in trials)
    found: dict[tuple[str, str], Result] = {}
    run = partial(run_trial_of_gate, out)
    for trial, attempts in run_trials(trials, run, jobs=jobs if is_simulated else 1, clock=clock):
        result = result_of(trial, attempts, shlex.quote(str(suite_file)))
        found[trial.case, result.name] = result
        _tell(result)
    order = [result_of(trial, (_NONE,), "") for trial in trials]
    return [found[result.group, result.name] for result in order]


_NONE: Final = Attempt(ending=Ending.UNKNOWN)


def _tell(result: Result) -> None:
    click.echo(f"  {result.group}, {result.name}: {result.last.ending}")
    if result.retried:
        click.echo(f"    tried again after {result.retried}")
    if not result.passed:
        click.echo(f"    {result.last.reason}")
        click.echo(f"    repeat: {result.repeat}")


def _write(whole: GateResult, junit: Path | None, summary: Path | None) -> None:
    """Write what was asked for, and tell GitHub where it runs."""
    is_github = os.environ.get("GITHUB_ACTIONS") == "true"
    if is_github:
        for line in annotations(whole):
            click.echo(line)
        if summary is None and "GITHUB_STEP_SUMMARY" in os.environ:
            summary = Path(os.environ["GITHUB_STEP_SUMMARY"])
    try:
        if junit is not None:
            junit.write_text(junit_xml(whole), encoding="utf-8")
        if summary is not None:
            with summary.open("a", encoding="utf-8") as file:
                file.write(markdown(whole))
    except OSError as error:
        raise HarnessError(f"{error.filename}: cannot be written: {error.strerror}") from error


def run_trial_of_gate(out: Path, trial: Trial) -> Attempt:
    """Run one trial where its plan says; the run's directory is kept unless it passes."""
    begun: list[RunDirectory] = []
    started = time.monotonic()
    try:
        verdict = _verdict_of(trial, out, begun)
    except Exception as error:  # noqa: BLE001 - whatever it is, the gate reports it as ours
        return Attempt(
            ending=Ending.HARNESS,
            reason=f"{type(error).__name__}: {error}",
            run=str(begun[0].path) if begun else None,
            seconds=time.monotonic() - started,
        )
    (directory,) = begun
    ending = _ENDINGS[verdict.answer]
    seconds = time.monotonic() - started
    if ending is Ending.PASSED:
        shutil.rmtree(directory.path)
        return Attempt(ending=ending, seconds=seconds)
    write_report(load_run(directory.path), directory.path / REPORT_NAME)
    return Attempt(
        ending=ending,
        reason=verdict.reason,
        story=first_story(verdict),
        run=str(directory.path),
        seconds=seconds,
    )


def _verdict_of(trial: Trial, out: Path, begun: list[RunDirectory]) -> Verdict:
    if trial.plan.environment == SIMULATION:
        session = conduct(trial.plan, trial.schedule, out, on_directory=begun.append)
        return session.result.verdict
    real = conduct_real(
        trial.plan, trial.schedule, out, progress=_ignore, on_directory=begun.append
    )
    return real.result.verdict


def _ignore(progress: Progress) -> None:
    """Of single trials nothing is shown."""


def first_story(verdict: Verdict) -> str:
    """Return what the first conviction tells, the one that shows operations if there is one."""
    for leaf in convictions_of(verdict):
        if leaf.evidence is not None:
            return "\n\n".join([f"{leaf.checker}: {leaf.reason}", *_whole(story_of(leaf))])
    return verdict.reason


def _whole(lines: Sequence[str]) -> Sequence[str]:
    return ["\n".join(lines)] if lines else []
