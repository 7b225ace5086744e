"""The `append` workload, rehearsed against a store that never fails, and in simulation."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from checkers.checker import Budget, compose
from checkers.history import History, Op, OpType
from checkers.verdict import Answer
from harness.append_client import GUARD_FAILED, AppendClient
from harness.client import Call, Client, Completion, Conversation
from harness.plan import Plan, WorkloadPlan
from harness.rehearsal import Pretender, rehearse
from harness.workloads.append import AppendWorkload
from nodeimpl.api.rpc_pb2 import TxnRequest, TxnResponse

WORKLOAD = AppendWorkload()
PLAN = Plan(
    workload=WorkloadPlan(name="append", time_limit_s=10.0, rate=100.0, keys=3, ops_per_key=50)
)


@pytest.fixture(scope="module")
def history(new_store: Callable[[Client], Pretender]) -> History:
    """Return the history of a trial of ten seconds."""
    store = new_store(WORKLOAD.client(PLAN))
    return History(rehearse(WORKLOAD.generator(PLAN), store, concurrency=5))


def test_a_faultless_store_is_valid(history: History) -> None:
    verdict = compose("append", WORKLOAD.checkers(PLAN)).check(history, Budget())

    assert verdict.answer is Answer.VALID
    assert len(history.operations()) > 800


def test_a_lost_append_is_invalid(history: History) -> None:
    place, op = next(
        (place, op)
        for place, op in reversed(list(enumerate(history)))
        if op.type is OpType.OK and isinstance(op.value, list) and _reads_much(op.value[0])
    )
    assert isinstance(op.value, list)
    f, key, elements = op.value[0]
    lost = msgspec.structs.replace(op, value=[[f, key, elements[:-3]], *op.value[1:]])
    ops = [*history.ops[:place], lost, *history.ops[place + 1 :]]

    verdict = compose("append", WORKLOAD.checkers(PLAN)).check(History(ops), Budget())

    assert verdict.answer is Answer.INVALID


def _reads_much(step: list[object]) -> bool:
    f, _, value = step
    return f == "r" and isinstance(value, list) and len(value) > 3


def test_reads_and_appends_happen_and_no_element_comes_twice(history: History) -> None:
    steps = [
        (f, key, value)
        for operation in history.operations()
        if isinstance(operation.value, list)
        for f, key, value in operation.value
    ]
    counts = Counter(f for f, _, _ in steps)
    appends = [(key, value) for f, key, value in steps if f == "append"]

    assert min(counts["r"], counts["append"]) > 500
    assert len(set(appends)) == len(appends)
    assert len({key for _, key, _ in steps}) == 3 * 7  # three lists at a time, retired together


def test_the_final_reads_are_of_every_list_at_every_node(
    history: History, new_store: Callable[[Client], Pretender]
) -> None:
    final = WORKLOAD.final_generator(PLAN, ())

    reads = History(rehearse(final, new_store(WORKLOAD.client(PLAN)))).operations()

    assert [len(_keys_of(read.value)) for read in reads] == [3 * 8] * len(PLAN.node_names)
    used = [key for operation in history.operations() for key in _keys_of(operation.value)]
    assert set(used) <= set(_keys_of(reads[0].value))


def test_many_lists_are_read_in_several_transactions(
    new_store: Callable[[Client], Pretender],
) -> None:
    plan = Plan(
        nodes=1,
        workload=WorkloadPlan(name="append", time_limit_s=10.0, rate=100.0, keys=2, ops_per_key=5),
    )
    asked = rehearse(WORKLOAD.final_generator(plan, ()), new_store(WORKLOAD.client(plan)))

    sizes = [len(_keys_of(op.value)) for op in asked if op.type is OpType.INVOKE]
    assert sizes == [100, 100, 26]


def _keys_of(steps: object) -> list[str]:
    assert isinstance(steps, list)
    return [key for _, key, _ in steps]


def op(*steps: list[object]) -> Op:
    return Op(index=0, time=0, process=0, type=OpType.INVOKE, f="txn", value=list(steps))


def test_a_transaction_that_only_reads_is_one_call() -> None:
    conversation = Conversation(AppendClient(1), op(["r", "x", None]))

    call = conversation.start()

    assert isinstance(call, Call)
    assert isinstance(call.request, TxnRequest)
    assert not call.request.compare
    assert conversation.answered(_answers(1, succeeded=True)) == Completion(
        OpType.OK, [["r", "x", None]]
    )


def test_an_append_is_guarded_by_what_was_read_before() -> None:
    conversation = Conversation(AppendClient(1), op(["append", "x", 7]))
    conversation.start()

    call = conversation.answered(_answers(1, succeeded=True))

    assert isinstance(call, Call)
    assert isinstance(call.request, TxnRequest)
    assert [(c.key, c.mod_revision) for c in call.request.compare] == [(b"x", 0)]
    assert call.request.success[0].request_put.value == b"[7]"
    assert conversation.answered(_answers(0, succeeded=False)) == Completion(
        OpType.FAIL, error=GUARD_FAILED
    )


def _answers(count: int, *, succeeded: bool) -> TxnResponse:
    response = TxnResponse(succeeded=succeeded)
    for _ in range(count):
        response.responses.add().response_range.count = 0
    return response
