"""What the `quorate` fixture does: trials and recorded histories that must be VALID."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from checkers.checker import Budget
from checkers.choose import checker_named, model_of
from checkers.formats.detect import detect, read_history
from checkers.history import History, OpType
from checkers.verdict import Answer, Verdict
from harness.cli.exit_codes import EXIT_HARNESS, exit_code_of
from harness.cli.gate import first_story
from harness.cli.real_session import conduct_real
from harness.cli.session import conduct
from harness.environments.progress import Progress
from harness.errors import UsageError
from harness.plan import Plan
from harness.plan_file import load_plan, with_overrides
from harness.report.page import REPORT_NAME, write_report
from harness.report.recorded import load_run
from harness.schedules import schedule_for
from harness.store import RunDirectory
from harness.trial import SIMULATION
from nemesis.schedule import Schedule

STORY_LINES_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trial that was VALID."""

    plan: Plan
    history: History
    verdict: Verdict

    @property
    def ok_count(self) -> int:
        """How many operations succeeded."""
        return sum(op.type is OpType.OK for op in self.history.client_ops())


@dataclass(slots=True)
class Quorate:
    """The fixture. Paths are relative to the folder of the test's file."""

    folder: Path
    runs: Path
    """Where runs that are not VALID are kept."""
    _marked: Run | None = field(default=None, init=False)

    @property
    def run(self) -> Run:
        """The trial of the test's marker; raises `pytest.UsageError` if it has none."""
        if self._marked is None:
            raise pytest.UsageError("quorate.run needs @pytest.mark.quorate on the test")
        return self._marked

    def run_marked(self, asked: Mapping[str, object], seed: int) -> None:
        """Run what a marker asks for."""
        plan, settings = asked.get("plan"), asked.get("settings") or {}
        if not isinstance(plan, str | Path | Plan | None) or not isinstance(settings, dict):
            raise pytest.UsageError("plan= is a path or a Plan, settings= a dict")
        self._marked = self.check_plan(plan, seed=seed, settings=settings)

    def check_plan(
        self,
        plan: str | Path | Plan | None = None,
        *,
        seed: int | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Run:
        """Run one trial, and return it; fail the test unless it is VALID.

        `plan` is a file, or None for the default plan; `settings` take the place of its own, named
        as in `workload.rate`. A run that is not VALID is kept, with its report.
        """
        __tracebackhide__ = True
        with _in_one_line():
            prepared, base = self._prepared(plan)
            overrides = dict(settings or {})
            if seed is not None:
                overrides["seed"] = seed
            prepared = with_overrides(prepared, overrides)
            faults = schedule_for(prepared, base)
            directory, history, verdict = _conduct(prepared, faults, self.runs)
            if verdict.answer is not Answer.VALID:
                write_report(load_run(directory.path), directory.path / REPORT_NAME)
        if verdict.answer is not Answer.VALID:
            pytest.fail(_failure_of_run(directory.path, verdict), pytrace=False)
        shutil.rmtree(directory.path)
        return Run(plan=prepared, history=history, verdict=verdict)

    def check_history(
        self, file: str | Path, *, model: str | None = None, initial: str | None = None
    ) -> Verdict:
        """Judge a recorded history, and return the verdict; fail the test unless it is VALID.

        The model is told from the operations unless it is given (`quorate list`).
        """
        __tracebackhide__ = True
        path = self.folder / file
        with _in_one_line():
            if not path.is_file():
                raise UsageError("no such file", path=path)
            history = read_history(path, detect(path))
            name = model or model_of(history)
            if name is None:
                raise UsageError("cannot tell what this is a history of: give model=", path=path)
            verdict = checker_named(name, initial).check(history, Budget())
        if verdict.answer is not Answer.VALID:
            command = f"quorate check {shlex.quote(str(path))} --model {name}"
            pytest.fail(_failure(verdict, [f"judge it again: {command}"]), pytrace=False)
        return verdict

    def _prepared(self, plan: str | Path | Plan | None) -> tuple[Plan, Path | None]:
        """Return the plan, and the folder that it speaks of."""
        if plan is None:
            return Plan(), None
        if isinstance(plan, Plan):
            return plan, self.folder
        path = self.folder / plan
        return load_plan(path), path.parent


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Fail the test by one line, where the command line has no more than that for an error."""
    __tracebackhide__ = True
    try:
        yield
    except Exception as error:
        code = exit_code_of(error)
        if code is None:
            raise
        what = "failure of the harness: " if code == EXIT_HARNESS else ""
        raise pytest.fail.Exception(f"quorate: {what}{error}", pytrace=False) from None


def _conduct(plan: Plan, schedule: Schedule, out: Path) -> tuple[RunDirectory, History, Verdict]:
    if plan.environment == SIMULATION:
        simulated = conduct(plan, schedule, out)
        return simulated.directory, simulated.result.history, simulated.result.verdict
    begun: list[RunDirectory] = []
    real = conduct_real(plan, schedule, out, progress=_ignore, on_directory=begun.append)
    return real.directory, real.result.history, real.result.verdict


def _ignore(progress: Progress) -> None:
    """Nobody watches a test."""


def _failure_of_run(run: Path, verdict: Verdict) -> str:
    path = shlex.quote(str(run))
    lines = [
        f"repeat:    quorate replay {path}",
        f"shrink:    quorate shrink {path}",
        f"look:      {run / REPORT_NAME}",
    ]
    return _failure(verdict, lines)


def _failure(verdict: Verdict, commands: list[str]) -> str:
    story = first_story(verdict).splitlines()
    if len(story) > STORY_LINES_MAX:
        story = [*story[:STORY_LINES_MAX], f"... and {len(story) - STORY_LINES_MAX} more lines"]
    return "\n".join([f"quorate: {verdict.answer.name}", "", *story, "", *commands])
