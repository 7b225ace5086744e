"""Shrinking a run on real daemons: by rate, since the machine decides part of it.

A case counts as failing if at least so many of so many runs of it are convicted of the same kind.
Every attempt is a run on a new cluster, so there are few of them: faults, operations, and the time
after the last of both. Some more runs of what is left then measure how often it fails.
"""

import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec.structs import replace

from harness.case import PLAN_NAME, Case, write_case
from harness.cli import progress
from harness.cli.real_replay import operations_of
from harness.cli.real_session import conduct_real
from harness.conviction import kinds_of
from harness.errors import UsageError
from harness.generator.listed import ListedOperation
from harness.report.recorded import load_run
from harness.report.shrinking import story_lines
from harness.shrink.attempts import SpentError
from harness.shrink.ddmin import ddmin
from harness.shrink.measured import Measured
from harness.shrink.pytest_file import file_name_of, real_pytest_file
from harness.shrink.regression import conviction_lines
from harness.shrink.start import AFTER_NS, ending_at
from harness.store import RunDirectory
from nemesis.schedule import Asked, At, Schedule

RUNS_MAX: Final = 60
"""Unless a budget is given: at some ten seconds each, ten minutes."""

FOLDER_NAME: Final = "shrunk"
"""In the run's directory: the plan of a few lines with its files, and the test."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as failing."""

    at_least: int = 1
    times: int = 3


class RealAttempts:
    """Runs cases on real daemons; `conduct` is one run, in a directory of its own."""

    def __init__(
        self,
        kind: str,
        rate: Rate,
        runs_max: int,
        conduct: Callable[[Case], tuple[Path, Sequence[str]]],
    ) -> None:
        """`conduct` returns the run's directory and the kinds of its convictions."""
        self._kind = kind
        self._rate = rate
        self._left = runs_max
        self._conduct = conduct
        self.runs = 0
        self.case: Case | None = None
        """The last that failed: the smallest, if each was smaller; None before the first."""
        self.directory: Path | None = None
        """Of its last conviction; those of all other runs are gone."""
        self.measured = Measured(convicted=0, runs=0)
        """How often `case` failed, of the runs of it that there were."""

    def fails(self, case: Case) -> bool:
        """Say whether enough runs of the case are convicted; if so, it is `case` from now on.

        Raises `SpentError` instead of a run beyond the budget.
        """
        seen = Measured(convicted=0, runs=0)
        for left in range(self._rate.times, 0, -1):
            if seen.convicted + left < self._rate.at_least:
                return False
            if not self._left:
                raise SpentError
            self._left -= 1
            directory, seen = self._tried(case, seen)
            if seen.convicted >= self._rate.at_least:
                if self.directory is not None:
                    shutil.rmtree(self.directory)
                self.case, self.directory, self.measured = case, directory, seen
                return True
            shutil.rmtree(directory)
        return False

    def measure(self) -> None:
        """Run `case` as often again as any candidate, beyond the budget, to know its rate better.

        A candidate's runs end as soon as enough have failed, which flatters the rate.
        """
        assert self.case is not None, "what never failed has no rate"
        for _ in range(self._rate.times):
            directory, self.measured = self._tried(self.case, self.measured)
            shutil.rmtree(directory)

    def _tried(self, case: Case, seen: Measured) -> tuple[Path, Measured]:
        """Return the directory of one more run of `case`, and what has been seen of it so far."""
        self.runs += 1
        directory, kinds = self._conduct(case)
        return directory, seen.and_also(convicted=self._kind in kinds)


def shrink_attempts(attempts: RealAttempts, case: Case) -> bool:
    """Make `attempts.case` as small as it goes; return False if the budget was spent before.

    Raises `UsageError` if `case` itself does not fail.
    """
    try:
        if not attempts.fails(case):
            raise UsageError(
                "the run failed once, and too rarely since: see quorate replay --times"
            )
        ddmin(case.schedule.asked, lambda asked: attempts.fails(_with_faults(attempts, asked)))
        operations = _smallest(attempts).operations or ()
        ddmin(operations, lambda left: attempts.fails(_with_operations(attempts, left)))
        smallest = _smallest(attempts)
        attempts.fails(ending_at(smallest, _last_ns(smallest) + AFTER_NS))
    except SpentError:
        if attempts.case is None:
            raise UsageError("the budget is spent before the run has failed again") from None
        return False
    return True


def shrink_real_run(
    directory: RunDirectory, out: Path, rate: Rate, runs_max: int, *, as_json: bool
) -> int:
    """Shrink the run in `directory` and print what is left; returns the exit code."""
    run = load_run(directory.path)
    kinds = kinds_of(run.verdict)
    if not kinds:
        raise UsageError(
            f"the run is {run.verdict.answer.name}: nobody was convicted", path=directory.path
        )

    def conduct(case: Case) -> tuple[Path, Sequence[str]]:
        with progress.shown() as show:
            session = conduct_real(
                case.plan,
                case.schedule,
                out,
                progress=show,
                on_directory=lambda _: None,
                operations=case.operations,
            )
        return session.directory.path, kinds_of(session.result.verdict)

    if not as_json:
        click.echo(f"shrinking {kinds[0]}, {rate.at_least} of {rate.times} runs")
    attempts = RealAttempts(kinds[0], rate, runs_max, conduct)
    asked = Schedule(seed=run.schedule.seed, asked=run.schedule.asked)
    case = Case(plan=run.plan, schedule=asked, operations=operations_of(run))
    is_minimal = shrink_attempts(attempts, case)
    attempts.measure()
    test_path = _write(attempts, kinds[0])
    if as_json:
        click.echo(_as_json(attempts, case, kinds[0], test_path, is_minimal=is_minimal))
    else:
        _print(attempts, case, test_path, is_minimal=is_minimal)
    return 0


def _write(attempts: RealAttempts, kind: str) -> Path:
    """Write the smallest case into the run's directory, with its test; return the test's path."""
    case = _smallest(attempts)
    folder = _directory(attempts) / FOLDER_NAME
    write_case(case, folder)
    path = folder / file_name_of(kind)
    path.write_text(real_pytest_file(case, kind, attempts.measured), encoding="utf-8")
    return path


def _print(attempts: RealAttempts, before: Case, test_path: Path, *, is_minimal: bool) -> None:
    after = _smallest(attempts)
    end = "nothing more can be left out" if is_minimal else "the budget is spent"
    click.echo(f"faults      {len(before.schedule.asked)} > {len(after.schedule.asked)}")
    click.echo(f"operations  {len(before.operations or ())} > {len(after.operations or ())}")
    click.echo(f"{attempts.runs} runs; {end}")
    click.echo("what is left")
    for line in story_lines(after):
        click.echo(line)
    click.echo()
    for line in conviction_lines(load_run(_directory(attempts)).verdict):
        click.echo(line)
    click.echo()
    measured = attempts.measured
    click.echo(
        f"rate: {measured.convicted} of {measured.runs} runs of it fail;"
        f" the test makes up to {measured.times}"
    )
    click.echo(f"plan: {test_path.with_name(PLAN_NAME)}")
    click.echo(f"test: pytest {shlex.quote(str(test_path))}")
    click.echo(f"run: {attempts.directory}")


def _as_json(
    attempts: RealAttempts, before: Case, kind: str, test_path: Path, *, is_minimal: bool
) -> str:
    return msgspec.json.encode(
        {
            "kind": kind,
            "before": _sizes(before),
            "after": _sizes(_smallest(attempts)),
            "runs": attempts.runs,
            "is_minimal": is_minimal,
            "measured": attempts.measured,
            "run": str(_directory(attempts)),
            "test": str(test_path),
        }
    ).decode()


def _sizes(case: Case) -> dict[str, int]:
    return {"faults": len(case.schedule.asked), "operations": len(case.operations or ())}


def _directory(attempts: RealAttempts) -> Path:
    assert attempts.directory is not None, "what failed has a directory"
    return attempts.directory


def _smallest(attempts: RealAttempts) -> Case:
    assert attempts.case is not None, "it has failed before"
    return attempts.case


def _with_faults(attempts: RealAttempts, asked: Sequence[Asked]) -> Case:
    case = _smallest(attempts)
    return replace(case, schedule=replace(case.schedule, asked=tuple(asked)))


def _with_operations(attempts: RealAttempts, operations: Sequence[ListedOperation]) -> Case:
    return replace(_smallest(attempts), operations=tuple(operations))


def _last_ns(case: Case) -> int:
    """Return when the last fault or operation begins that has a time."""
    times = [each.at_ns for each in case.operations or ()]
    times += [each.moment.at_ns for each in case.schedule.asked if isinstance(each.moment, At)]
    return max(times, default=0)
