"""One trial with everything around it: the run directory, the files, the progress, the results.

What was recorded so far is on disk at any moment, so that a run that is interrupted or killed
can be judged (`quorate check RUN`).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from checkers.history import Op
from checkers.verdict import as_json_value
from harness.environments.progress import Progress
from harness.environments.simulation.streams import OnDraw
from harness.environments.simulation.trace import Checkpoint, TraceSink, Transition
from harness.environments.simulation.trace_files import TraceWriter
from harness.generator.listed import ListedOperation
from harness.operations_file import write_operations
from harness.plan import Plan
from harness.recorder import Recorder, WatchRecorder
from harness.store import RunDirectory, plan_with_operations
from harness.trial import TrialResult, run_trial
from harness.workloads.registry import fleet_maker
from nemesis.schedule import Schedule
from nemesis.schedule_file import write_schedule

_FLUSH_OPS = 200
"""Ops between two flushes of the traces; the history itself is never buffered."""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `results.json`."""

    verdict: dict[str, object]
    digest: str
    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A trial that has been run and written down."""

    directory: RunDirectory
    result: TrialResult
    cpu_seconds: float


def conduct(
    plan: Plan,
    schedule: Schedule,
    out: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    compare_with: TraceSink | None = None,
    on_directory: Callable[[RunDirectory], None] | None = None,
    on_draw: OnDraw | None = None,
    operations: Sequence[ListedOperation] | None = None,
) -> Session:
    """Run the trial in a new directory under `out`, and write everything down as it goes.

    `operations` are those that the plan lists. `compare_with` is given every transition too.
    `on_directory` learns of the directory before the trial begins.
    """
    if operations is not None:
        plan = plan_with_operations(plan)
    directory = RunDirectory.create(out, plan, datetime.now(UTC))
    if on_directory is not None:
        on_directory(directory)
    directory.write_schedule(write_schedule(schedule))
    if operations is not None:
        directory.write_operations(write_operations(operations))
    about: dict[str, object] = {"workload": plan.workload.name, "seed": plan.seed}
    trace = TraceWriter(directory.trace_path("any").parent)
    started = time.process_time()
    try:
        with ExitStack() as files:
            recorder = files.enter_context(Recorder(directory.history_path, about))
            watched = None
            if fleet_maker(plan) is not None:
                watched = files.enter_context(closing(WatchRecorder(directory.watch_path, about)))
            result = run_trial(
                plan,
                schedule,
                record=_flushing(recorder, trace),
                record_watch=None if watched is None else watched.record,
                sink=trace if compare_with is None else _Both(trace, compare_with),
                progress=progress,
                on_draw=on_draw,
                operations=operations,
            )
    finally:
        trace.close()
    cpu_seconds = time.process_time() - started
    simulation = result.simulation
    directory.write_schedule(write_schedule(simulation.schedule))
    results = Results(
        verdict=as_json_value(result.verdict),
        digest=simulation.digest,
        checkpoints=simulation.checkpoints,
    )
    directory.write_results(msgspec.json.format(msgspec.json.encode(results), indent=1))
    return Session(directory=directory, result=result, cpu_seconds=cpu_seconds)


def _flushing(recorder: Recorder, trace: TraceWriter) -> Callable[[Op], None]:
    def record(op: Op) -> None:
        recorder.record(op)
        if op.index % _FLUSH_OPS == 0:
            trace.flush()

    return record


class _Both:
    """Two sinks as one."""

    def __init__(self, first: TraceSink, second: TraceSink) -> None:
        self._sinks = (first, second)

    def write(self, transition: Transition, encoded: bytes) -> None:
        """Hand `transition` to both."""
        for sink in self._sinks:
            sink.write(transition, encoded)
