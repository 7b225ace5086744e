"""Small trials for the tests of whole simulations."""

from dataclasses import dataclass

from checkers.history import Op
from harness.environments.progress import Progress
from harness.environments.simulation.simulation import Simulation, SimulationResult
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import Transition
from harness.plan import FaultPlan, LivenessPlan, Plan, WorkloadPlan
from harness.schedules import schedule_for
from harness.trial import TrialResult, run_trial
from harness.workloads.registry import fleet_maker, workload_named
from nemesis.schedule import Schedule
from nemesis.schedule_file import parse_schedule
from nodeimpl.ids import SECOND
from nodeimpl.node import Node

WORKLOADS = ("register", "kv", "watch", "auth", "set", "lock", "elect", "mixed")


def small_plan(
    seed: int,
    workload: str = "register",
    *,
    seconds: float = 2.0,
    nodes: int = 3,
    bound_s: float = 20.0,
    fault_every_s: float = 2.0,
) -> Plan:
    """Return a plan of a few seconds of load, all else as by default."""
    return Plan(
        seed=seed,
        nodes=nodes,
        workload=WorkloadPlan(name=workload, time_limit_s=seconds),
        faults=FaultPlan(interval_s=fault_every_s),
        liveness=LivenessPlan(bound_s=bound_s),
    )


def command_for(plan: Plan) -> str:
    """Return how to repeat the trial of a `small_plan`."""
    mutant = "" if plan.mutant is None else f" --mutant {plan.mutant}"
    every_s = plan.faults.interval_s
    setting = "" if every_s == FaultPlan().interval_s else f", faults.interval_s = {every_s:g}"
    return (
        f"quorate run --seed {plan.seed} --workload {plan.workload.name} "
        f"--time-limit {plan.workload.time_limit_s:g} --nodes {plan.nodes}{mutant}{setting}"
    )


def judged(plan: Plan) -> TrialResult:
    """Run the trial under the faults of its seed, and judge it."""
    return run_trial(plan, schedule_for(plan, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a simulation, with all that was told on the way."""

    result: SimulationResult
    ops: tuple[Op, ...]
    transitions: tuple[Transition, ...]
    phases: tuple[str, ...]
    """In order, each once."""

    def of(self, node: str) -> list[Transition]:
        """Return what `node` did."""
        return [transition for transition in self.transitions if transition.node == node]

    def between(self, start_s: float, end_s: float) -> list[Transition]:
        """Return what happened in [start, end), in seconds of virtual time."""
        return [
            transition
            for transition in self.transitions
            if start_s * SECOND <= transition.at < end_s * SECOND
        ]


class _Sink:
    def __init__(self) -> None:
        self.transitions: list[Transition] = []

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Keep `transition`."""
        self.transitions.append(transition)


def simulate(
    plan: Plan, schedule: Schedule | None = None, *, node_class: type[Node] = Node
) -> Outcome:
    """Run the trial under `schedule` (None: without faults), and judge no history."""
    workload = workload_named(plan.workload.name)
    ops: list[Op] = []
    phases: dict[str, None] = {}
    sink = _Sink()

    def progress(told: Progress) -> None:
        phases[told.phase] = None

    simulation = Simulation(
        plan,
        schedule=schedule or Schedule(seed=plan.seed),
        streams=Streams(plan.seed),
        client=workload.client(plan),
        node_class=node_class,
        record=ops.append,
        sink=sink,
        fleet=fleet_maker(plan),
    )
    result = simulation.run(
        workload.generator(plan), lambda keys: workload.final_generator(plan, keys), progress
    )
    return Outcome(
        result=result,
        ops=tuple(ops),
        transitions=tuple(sink.transitions),
        phases=tuple(phases),
    )


def schedule_of(plan: Plan, *events: str) -> Schedule:
    """Return the schedule whose file has these events, as JSON objects."""
    text = f'{{"v":1,"seed":{plan.seed},"events":[{",".join(events)}]}}'
    return parse_schedule(text.encode(), path="a test", nodes=plan.node_names)
