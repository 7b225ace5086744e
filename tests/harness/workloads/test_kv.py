"""The `kv` workload, rehearsed against a store that never fails."""

from collections import Counter
from collections.abc import Callable

import pytest

from checkers.checker import Budget, compose
from checkers.history import History, Op, Operation, OpType
from checkers.models.etcd_api import (
    Read,
    Target,
    Txn,
    TxnResult,
    parse_request,
    parse_response,
)
from checkers.verdict import Answer
from harness.client import Client
from harness.plan import DaemonPlan, FaultPlan, Plan, WorkloadPlan
from harness.rehearsal import Pretender, rehearse
from harness.workloads.kv import KvWorkload, may_compact_itself

WORKLOAD = KvWorkload()
PLAN = Plan(workload=WorkloadPlan(name="kv", time_limit_s=10.0, rate=300.0))


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of ten seconds."""
    store = new_store(WORKLOAD.client(PLAN))
    return History(rehearse(WORKLOAD.generator(PLAN), store, concurrency=10))


def txns(history: History) -> list[tuple[Txn, TxnResult]]:
    """Return every answered txn with its result."""
    parsed = [
        (request, parse_response(request, operation.result).result)
        for operation in history.operations()
        if operation.outcome is OpType.OK
        and isinstance(request := parse_request(operation.f, operation.value), Txn)
    ]
    return [(txn, result) for txn, result in parsed if isinstance(result, TxnResult)]


def reads(history: History) -> list[tuple[Read, Operation]]:
    """Return every read."""
    return [
        (request, operation)
        for operation in history.operations()
        if isinstance(request := parse_request(operation.f, operation.value), Read)
    ]


def test_a_faultless_store_is_valid(history: History) -> None:
    checker = compose("kv", WORKLOAD.checkers(PLAN))

    assert checker.check(history, Budget()).answer is Answer.VALID


def test_a_lost_write_is_invalid(history: History) -> None:
    checker = compose("kv", WORKLOAD.checkers(PLAN))
    index, time = len(history), history.ops[-1].time
    empty = {"revision": 9_999, "kvs": [], "count": 0, "more": False}
    everything = {"key": "k", "range_end": "l"}
    lost = [
        Op(index=index, time=time, process=0, type=OpType.INVOKE, f="range", value=everything),
        Op(index=index + 1, time=time, process=0, type=OpType.OK, f="range", value=empty),
    ]

    assert checker.check(History([*history, *lost]), Budget()).answer is Answer.INVALID


def test_every_kind_of_request_happens(history: History) -> None:
    counts = Counter(op.f for op in history if op.type is OpType.OK)

    assert sorted(counts) == ["delete", "get", "put", "range", "txn"]
    assert min(counts.values()) > 150


def test_an_operation_on_one_key_names_it(history: History) -> None:
    keyed = {op.f for op in history if op.key is not None}
    keyless = {op.f for op in history if op.key is None}

    assert keyed == {"put", "get", "delete"}
    assert keyless == {"range", "txn", "delete"}


@pytest.mark.parametrize("target", [Target.VALUE, Target.VERSION, Target.CREATE, Target.MOD])
def test_compares_of_each_target_hold_and_fail(history: History, target: Target) -> None:
    outcomes = Counter(
        result.succeeded
        for txn, result in txns(history)
        if [compare.target for compare in txn.compare] == [target]
    )

    assert min(outcomes[True], outcomes[False]) >= 5


def test_old_revisions_are_read_and_future_ones_refused(history: History) -> None:
    outcomes = Counter(operation.outcome for read, operation in reads(history) if read.revision)

    assert outcomes[OpType.OK] > 100
    assert outcomes[OpType.FAIL] >= 1


def test_some_reads_are_serializable(history: History) -> None:
    assert len([read for read, _ in reads(history) if read.serializable]) > 100


def test_at_the_end_every_node_shows_every_key(
    new_store: Callable[[Client], Pretender],
) -> None:
    final = WORKLOAD.final_generator(PLAN, ())

    ops = rehearse(final, new_store(WORKLOAD.client(PLAN)))

    assert [(op.f, op.node) for op in ops if op.type is OpType.OK] == [
        ("range", "n1"),
        ("range", "n2"),
        ("range", "n3"),
    ]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(), False),
        (Plan(faults=FaultPlan(packages=("kill", "compact"))), True),
        (Plan(faults=FaultPlan(packages=("quota",))), True),
        (Plan(faults=FaultPlan(packages=(), schedule="by-hand.json")), True),
        (Plan(daemon=DaemonPlan(flags=("--auto-compaction-retention=1s",))), True),
    ],
)
def test_who_else_may_compact_is_in_the_plan(plan: Plan, *, expected: bool) -> None:
    assert may_compact_itself(plan) is expected
