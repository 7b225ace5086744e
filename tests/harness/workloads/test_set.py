"""The `set` workload, rehearsed against a store that never fails."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from checkers.checker import Budget, compose
from checkers.history import History, OpType
from checkers.verdict import Answer
from harness.client import Client
from harness.plan import Plan, WorkloadPlan
from harness.rehearsal import Pretender, rehearse
from harness.workloads.set import SetWorkload

WORKLOAD = SetWorkload()
PLAN = Plan(
    workload=WorkloadPlan(
        name="set", time_limit_s=5.0, rate=200.0, keys=3, ops_per_key=60, value_bytes=300
    )
)


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of five seconds, and of its final reads."""
    store = new_store(WORKLOAD.client(PLAN))
    return History(rehearse(WORKLOAD.generator(PLAN), store, concurrency=5))


def answer_of(history: History) -> Answer:
    return compose("set", WORKLOAD.checkers(PLAN)).check(history, Budget()).answer


def test_a_faultless_store_is_valid(history: History) -> None:
    assert answer_of(history) is Answer.VALID


@pytest.mark.parametrize("kind", ["list", "keys"])
def test_an_element_that_is_lost_convicts(history: History, kind: str) -> None:
    place, op = next(
        (place, op)
        for place, op in reversed(list(enumerate(history)))
        if op.type is OpType.OK and op.f == "read" and op.value and str(op.key).startswith(kind)
    )
    assert isinstance(op.value, list)
    lost = msgspec.structs.replace(op, value=op.value[1:])

    assert answer_of(History([*history.ops[:place], lost, *history.ops[place + 1 :]])) is (
        Answer.INVALID
    )


def test_no_element_is_added_twice_and_sets_are_retired(history: History) -> None:
    added = [op.value for op in history if op.type is OpType.INVOKE and op.f == "add"]
    used = Counter(op.key for op in history if op.type is OpType.INVOKE)

    assert len(added) == len(set(added)) > 400
    assert max(used.values()) <= 60
    assert len(used) > 10


def test_every_set_is_read_at_every_node_in_the_end(
    new_store: Callable[[Client], Pretender],
) -> None:
    store = new_store(WORKLOAD.client(PLAN))
    reads = rehearse(WORKLOAD.final_generator(PLAN, ["list1", "keys2"]), store)

    assert [(op.key, op.node) for op in reads if op.type is OpType.OK] == [
        (key, node) for key in ("list1", "keys2") for node in PLAN.node_names
    ]
