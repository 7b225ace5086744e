"""The `register` workload, rehearsed against a store that never fails."""

from collections import Counter
from collections.abc import Callable

import pytest

from checkers.checker import Budget, compose
from checkers.history import CAS_MISMATCH, History, Op, OpType
from checkers.verdict import Answer
from harness.client import Client, Completion
from harness.plan import LivenessPlan, Plan, WorkloadPlan
from harness.rehearsal import Pretence, Pretender, imperfect, rehearse
from harness.workloads.register import RegisterWorkload

WORKLOAD = RegisterWorkload()
PLAN = Plan(workload=WorkloadPlan(time_limit_s=10.0, rate=200.0, ops_per_key=100))


@pytest.fixture(scope="module")
def ops(new_store: Callable[[Client], Pretender]) -> list[Op]:
    """Return the history of a trial of ten seconds."""
    store = new_store(WORKLOAD.client(PLAN))
    return rehearse(WORKLOAD.generator(PLAN), store, concurrency=10)


def test_a_faultless_store_is_valid(ops: list[Op]) -> None:
    checker = compose("register", WORKLOAD.checkers(PLAN))

    assert checker.check(History(ops), Budget()).answer is Answer.VALID


def test_a_stale_read_is_invalid(ops: list[Op]) -> None:
    checker = compose("register", WORKLOAD.checkers(PLAN))
    index, time = len(ops), ops[-1].time
    stale = [
        Op(index=index, time=time, process=0, type=OpType.INVOKE, f="read", key="r0"),
        Op(index=index + 1, time=time, process=0, type=OpType.OK, f="read", key="r0", value=99),
    ]

    assert checker.check(History([*ops, *stale]), Budget()).answer is Answer.INVALID


def test_the_rate_is_kept_until_the_time_limit(ops: list[Op]) -> None:
    invokes = [op for op in ops if op.type is OpType.INVOKE]

    assert 1_800 < len(invokes) < 2_200
    assert invokes[-1].time < 10_000_000_000


def test_every_operation_happens_and_some_compare_in_vain(ops: list[Op]) -> None:
    outcomes = Counter((op.f, op.type, op.error) for op in ops if op.type is not OpType.INVOKE)

    assert sorted(outcomes, key=str) == [
        ("cas", OpType.FAIL, CAS_MISMATCH),
        ("cas", OpType.OK, None),
        ("read", OpType.OK, None),
        ("write", OpType.OK, None),
    ]
    assert min(outcomes.values()) > 50


def test_keys_are_retired(ops: list[Op]) -> None:
    counts = [len(part.operations()) for part in History(ops).by_key().values()]

    assert len(counts) >= 18
    assert max(counts) == 100


def test_every_key_is_read_at_the_end_from_every_node(
    new_store: Callable[[Client], Pretender],
) -> None:
    final = WORKLOAD.final_generator(PLAN, ("r0", "r1"))

    ops = rehearse(final, new_store(WORKLOAD.client(PLAN)), concurrency=10)

    assert [(op.f, op.key, op.node) for op in ops if op.type is OpType.OK] == [
        ("read", "r0", "n1"),
        ("read", "r0", "n2"),
        ("read", "r0", "n3"),
        ("read", "r1", "n1"),
        ("read", "r1", "n2"),
        ("read", "r1", "n3"),
    ]


def test_final_reads_are_repeated_until_they_are_answered() -> None:
    ops = rehearse(WORKLOAD.final_generator(PLAN, ("r0",)), imperfect)

    assert [op.node for op in ops if op.type is OpType.OK] == ["n1", "n2", "n3"]


def silent(op: Op) -> Pretence:
    """Nothing is ever answered but by a failure, a millisecond later."""
    return Pretence(Completion(OpType.FAIL, op.value), latency_ns=1_000_000)


def test_a_final_read_that_nobody_answers_is_given_up_after_twice_the_liveness_bound() -> None:
    plan = Plan(liveness=LivenessPlan(bound_s=0.1))

    ops = rehearse(WORKLOAD.final_generator(plan, ["r0"]), silent)

    nodes = len(plan.node_names)
    assert {op.node for op in ops} == set(plan.node_names)
    assert nodes * 190_000_000 < ops[-1].time < nodes * 210_000_000
