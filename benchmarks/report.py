"""The report of a long run: how long it takes to make, how large it is.

The run is made up, not simulated: 20 clients, five nodes, elections, faults, every answer a little
later than asked. What a browser makes of it is measured by `pytest -m browser tests/browser`.

    .venv/bin/python -m benchmarks.report [OPERATIONS]
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec

from checkers.collector import rare_collections
from checkers.history import NEMESIS, Op, OpType
from checkers.history_file import write_history
from checkers.verdict import as_json_value, merge, valid
from harness.environments.simulation.trace import Role, Started, Transition
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.report.page import REPORT_NAME, write_report
from harness.report.recorded import load_run
from harness.store import RunDirectory
from nemesis.applied import Applied, Outcome, Phase
from nemesis.encoding import applied_value
from nemesis.faults.pause import Pause
from nemesis.schedule import Schedule
from nemesis.schedule_file import write_schedule
from nodeimpl.ids import MILLISECOND, SECOND

OPERATIONS_DEFAULT = 100_000
CLIENTS = 20
RATE = 1000.0
NODES = 5
SECONDS_MAX, BYTES_MAX = 5.0, 15_000_000
"""What a report of 100,000 operations may take."""


def large_run(parent: Path, operation_count: int) -> Path:
    """Make up a run of so many operations in a new directory under `parent`, and return it."""
    plan = Plan(
        nodes=NODES,
        workload=WorkloadPlan(
            concurrency=CLIENTS, rate=RATE, time_limit_s=operation_count / RATE, ops_per_key=300
        ),
        faults=FaultPlan(packages=("pause",)),
    )
    directory = RunDirectory.create(parent, plan, datetime(2026, 1, 1, tzinfo=UTC))
    applied = list(_faults(operation_count))
    write_history(directory.history_path, _ops(operation_count, applied))
    directory.write_schedule(write_schedule(Schedule(seed=plan.seed, applied=tuple(applied))))
    _write_traces(directory, plan.node_names, round(operation_count / RATE))
    verdict = merge("trial", [valid("raft"), valid("linearizability", {"keys": 1})])
    results = {"verdict": as_json_value(verdict), "digest": "0" * 64, "checkpoints": []}
    directory.write_results(msgspec.json.encode(results))
    return directory.path


def _faults(operation_count: int) -> Iterator[Applied]:
    for number in range(1, round(operation_count / RATE) // 5):
        pause = Pause(target=f"n{number % NODES + 1}", hold_ns=800 * MILLISECOND)
        for at_ns, phase in ((0, Phase.BEGIN), (800 * MILLISECOND, Phase.END)):
            yield Applied(
                at_ns=number * 5 * SECOND + at_ns,
                id=number,
                phase=phase,
                outcome=Outcome.DONE,
                fault=pause,
            )


def _ops(operation_count: int, applied: Sequence[Applied]) -> list[Op]:
    """Return the ops of clients that take turns, and of the nemesis, in order of time."""
    random = Random(1)
    # (time, process, type, f, key, value, node): what is asked, and what comes of it.
    moments: list[tuple[int, int | str, OpType, str, str | None, object, str | None]] = [
        (record.at_ns, NEMESIS, OpType.INFO, record.fault.do, None, applied_value(record), None)
        for record in applied
    ]
    free_ns = [0] * CLIENTS
    held: dict[str, int] = {}
    at_ns = 0
    for number in range(operation_count):
        at_ns += round(random.expovariate(RATE) * SECOND)
        client = number % CLIENTS
        begin_ns = max(at_ns, free_ns[client] + 1)
        end_ns = begin_ns + round(random.lognormvariate(1.6, 0.6) * MILLISECOND)
        free_ns[client] = end_ns
        key, node = f"r{number // 300}", f"n{client % NODES + 1}"
        is_read = random.random() < 0.5
        value = None if is_read else random.randrange(5)
        outcome = OpType.FAIL if random.random() < 0.02 else OpType.OK
        if outcome is OpType.OK and value is not None:
            held[key] = value
        f = "read" if is_read else "write"
        result = held.get(key) if is_read and outcome is OpType.OK else None
        moments.append((begin_ns, client, OpType.INVOKE, f, key, value, node))
        moments.append((end_ns, client, outcome, f, key, result, node))
    moments.sort(key=lambda moment: moment[0])
    return [
        Op(
            index=index,
            time=time_ns,
            process=process,
            type=type_,
            f=f,
            key=key,
            value=value,
            node=node,
            error="unavailable" if type_ is OpType.FAIL else None,
        )
        for index, (time_ns, process, type_, f, key, value, node) in enumerate(moments)
    ]


def _write_traces(directory: RunDirectory, nodes: Sequence[str], seconds: int) -> None:
    """Let each node lead for three seconds, one after the other."""
    for place, node in enumerate(nodes):
        transitions = [Transition(-SECOND, node, Started(1, 0, 0, 0, 0))]
        for term in range(1, seconds // 3 + 1):
            role = "leader" if term % len(nodes) == place else "follower"
            transitions.append(Transition(term * 3 * SECOND, node, Role(role, term, None)))
        lines = [msgspec.json.encode(each) + b"\n" for each in transitions]
        directory.trace_path(node).write_bytes(b"".join(lines))


def main(arguments: Sequence[str]) -> int:
    """Print the figures; return 1 if they are worse than they may be, else 0."""
    operation_count = int(arguments[0]) if arguments else OPERATIONS_DEFAULT
    with tempfile.TemporaryDirectory() as folder:
        run = large_run(Path(folder), operation_count)
        started = time.process_time()
        with rare_collections():
            write_report(load_run(run), run / REPORT_NAME)
        seconds = time.process_time() - started
        size = (run / REPORT_NAME).stat().st_size
    share = seconds / SECONDS_MAX
    print(f"{operation_count} operations: {seconds:.2f} CPU s ({share:.2f} of what it may)")
    print(f"  {size / 1e6:.1f} MB ({size / BYTES_MAX:.2f} of what it may)")
    return 0 if seconds <= SECONDS_MAX and size <= BYTES_MAX else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
