"""Logs trimmed so often that whoever was away needs the store itself (Raft §7), under faults."""

import msgspec
import pytest

from checkers.verdict import Answer
from harness.environments.simulation.trace import SnapshotInstalled, SnapshotSent, Trimmed
from harness.plan import NodePlan, Plan
from harness.schedules import schedule_for
from tests.simulation.trials import command_for, judged, simulate, small_plan

pytestmark = pytest.mark.simulation

TINY = NodePlan(snapshot_entries=20, catch_up_entries=5, snapshot_chunk_bytes=256)
LEAST = NodePlan(
    snapshot_entries=1, catch_up_entries=0, snapshot_chunk_bytes=64, backend_commit_entries=1
)

SOAK_SEEDS = range(1, 201)


def trimming_plan(seed: int, knobs: NodePlan, *, nodes: int = 3, seconds: float = 6.0) -> Plan:
    """Return a trial with a fault every half second and as many trims as `knobs` bring."""
    workload = ("register", "kv")[seed % 2]
    plan = small_plan(seed, workload, nodes=nodes, seconds=seconds, fault_every_s=0.5)
    return msgspec.structs.replace(plan, node=knobs)


@pytest.mark.parametrize("seed", [1, 2, 24, 41])
def test_who_was_away_too_long_is_sent_the_store_and_installs_it(seed: int) -> None:
    plan = trimming_plan(seed, TINY, seconds=8.0)

    outcome = simulate(plan, schedule_for(plan, None))

    kinds = {type(transition.what) for transition in outcome.transitions}
    assert outcome.result.failure is None
    assert {Trimmed, SnapshotSent, SnapshotInstalled} <= kinds


@pytest.mark.parametrize("knobs", [TINY, LEAST], ids=["tiny", "least"])
@pytest.mark.parametrize(("seed", "nodes"), [(3, 1), (4, 3), (5, 5)])
def test_the_healthy_node_stays_so_however_often_its_log_is_trimmed(
    seed: int, nodes: int, knobs: NodePlan
) -> None:
    plan = trimming_plan(seed, knobs, nodes=nodes)

    verdict = judged(plan).verdict

    assert verdict.answer is Answer.VALID, f"{verdict.reason}\n{command_for(plan)}, {knobs}"


@pytest.mark.soak
@pytest.mark.parametrize("nodes", [1, 3, 5, 7])
@pytest.mark.parametrize("knobs", [TINY, LEAST], ids=["tiny", "least"])
def test_the_healthy_node_stays_so_under_many_seeds(nodes: int, knobs: NodePlan) -> None:
    for seed in SOAK_SEEDS:
        plan = trimming_plan(seed, knobs, nodes=nodes)
        verdict = judged(plan).verdict
        assert verdict.answer is Answer.VALID, f"{verdict.reason}\n{command_for(plan)}, {knobs}"
