"""The `mixed` workload, rehearsed against a store that never fails, and in simulation."""

from collections import Counter
from collections.abc import Callable

import pytest

from checkers.checker import Budget, compose
from checkers.history import History, OpType
from checkers.verdict import Answer
from checkers.watch_history import Delivery, EventKind
from harness.client import Client, Completion
from harness.generator.bounds import TimeLimit
from harness.generator.pace import at_rate
from harness.plan import FaultPlan, MixedPlan, Plan, WatchPlan, WorkloadPlan
from harness.rehearsal import Pretence, Pretender, rehearse
from harness.schedules import schedule_for
from harness.trial import TrialResult, run_trial
from harness.workloads.mixed import MixedWorkload
from harness.workloads.mixed_draws import mixed_generator
from harness.workloads.registry import checkers_for
from nodeimpl.ids import SECOND

WORKLOAD = MixedWorkload()
PLAN = Plan(
    seed=1,
    workload=WorkloadPlan(name="mixed", time_limit_s=5.0, rate=200.0),
    faults=FaultPlan(packages=("pause", "kill")),
)


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of ten seconds, for whose leases no time passes."""
    plan = Plan(workload=WorkloadPlan(name="mixed", time_limit_s=10.0, rate=300.0))
    store = new_store(WORKLOAD.client(plan))
    return History(rehearse(WORKLOAD.generator(plan), store, concurrency=10))


@pytest.fixture(scope="module")
def result() -> TrialResult:
    """Return a trial of five seconds in simulation."""
    return run_trial(PLAN, schedule_for(PLAN, None))


def test_a_faultless_store_is_valid(history: History) -> None:
    verdict = compose("mixed", WORKLOAD.checkers(PLAN)).check(history, Budget())
    assert verdict.answer is Answer.VALID


def test_the_healthy_node_is_valid_to_all_judges(result: TrialResult) -> None:
    assert result.verdict.answer is Answer.VALID
    names = {leaf.checker for leaf in result.verdict.leaves()}
    assert {"etcd-linearizability", "watch-reliable", "lease-not-early", "stats"} <= names


def test_watchers_are_told_of_keys_that_go_with_their_leases(result: TrialResult) -> None:
    deleted = {
        event.mod_revision
        for record in result.watched
        if isinstance(record, Delivery)
        for event in record.events
        if event.kind is EventKind.DELETE
    }
    claimed = {
        op.value["revision"]
        for op in result.history
        if op.type is OpType.OK and op.f in {"delete", "txn"} and isinstance(op.value, dict)
    }
    assert deleted - claimed


def test_every_kind_of_request_succeeds(history: History) -> None:
    counts = Counter(op.f for op in history if op.type is OpType.OK)
    assert sorted(counts) == [
        "compact",
        "delete",
        "get",
        "lease-grant",
        "lease-keep-alive",
        "lease-revoke",
        "lease-time-to-live",
        "member-list",
        "put",
        "range",
        "txn",
    ]
    assert min(counts.values()) >= 10


def test_transactions_read_the_past_and_some_are_too_late(history: History) -> None:
    outcomes = Counter(
        operation.outcome
        for operation in history.operations()
        if operation.f == "txn"
        and isinstance(operation.value, dict)
        and any("revision" in step.get("range", {}) for step in operation.value["success"])
    )
    assert outcomes[OpType.OK] > 30
    assert outcomes[OpType.FAIL] > 5


def test_compactions_follow_deletions_at_once(history: History) -> None:
    deletions = [
        op.value["revision"]
        for op in history
        if op.f == "delete" and isinstance(op.value, dict) and op.value.get("deleted")
    ]
    compacted = [
        op.value["revision"]
        for op in history
        if op.f == "compact" and op.type is OpType.INVOKE and isinstance(op.value, dict)
    ]
    assert len(set(deletions) & set(compacted)) > 20


def test_leases_that_are_kept_hear_a_steady_beat_at_every_node(history: History) -> None:
    beats = [
        op
        for op in history
        if op.type is OpType.INVOKE
        and op.f == "lease-keep-alive"
        and op.value in ({"id": 1}, {"id": 2})
    ]
    assert len(beats) > 100
    assert {op.node for op in beats} == {"n1", "n2", "n3"}


def test_nodes_are_maintained_only_where_they_are_real() -> None:
    def asked(environment: str) -> set[str]:
        plan = Plan(environment=environment, mixed=MixedPlan(maintenance=0.5))
        load = TimeLimit(2 * SECOND, at_rate(100.0, mixed_generator(plan)))
        return {op.f for op in rehearse(load, lambda _: Pretence(Completion(OpType.FAIL)))} & {
            "defragment",
            "member-update",
        }

    assert asked("simulation") == set()
    assert asked("local") == {"defragment", "member-update"}


def test_a_burst_is_of_puts(new_store: Callable[[Client], Pretender]) -> None:
    plan = Plan(
        workload=WorkloadPlan(name="mixed", time_limit_s=3.0, rate=10.0, value_bytes=100),
        mixed=MixedPlan(burst_puts=300, burst_every_s=1.0),
    )
    ops = rehearse(WORKLOAD.generator(plan), new_store(WORKLOAD.client(plan)), concurrency=10)
    puts = [op for op in ops if op.type is OpType.INVOKE and op.f == "put" and op.time >= SECOND]
    assert len([put for put in puts if put.time < 1.4 * SECOND]) >= 300
    assert all(
        str(put.value["value"]).endswith("~100") for put in puts if isinstance(put.value, dict)
    )


def test_nobody_judges_watches_where_nobody_watches() -> None:
    plan = Plan(workload=WorkloadPlan(name="mixed"), watch=WatchPlan(clients_per_node=0))
    names = [checker.name for checker in checkers_for(plan, ())]
    assert names == ["etcd-linearizability", "lease", "mvcc", "stats"]


@pytest.mark.parametrize(("share", "is_written"), [(0.0, False), (1.0, True)])
def test_transactions_that_read_the_past_write_only_if_told_to(
    share: float, *, is_written: bool
) -> None:
    plan = Plan(mixed=MixedPlan(write_with_old_reads=share))
    load = TimeLimit(2 * SECOND, at_rate(200.0, mixed_generator(plan)))
    ops = rehearse(load, lambda _: Pretence(Completion(OpType.FAIL)))
    past = [
        op.value["success"]
        for op in ops
        if op.f == "txn"
        and isinstance(op.value, dict)
        and any("revision" in step.get("range", {}) for step in op.value["success"])
    ]
    assert past
    assert {any("put" in step for step in steps) for steps in past} == {is_written}
