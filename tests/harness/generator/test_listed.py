"""Operations from a list: each at its time, by its thread, at its node, in the thread's order."""

from checkers.history import Op, OpType
from harness.client import Completion
from harness.generator.listed import Listed, ListedOperation, listed
from harness.rehearsal import Pretence, perfect, rehearse
from nodeimpl.ids import SECOND


def at(
    at_ns: int, thread: int = 0, value: object = None, node: str | None = "n2"
) -> ListedOperation:
    return ListedOperation(at_ns=at_ns, thread=thread, node=node, f="write", key="r0", value=value)


def invoked(ops: list[Op]) -> list[tuple[int, object, object]]:
    return [(op.time, op.process, op.value) for op in ops if op.type is OpType.INVOKE]


def slow(op: Op) -> Pretence:
    return Pretence(Completion(OpType.OK, op.value), latency_ns=100)


def test_each_operation_begins_at_its_time_at_its_node() -> None:
    ops = rehearse(Listed([at(5, 0, "a"), at(7, 1, "b")]))
    assert invoked(ops) == [(5, 0, "a"), (7, 1, "b")]
    assert {op.node for op in ops} == {"n2"}


def test_a_busy_thread_goes_on_when_it_is_free_and_others_do_not_wait() -> None:
    operations = [at(5, 0, "a"), at(6, 0, "b"), at(7, 0, "c"), at(8, 1, "d")]
    ops = rehearse(Listed(operations), slow)
    assert invoked(ops) == [(5, 0, "a"), (8, 1, "d"), (105, 0, "b"), (205, 0, "c")]


def test_an_operation_of_unknown_outcome_leaves_the_thread_to_its_next_process() -> None:
    ops = rehearse(
        Listed([at(5, 2, "a"), at(6, 2, "b")]),
        lambda _: Pretence(Completion(OpType.INFO), latency_ns=50),
    )
    assert invoked(ops) == [(5, 2, "a"), (55, 5, "b")]


def test_an_empty_list_is_done_at_once() -> None:
    assert rehearse(Listed([])) == []


def test_without_a_node_any_is_asked() -> None:
    ops = rehearse(Listed([at(number, number % 3, node=None) for number in range(60)]))
    assert {op.node for op in ops} == {"n1", "n2", "n3"}


def test_what_a_history_asked_for_is_asked_for_again() -> None:
    first = rehearse(Listed([at(5, 0, "a"), at(6, 1, "b"), at(70, 0, "c")]), perfect)
    again = rehearse(Listed(listed(first, concurrency=3, until_ns=SECOND)), perfect)
    assert again == first
    assert [each.value for each in listed(first, concurrency=3, until_ns=70)] == ["a", "b"]
