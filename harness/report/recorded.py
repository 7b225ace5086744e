"""A run read back from its directory: everything that a report, a table or a page tells of it.

However the run ended, what is there is read; what cannot be read is an error that names file and
line (`RunDirectoryError`, `HistoryFileError`, `ScheduleError`, `PlanError`: exit code 64).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from checkers.history import History
from checkers.history_file import load_history
from checkers.verdict import Answer, Verdict, from_json_value
from checkers.watch_history import WatchRecord, load_watch_file
from harness.environments.real_time.outcome import RoleSeen
from harness.environments.simulation.trace_files import TRANSITIONS_LOG
from harness.errors import RunDirectoryError
from harness.plan import Plan
from harness.report.roles import RoleSpan, seen_roles, traced_roles
from harness.schedules import read_schedule
from harness.store import RunDirectory
from harness.trial import judge
from nemesis.schedule import Schedule


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What `results.json` says, of a simulated or a real run; other fields are passed over."""

    verdict: dict[str, object]
    digest: str | None = None
    """None of a real run."""
    version: str | None = None
    """The store's; None in simulation, where it is ours."""
    roles_seen: tuple[RoleSeen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """See the module."""

    directory: RunDirectory
    plan: Plan
    history: History
    schedule: Schedule
    watched: Sequence[WatchRecord]
    verdict: Verdict
    is_complete: bool
    """Whether the run reached a verdict; if not, `verdict` is one on the history as it stands."""
    digest: str | None
    version: str | None
    roles: tuple[RoleSpan, ...]
    """Node by node; empty if nothing is known of them."""

    @property
    def end_ns(self) -> int:
        """When the last thing that was recorded happened."""
        return end_of(self.history, self.watched)

    @property
    def transitions_path(self) -> Path:
        """What simulated nodes did, as text; absent of real ones."""
        return self.directory.path / "trace" / TRANSITIONS_LOG


def load_run(path: Path) -> Recorded:
    """Return the run in the directory `path`."""
    directory = RunDirectory.open(path)
    plan = directory.load_plan()
    history = load_history(directory.history_path, allow_torn_tail=True).history
    watched: list[WatchRecord] = []
    if directory.watch_path.exists():
        watched = load_watch_file(directory.watch_path, allow_torn_tail=True)
    schedule = read_schedule(directory.schedule_path, plan)
    results = load_results(directory)
    if results is None:
        verdict = judge(plan, history, watched, schedule)
    else:
        verdict = verdict_of(directory, results)
    end_ns = end_of(history, watched)
    folder = path / "trace"
    seen = () if results is None else results.roles_seen
    return Recorded(
        directory=directory,
        plan=plan,
        history=history,
        schedule=schedule,
        watched=watched,
        verdict=verdict,
        is_complete=results is not None,
        digest=None if results is None else results.digest,
        version=None if results is None else results.version,
        roles=traced_roles(folder, end_ns) if folder.is_dir() else seen_roles(seen, end_ns),
    )


def load_results(directory: RunDirectory) -> Results | None:
    """Return what `results.json` says; None if the run never came to write it."""
    path = directory.results_path
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"not the results of a run: {error}", path=path) from error


def verdict_of(directory: RunDirectory, results: Results) -> Verdict:
    """Return the verdict in `results`, which are those of `directory`."""
    try:
        return from_json_value(results.verdict)
    except ValueError as error:
        raise RunDirectoryError(
            f"not the verdict of a run: {error}", path=directory.results_path
        ) from error


def seen_by_the_run(directory: RunDirectory, judged: Sequence[Verdict]) -> list[Verdict]:
    """Return what the run's own verdict has beyond `judged`, which is on what it recorded.

    Oracles, and those who ask whether a cluster recovers and its nodes agree, look at a cluster
    while it runs, and nothing that is recorded would let anybody look again. So each of their
    answers stands, and its details say where it is from. Empty for a run without a verdict.
    """
    results = load_results(directory)
    if results is None:
        return []
    names = [leaf.checker for verdict in judged for leaf in verdict.leaves()]
    return [
        replace(leaf, details={"seen": "during the run", **leaf.details})
        for leaf in verdict_of(directory, results).leaves()
        if leaf.checker not in names
    ]


def end_of(history: History, watched: Sequence[WatchRecord]) -> int:
    """Return when the last of these was recorded; 0 if there is none."""
    last_op = history.ops[-1].time if history.ops else 0
    return max(last_op, watched[-1].time if watched else 0)


def convictions_of(verdict: Verdict) -> list[Verdict]:
    """Return who said INVALID; first those who can show what clients saw."""
    found = [leaf for leaf in verdict.leaves() if leaf.answer is Answer.INVALID]
    return sorted(found, key=_shows_nothing)


def _shows_nothing(leaf: Verdict) -> bool:
    return leaf.evidence is None or not leaf.evidence.operations


def conviction_ns(history: History, leaf: Verdict) -> int | None:
    """Return when it was plain that `leaf` had to convict; None if it does not say.

    That is the breach itself, or the last answer among the operations in conflict.
    """
    if leaf.evidence is None:
        return None
    at_ns = leaf.evidence.facts.get("at_ns")
    if isinstance(at_ns, int):
        return at_ns
    calls = frozenset(leaf.evidence.operations)
    ends = [
        operation.invoke.time if operation.completion is None else operation.completion.time
        for operation in history.operations()
        if operation.call in calls
    ]
    return max(ends, default=None)
