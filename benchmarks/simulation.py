"""How fast the simulation is: simulated seconds and client operations per second of CPU.

The tracer and every oracle are on; the history is recorded in memory and not judged. Each row is
the median of several runs; the ratio is against the target for the complete node (1.0 = reached).

    .venv/bin/python -m benchmarks.simulation [RUNS]
"""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from checkers.collector import rare_collections
from checkers.history import Op, OpType
from harness.environments.simulation.simulation import Simulation
from harness.environments.simulation.streams import Streams
from harness.generator.sources import Done
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.workloads.registry import workload_named
from nemesis.generate import generate
from nemesis.packages import parse_packages
from nemesis.schedule import Schedule
from nodeimpl.ids import SECOND
from nodeimpl.node import Node

RUNS_DEFAULT = 5
FAULTS = parse_packages("kill,power,pause,partition,loss,delay")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    name: str
    nodes: int
    rate: float
    """Operations per second; 0 for an idle cluster."""
    seconds: float
    """Virtual."""
    target: float
    """Simulated seconds per CPU second that the complete node is to reach."""
    with_faults: bool = False


CASES = (
    Case(name="3 nodes, 100 ops/s", nodes=3, rate=100, seconds=20, target=100),
    Case(name="3 nodes, 100 ops/s, faults", nodes=3, rate=100, seconds=20, target=100,
         with_faults=True),
    Case(name="5 nodes, 100 ops/s", nodes=5, rate=100, seconds=20, target=70),
    Case(name="3 nodes, 1000 ops/s", nodes=3, rate=1000, seconds=5, target=10),
    Case(name="3 nodes, idle", nodes=3, rate=0, seconds=300, target=2000),
    Case(name="seeds of 5 s, faults", nodes=3, rate=100, seconds=5, target=100, with_faults=True),
)  # fmt: skip


def prepare(
    case: Case, seed: int, record: list[Op], *, seconds: float | None = None
) -> tuple[Simulation, Plan]:
    """Return a simulation of `case`, or of so many seconds of it, ready to run."""
    time_limit_s = case.seconds if seconds is None else seconds
    plan = Plan(
        seed=seed,
        nodes=case.nodes,
        workload=WorkloadPlan(
            name="register", rate=case.rate or 1.0, time_limit_s=time_limit_s, concurrency=10
        ),
        faults=FaultPlan(packages=()),
    )
    schedule = Schedule(seed=seed, asked=())
    if case.with_faults:
        schedule = generate(
            Streams(seed).named,
            FAULTS,
            plan.node_names,
            seed=seed,
            duration_ns=round(time_limit_s * SECOND),
            interval_ns=2 * len(FAULTS) * SECOND,
        )
    simulation = Simulation(
        plan,
        schedule=schedule,
        streams=Streams(seed),
        client=workload_named("register").client(plan),
        node_class=Node,
        record=record.append,
    )
    return simulation, plan


def measure(case: Case, seed: int) -> tuple[float, float]:
    """Return simulated seconds per CPU second, and operations per CPU second."""
    history: list[Op] = []
    simulation, plan = prepare(case, seed, history)
    load = workload_named("register").generator(plan) if case.rate else Done()
    with rare_collections(leaves_cycles=True):  # as every trial
        started = time.process_time()
        result = simulation.run(load, lambda _: Done(), lambda _: None)
        cpu_seconds = time.process_time() - started
    assert result.failure is None, result.failure
    operations = sum(op.type is OpType.INVOKE for op in history)
    return result.virtual_ns / SECOND / cpu_seconds, operations / cpu_seconds


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    runs = int(arguments[0]) if arguments else RUNS_DEFAULT
    print(f"{'':<28} {'sim s/CPU s':>12} {'target':>7} {'ratio':>6} {'ops/CPU s':>10}")
    for case in CASES:
        figures = [measure(case, seed) for seed in range(1, runs + 1)]
        speed = statistics.median(figure[0] for figure in figures)
        operations = statistics.median(figure[1] for figure in figures)
        print(
            f"{case.name:<28} {speed:12.1f} {case.target:7.0f} {speed / case.target:6.2f} "
            f"{operations:10.0f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
