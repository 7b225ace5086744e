"""The `watch` workload: what is written, deleted and compacted under the watchers' eyes."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from checkers.checker import Budget, compose
from checkers.history import History, OpType
from checkers.verdict import Answer
from harness.client import Client
from harness.plan import Plan, WatchPlan, WorkloadPlan
from harness.rehearsal import Pretender, rehearse
from harness.workloads.watch import WatchWorkload

WORKLOAD = WatchWorkload()
PLAN = Plan(workload=WorkloadPlan(name="watch", time_limit_s=5.0, rate=300.0))


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of five seconds."""
    store = new_store(WORKLOAD.client(PLAN))
    return History(rehearse(WORKLOAD.generator(PLAN), store, concurrency=10))


def test_a_faultless_store_is_valid(history: History) -> None:
    checker = compose("watch", WORKLOAD.checkers(PLAN))
    assert checker.check(history, Budget()).answer is Answer.VALID


def test_compactions_come_to_the_very_revision_of_a_deletion(history: History) -> None:
    operations = list(history.operations())
    deleted_at = [
        each.result.get("revision")
        for each in operations
        if each.f == "delete" and isinstance(each.result, dict) and each.result.get("deleted")
    ]
    compacted_at = [
        each.value.get("revision")
        for each in operations
        if each.f == "compact" and each.outcome is OpType.OK and isinstance(each.value, dict)
    ]
    assert len(compacted_at) > 10
    assert sum(revision in deleted_at for revision in compacted_at) > len(compacted_at) / 4


def test_what_is_deleted_and_compacted_is_the_plans(
    new_store: Callable[[Client], Pretender],
) -> None:
    plan = replace(PLAN, watch=WatchPlan(compactions=0.5, deletions=0.5))
    store = new_store(WORKLOAD.client(plan))

    history = History(rehearse(WORKLOAD.generator(plan), store, concurrency=10))

    assert {each.f for each in history.operations()} == {"compact", "delete"}
