"""The directory of one run: everything needed to judge it again, and to repeat it.

::

    run.json             what this is: the format's version, when the run began, and on real
                         clusters at which time of day the history's time is 0
    plan.toml            what was run, every default spelled out
    schedule.json        faults: asked for and applied
    operations.json      the exact operations that clients were to do; absent where they drew them
    history.jsonl        what the clients saw (docs/HISTORY_FORMAT.md)
    watch.jsonl          what the watchers were told; absent where nobody watches
    trace/<node>.jsonl   what the nodes did
    journal.jsonl        on real clusters: every fault, before and after it was tried
    nodes/<node>/        a node's log, and on failure its data directory
    results.json         the verdicts

`run.json` and `plan.toml` come first and the rest as the run goes, so that a run which was killed
leaves a directory that can be judged. Whoever finds no `results.json` judges the history.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from harness.errors import HarnessError, RunDirectoryError, is_disk_trouble
from harness.plan import Plan
from harness.plan_file import dump_plan, load_plan

RUN_VERSION: Final = 1
DATA: Final = "data"
"""A node's data directory, within the directory of what is left of it."""
OPERATIONS_NAME: Final = "operations.json"
_NAMES_MAX: Final = 1000
"""Runs of one plan that may begin in one second."""


class RunHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `run.json`. Fields that a later writer adds are ignored."""

    quorate: str = "run"
    """What kind of thing this directory is."""
    version: int = RUN_VERSION
    """Of the directory's layout."""
    started: str
    """When, in UTC, as ISO 8601."""
    zero: datetime | None = None
    """When it was time 0 of the history, by the harness' clock; None in simulation, whose time is
    its own, and before the load."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A directory that is a run of this version; made by `create` or `open`."""

    path: Path
    header: RunHeader

    @classmethod
    def create(cls, parent: Path, plan: Plan, started: datetime) -> Self:
        """Make a new directory in `parent`, with the plan in it.

        It is named for the time, the workload and the seed, and numbered if that is taken.
        `started` has a time zone. Raises `RunDirectoryError` if it cannot be made.
        """
        assert started.tzinfo is not None, "a time without a zone is no time"
        utc = started.astimezone(UTC)
        stem = f"{utc:%Y%m%dT%H%M%SZ}-{plan.workload.name}-seed{plan.seed}"
        header = RunHeader(started=utc.isoformat(timespec="seconds"))
        try:
            path = _make_unique(parent, stem)
            _replace(path / "run.json", msgspec.json.encode(header) + b"\n")
            _replace(path / "plan.toml", dump_plan(plan).encode())
        except OSError as error:
            if is_disk_trouble(error):
                raise HarnessError(f"{parent}: cannot record a run: {error.strerror}") from error
            raise RunDirectoryError(
                f"cannot make a run directory here: {error.strerror}", path=parent
            ) from error
        return cls(path, header)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the run in the directory `path`.

        Raises `RunDirectoryError` if there is none, or one of another version.
        """
        if not path.is_dir():
            raise RunDirectoryError("no such directory", path=path)
        return cls(path, _read_header(path))

    @property
    def plan_path(self) -> Path:
        """What was run."""
        return self.path / "plan.toml"

    @property
    def schedule_path(self) -> Path:
        """Faults asked for and applied."""
        return self.path / "schedule.json"

    @property
    def operations_path(self) -> Path:
        """The operations that the plan lists; absent where it lists none."""
        return self.path / OPERATIONS_NAME

    @property
    def history_path(self) -> Path:
        """What the clients saw."""
        return self.path / "history.jsonl"

    @property
    def watch_path(self) -> Path:
        """What the watchers were told; absent where nobody watches."""
        return self.path / "watch.jsonl"

    @property
    def journal_path(self) -> Path:
        """Every attempt at a fault, before and after it: what a killed harness left broken."""
        return self.path / "journal.jsonl"

    @property
    def results_path(self) -> Path:
        """The verdicts; absent until they are reached."""
        return self.path / "results.json"

    def trace_path(self, node: str) -> Path:
        """Return where the trace of `node` belongs; its directory exists."""
        return self._within("trace") / f"{node}.jsonl"

    def node_path(self, node: str) -> Path:
        """Return the directory for what is left of `node`; it exists."""
        return self._within(f"nodes/{node}")

    def load_plan(self) -> Plan:
        """Return the plan of the run; raises `PlanError` if someone has spoilt it."""
        return load_plan(self.plan_path)

    def note_zero(self, zero: datetime) -> None:
        """Note in `run.json` when it was time 0 of the history; `zero` has a time zone."""
        assert zero.tzinfo is not None, "a time without a zone is no time"
        header = msgspec.structs.replace(self.header, zero=zero.astimezone(UTC))
        _replace(self.path / "run.json", msgspec.json.encode(header) + b"\n")

    def write_schedule(self, content: bytes) -> None:
        """Replace `schedule.json` whole: whoever reads finds the old content or the new."""
        _replace(self.schedule_path, content)

    def write_operations(self, content: bytes) -> None:
        """Replace `operations.json` whole: whoever reads finds the old content or the new."""
        _replace(self.operations_path, content)

    def write_results(self, content: bytes) -> None:
        """Replace `results.json` whole: whoever reads finds the old content or the new."""
        _replace(self.results_path, content)

    def _within(self, name: str) -> Path:
        directory = self.path / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory


def plan_with_operations(plan: Plan) -> Plan:
    """Return `plan` as it stands in a run's directory that has a list of operations, too."""
    workload = msgspec.structs.replace(plan.workload, operations=OPERATIONS_NAME)
    return msgspec.structs.replace(plan, workload=workload)


def _make_unique(parent: Path, stem: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, _NAMES_MAX + 1):
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise RunDirectoryError(f"{_NAMES_MAX} runs are named {stem} already", path=parent)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    draft.replace(path)


def _read_header(directory: Path) -> RunHeader:
    path = directory / "run.json"
    try:
        header = msgspec.json.decode(path.read_bytes(), type=RunHeader)
    except FileNotFoundError as error:
        raise RunDirectoryError(
            "is not a run directory: it has no run.json", path=directory
        ) from error
    except OSError as error:
        raise RunDirectoryError(f"cannot be read: {error.strerror}", path=path) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"not the header of a run: {error}", path=path, line=1) from error
    if header.quorate != "run":
        raise RunDirectoryError(
            f"is the header of a {header.quorate!r}, not of a run", path=path, line=1
        )
    if header.version != RUN_VERSION:
        raise RunDirectoryError(
            f"has version {header.version}; expected version {RUN_VERSION}, the only one this"
            " quorate reads: use the quorate that wrote it",
            path=path,
            line=1,
        )
    return header
