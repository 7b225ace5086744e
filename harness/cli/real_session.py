"""A trial on real daemons with everything around it: the run directory, the files, the results.

As `harness.cli.session`, whose runs can be repeated bit for bit; these can only be driven again.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from checkers.verdict import as_json_value
from checkers.watch_history import WatchRecord
from harness.environments.progress import Progress
from harness.environments.real_time.outcome import MemberChange, RoleSeen
from harness.generator.listed import ListedOperation
from harness.operations_file import write_operations
from harness.plan import Plan
from harness.real_trial import RealTrialResult, require_known, run_real_trial
from harness.recorder import Recorder, WatchRecorder
from harness.store import RunDirectory, plan_with_operations
from harness.workloads.registry import fleet_maker
from nemesis.applied import Applied
from nemesis.encoding import applied_value
from nemesis.schedule import Schedule
from nemesis.schedule_file import write_schedule


class RealResults(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `results.json`."""

    verdict: dict[str, object]
    system: str
    version: str
    roles_seen: tuple[RoleSeen, ...] = ()
    """Which roles nodes were found in (`RealOutcome.roles_seen`)."""
    member_changes: tuple[MemberChange, ...] = ()
    """What came of each change of the members that a fault asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSession:
    """A trial that has been run and written down."""

    directory: RunDirectory
    result: RealTrialResult


class Journal:
    """Writes every attempt at a fault to a file, unbuffered; a context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, applied: Applied) -> None:
        """Add one line."""
        self._file.write(msgspec.json.encode(applied_value(applied)) + b"\n")


def conduct_real(
    plan: Plan,
    schedule: Schedule,
    out: Path,
    *,
    progress: Callable[[Progress], None],
    on_directory: Callable[[RunDirectory], None],
    operations: Sequence[ListedOperation] | None = None,
) -> RealSession:
    """Run the trial in a new directory under `out`, and write everything down as it goes.

    `on_directory` learns of the directory before the trial begins. Raises `UsageError` before
    there is one if the plan names what there is not.
    """
    require_known(plan)
    if operations is not None:
        plan = plan_with_operations(plan)
    directory = RunDirectory.create(out, plan, datetime.now(UTC))
    on_directory(directory)
    directory.write_schedule(write_schedule(schedule))
    if operations is not None:
        directory.write_operations(write_operations(operations))
    about: dict[str, object] = {"workload": plan.workload.name, "seed": plan.seed}
    with ExitStack() as files:
        recorder = files.enter_context(Recorder(directory.history_path, about))
        journal = files.enter_context(Journal(directory.journal_path))
        watched = None
        if fleet_maker(plan) is not None:
            watched = files.enter_context(closing(WatchRecorder(directory.watch_path, about)))
        result = run_real_trial(
            plan,
            schedule,
            directory,
            record=recorder.record,
            record_watch=_told_to_nobody if watched is None else watched.record,
            journal=journal.write,
            progress=progress,
            operations=operations,
        )
    directory.write_schedule(write_schedule(result.outcome.schedule))
    results = RealResults(
        verdict=as_json_value(result.verdict),
        system=result.system.name,
        version=result.system.version,
        roles_seen=result.outcome.roles_seen,
        member_changes=result.outcome.member_changes,
    )
    directory.write_results(msgspec.json.format(msgspec.json.encode(results), indent=1))
    return RealSession(directory=directory, result=result)


def _told_to_nobody(told: WatchRecord) -> None:
    raise AssertionError(f"nobody watches in this workload, and somebody was told {told}")
