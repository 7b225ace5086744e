"""What runs there are in a folder, and what to filter them by.

Only the small files of each run are read: its header, its plan, its schedule and its verdict.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from checkers.history import HistoryError
from checkers.history_file import HistoryFileError
from checkers.verdict import Answer, Verdict
from harness.conviction import kinds_of
from harness.errors import UsageError
from harness.report.recorded import convictions_of, load_results, verdict_of
from harness.store import RunDirectory
from nemesis.schedule_file import ScheduleError

UNFINISHED: Final = "UNFINISHED"
"""In place of a verdict, of a run that never reached one."""

UNREADABLE: Final = "UNREADABLE"
"""Of a directory that calls itself a run and cannot be read as one."""

READING_ERRORS: Final = (UsageError, HistoryFileError, HistoryError, ScheduleError)
"""What is raised where a run's files cannot be read."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    name: str
    """Of its directory."""
    started: str
    verdict: str
    """An answer, `UNFINISHED` or `UNREADABLE`."""
    reason: str = ""
    """Why it is not VALID, or cannot be read."""
    kinds: tuple[str, ...] = ()
    """Of its convictions: equal ones are most likely one bug."""
    system: str = ""
    environment: str = ""
    workload: str = ""
    nodes: int = 0
    seed: int = 0
    mutant: str = ""
    faults: tuple[str, ...] = ()
    """Packages that faults were drawn from; `schedule` if there was a file of them."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A filter; what is empty filters nothing."""

    text: str = ""
    """Words, each of which must stand somewhere in what is listed."""
    verdict: str = ""
    system: str = ""
    workload: str = ""
    fault: str = ""

    def matches(self, run: Listed) -> bool:
        """Say whether `run` is wanted."""
        return (
            self.verdict in ("", run.verdict)
            and self.system in ("", run.system)
            and self.workload in ("", run.workload)
            and (not self.fault or self.fault in run.faults)
            and all(word in _words_of(run) for word in self.text.lower().split())
        )


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to choose from in each filter."""

    verdicts: tuple[str, ...]
    systems: tuple[str, ...]
    workloads: tuple[str, ...]
    faults: tuple[str, ...]


def list_runs(folder: Path) -> list[Listed]:
    """Return every run in `folder`, the latest first; what is no run is passed over.

    Raises `UsageError` if there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError("no such directory", path=folder)
    paths = [path for path in folder.iterdir() if (path / "run.json").is_file()]
    runs = [_listed(path) for path in sorted(paths)]
    return sorted(runs, key=_age, reverse=True)


def choices_of(runs: Iterable[Listed]) -> Choices:
    """Return what can be chosen among `runs`."""
    every = list(runs)
    return Choices(
        verdicts=_present(run.verdict for run in every),
        systems=_present(run.system for run in every),
        workloads=_present(run.workload for run in every),
        faults=_present(fault for run in every for fault in run.faults),
    )


def _reason_of(verdict: Verdict) -> str:
    """Return why the first checker that does not say VALID does not; empty if all do."""
    reasons = [
        f"{leaf.checker}: {leaf.reason}"
        for leaf in (*convictions_of(verdict), *verdict.leaves())
        if leaf.answer is not Answer.VALID
    ]
    return next(iter(reasons), "")


def _present(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _age(run: Listed) -> tuple[str, str]:
    return run.started, run.name


def _words_of(run: Listed) -> str:
    shown: Sequence[str] = (
        run.name,
        run.verdict,
        run.reason,
        run.system,
        run.environment,
        run.workload,
        run.mutant,
        f"seed:{run.seed}",
        *run.kinds,
        *run.faults,
    )
    return " ".join(shown).lower()


def _listed(path: Path) -> Listed:
    try:
        directory = RunDirectory.open(path)
        plan = directory.load_plan()
        results = load_results(directory)
        verdict = None if results is None else verdict_of(directory, results)
    except (UsageError, ScheduleError) as error:
        return Listed(name=path.name, started="", verdict=UNREADABLE, reason=str(error))
    return Listed(
        name=path.name,
        started=directory.header.started,
        verdict=UNFINISHED if verdict is None else verdict.answer.name,
        reason="" if verdict is None else _reason_of(verdict),
        kinds=() if verdict is None else kinds_of(verdict),
        system=plan.system,
        environment=plan.environment,
        workload=plan.workload.name,
        nodes=plan.nodes,
        seed=plan.seed,
        mutant=plan.mutant or "",
        faults=("schedule",) if plan.faults.schedule is not None else plan.faults.packages,
    )
