"""What queues accept, and what they must not."""

import pytest

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.linearizability.checker import linearizable
from checkers.models.model import ModelError
from checkers.models.queue import DequeueUnknown, FifoQueue, UnorderedQueue
from checkers.verdict import Answer


def judged(model: str, *entries: tuple[int, OpType, str, object]) -> Answer:
    history = History(
        Op(index=at, time=at, process=process, type=kind, f=f, value=value)
        for at, (process, kind, f, value) in enumerate(entries)
    )
    return linearizable(model).check(history, Budget()).answer


def in_turn(*steps: tuple[str, object]) -> list[tuple[int, OpType, str, object]]:
    return [
        entry
        for f, value in steps
        for entry in (
            (0, OpType.INVOKE, f, value if f == "enqueue" else None),
            (0, OpType.OK, f, value),
        )
    ]


BOTH = pytest.mark.parametrize("model", ["fifo-queue", "unordered-queue"])


def test_first_in_is_first_out() -> None:
    steps = in_turn(("enqueue", 1), ("enqueue", 2), ("dequeue", 1), ("dequeue", 2))
    assert judged("fifo-queue", *steps) is Answer.VALID


def test_only_a_fifo_queue_minds_the_order() -> None:
    steps = in_turn(("enqueue", 1), ("enqueue", 2), ("dequeue", 2), ("dequeue", 1))
    assert judged("fifo-queue", *steps) is Answer.INVALID
    assert judged("unordered-queue", *steps) is Answer.VALID


@BOTH
def test_nothing_goes_out_twice(model: str) -> None:
    assert judged(model, *in_turn(("enqueue", 1), ("dequeue", 1), ("dequeue", 1))) is Answer.INVALID


@BOTH
def test_nothing_goes_out_that_did_not_come_in(model: str) -> None:
    assert judged(model, *in_turn(("enqueue", 1), ("dequeue", 2))) is Answer.INVALID


@BOTH
def test_a_queue_with_something_in_it_is_not_empty(model: str) -> None:
    assert judged(model, *in_turn(("enqueue", 1), ("dequeue", None))) is Answer.INVALID


@BOTH
def test_a_dequeue_of_unknown_outcome_may_have_taken_it(model: str) -> None:
    steps = [
        *in_turn(("enqueue", 1)),
        (1, OpType.INVOKE, "dequeue", None),
        (1, OpType.INFO, "dequeue", None),
        *in_turn(("dequeue", None)),
    ]
    assert judged(model, *steps) is Answer.VALID


@BOTH
def test_a_dequeue_of_unknown_outcome_takes_one_at_most(model: str) -> None:
    steps = [
        *in_turn(("enqueue", 1), ("enqueue", 2)),
        (1, OpType.INVOKE, "dequeue", None),
        (1, OpType.INFO, "dequeue", None),
        *in_turn(("dequeue", None)),
    ]
    assert judged(model, *steps) is Answer.INVALID


def test_another_operation_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="a queue knows enqueue and dequeue, not 'peek'"):
        judged("fifo-queue", *in_turn(("peek", 1)))


def test_states_are_described() -> None:
    queue = UnorderedQueue()
    assert FifoQueue().describe_state((1, "a")) == '[1 "a"]'
    assert queue.describe_state((frozenset({(1, 2)}), 1)) == "{1 1} without 1 of them"
    assert queue.describe(DequeueUnknown()) == "dequeue"
