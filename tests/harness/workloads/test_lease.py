"""The `lease` workload, rehearsed against a node that never fails and whose clock stands still."""

from collections import Counter
from collections.abc import Callable

import pytest

from checkers.checker import Budget, compose
from checkers.history import NEMESIS, History, Op, OpType
from checkers.verdict import Answer
from harness.client import Client
from harness.plan import FaultPlan, Plan, WorkloadPlan
from harness.rehearsal import Pretender, rehearse
from harness.workloads.lease import LeaseWorkload, lifetime_max_s

WORKLOAD = LeaseWorkload()
PLAN = Plan(
    workload=WorkloadPlan(name="lease", time_limit_s=10.0, rate=300.0),
    faults=FaultPlan(packages=("kill",)),
)


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of ten seconds."""
    store = new_store(WORKLOAD.client(PLAN))
    return History(rehearse(WORKLOAD.generator(PLAN), store, concurrency=10))


def convicted(history: History, plan: Plan) -> list[str]:
    """Return which promises were broken."""
    verdict = compose("lease", WORKLOAD.checkers(plan)).check(history, Budget())
    return [leaf.checker for leaf in verdict.leaves() if leaf.answer is not Answer.VALID]


def test_a_store_is_valid_but_for_its_clock_that_stands_still(history: History) -> None:
    assert convicted(history, PLAN) == ["lease-not-late"]


def test_leases_are_not_late_while_there_are_faults(history: History) -> None:
    cut = Op(
        index=len(history), time=history.ops[-1].time, process=NEMESIS, type=OpType.INFO, f="cut"
    )
    assert convicted(History([*history, cut]), PLAN) == []


def test_leases_are_given_more_time_where_the_machine_may_be_busy(history: History) -> None:
    plan = Plan(environment="local", workload=PLAN.workload, faults=PLAN.faults)
    assert convicted(history, plan) == []


def test_a_lease_that_died_early_is_invalid_unless_clocks_are_bent(history: History) -> None:
    index, time = len(history), history.ops[-1].time
    last = next(op for op in reversed(history.ops) if op.f == "lease-keep-alive" and op.value)
    assert isinstance(last.value, dict)
    asked = {"id": last.value["id"]}
    gone = {"revision": 9_999, "id": last.value["id"], "ttl": 0}
    f = "lease-keep-alive"
    early = [
        Op(index=index, time=time, process=0, type=OpType.INVOKE, f=f, value=asked),
        Op(index=index + 1, time=time, process=0, type=OpType.OK, f=f, value=gone),
    ]
    spoilt = History([*history, *early])
    assert "lease-not-early" in convicted(spoilt, PLAN)
    bent = Plan(workload=PLAN.workload, faults=FaultPlan(packages=("clock",)))
    assert convicted(spoilt, bent) == []


def test_every_kind_of_request_succeeds(history: History) -> None:
    counts = Counter(op.f for op in history if op.type is OpType.OK)
    assert sorted(counts) == [
        "delete",
        "get",
        "lease-grant",
        "lease-keep-alive",
        "lease-revoke",
        "lease-time-to-live",
        "put",
        "range",
    ]
    assert min(counts.values()) > 20


def test_keys_move_from_lease_to_lease_and_to_none(history: History) -> None:
    seen: dict[str, dict[int, None]] = {}
    for op in history:
        if op.type is OpType.OK and op.f == "range":
            assert isinstance(op.value, dict)
            for kv in op.value["kvs"]:
                seen.setdefault(kv["key"], {})[kv["lease"]] = None
    assert all(len(leases) > 2 and 0 in leases for leases in seen.values())


def test_final_reads_come_when_every_lease_must_have_ended(
    new_store: Callable[[Client], Pretender],
) -> None:
    store = new_store(WORKLOAD.client(PLAN))
    ops = rehearse(WORKLOAD.final_generator(PLAN, ()), store)
    assert ops[0].time >= lifetime_max_s(PLAN) * 1_000_000_000
    assert [op.node for op in ops if op.type is OpType.OK] == ["n1", "n2", "n3"]
