"""Queues without a value twice: each rule, each way out, and brute force on random histories."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from checkers.linearizability.distinct_queue import judge
from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.models.queue import (
    Bag,
    Dequeue,
    DequeueUnknown,
    Enqueue,
    FifoQueue,
    FoundEmpty,
    QueueOperation,
    UnorderedQueue,
    Waiting,
)
from checkers.verdict import Answer
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import (
    Sizes,
    UnorderedQueues,
    record,
    small,
    tamper,
)
from tests.checkers.linearizability.rows import during

History = Sequence[Interval[QueueOperation]]

ONE_AFTER_ANOTHER = [during(Enqueue(1), 0, 1), during(Enqueue(2), 2, 3)]

OUT_OF_ORDER: dict[str, History] = {
    "the second goes out before the first": [
        *ONE_AFTER_ANOTHER,
        during(Dequeue(2), 4, 5),
        during(Dequeue(1), 6, 7),
    ],
    "the second goes out and the first never": [*ONE_AFTER_ANOTHER, during(Dequeue(2), 4, 5)],
    "whoever may have taken the first came too late": [
        *ONE_AFTER_ANOTHER,
        during(Dequeue(2), 4, 5),
        during(DequeueUnknown(), 6),
    ],
    "one who may have taken a value for two that are missing": [
        *ONE_AFTER_ANOTHER,
        during(Enqueue(3), 4, 5),
        during(DequeueUnknown(), 6),
        during(Dequeue(3), 7, 8),
    ],
}
"""Wrong first in, first out, and right in any order."""

WRONG: dict[str, History] = {
    "a value that nobody put in": [during(Enqueue(1), 0, 1), during(Dequeue(2), 2, 3)],
    "a value that went out before it came in": [during(Dequeue(1), 0, 1), during(Enqueue(1), 2, 3)],
    "a value that went out twice": [
        during(Enqueue(1), 0, 1),
        during(Dequeue(1), 2, 3),
        during(Dequeue(1), 4, 5),
    ],
    "empty, though a value was there": [during(Enqueue(1), 0, 1), during(FoundEmpty(), 2, 3)],
    "empty, though always some value was there": [
        during(Enqueue(1), 0, 1),
        during(FoundEmpty(), 2, 9),
        during(Enqueue(2), 3, 4),
        during(Dequeue(1), 5, 6),
        during(Enqueue(3), 7, 8),
        during(Dequeue(2), 10, 11),
    ],
}

RIGHT: dict[str, History] = {
    "two that came in together go out in any order": [
        during(Enqueue(1), 0, 2),
        during(Enqueue(2), 1, 3),
        during(Dequeue(2), 4, 5),
        during(Dequeue(1), 6, 7),
    ],
    "what nobody knows to have come in goes out": [
        during(Enqueue(1), 0),
        during(Dequeue(1), 1, 2),
    ],
    "somebody may have taken the first": [
        *ONE_AFTER_ANOTHER,
        during(DequeueUnknown(), 4),
        during(Dequeue(2), 5, 6),
    ],
    "a dequeue that may not have happened": [*ONE_AFTER_ANOTHER, during(Dequeue(2), 4)],
    "empty for a moment": [
        during(Enqueue(1), 0, 1),
        during(FoundEmpty(), 2, 7),
        during(Dequeue(1), 3, 4),
        during(Enqueue(2), 5, 6),
    ],
}


def answer(
    history: Sequence[Interval[object]], *, in_order: bool, initial: Waiting = ()
) -> Answer | None:
    outcome = judge(history, initial, in_order=in_order)
    return None if outcome is None else outcome.answer


@pytest.mark.parametrize("history", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_only_in_order_is_the_wrong_order_wrong(history: History) -> None:
    assert answer(history, in_order=True) is Answer.INVALID
    assert answer(history, in_order=False) is Answer.VALID


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("history", WRONG.values(), ids=WRONG)
def test_each_rule_convicts(history: History, in_order: bool) -> None:  # noqa: FBT001
    assert answer(history, in_order=in_order) is Answer.INVALID


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("history", RIGHT.values(), ids=RIGHT)
def test_what_breaks_no_rule_is_right(history: History, in_order: bool) -> None:  # noqa: FBT001
    assert answer(history, in_order=in_order) is Answer.VALID


def test_what_was_there_at_first_goes_out_first() -> None:
    history = [during(Enqueue(1), 0, 1), during(Dequeue(1), 2, 3)]

    assert answer(history, in_order=True, initial=("a",)) is Answer.INVALID
    assert answer(history, in_order=False, initial=("a",)) is Answer.VALID


@pytest.mark.parametrize(
    ("history", "initial"),
    [
        ([during(Enqueue(1), 0, 1), during(Enqueue(1), 2, 3)], ()),
        ([during(Enqueue(1), 0, 1)], (1,)),
        ([during(Enqueue(1), 0, 1)], (2, 2)),
        ([during(DequeueUnknown(), 0), during(Enqueue(1), 1, 2), during(FoundEmpty(), 3, 4)], ()),
    ],
)
def test_what_it_cannot_tell_is_left_to_others(history: History, initial: Waiting) -> None:
    assert answer(history, in_order=True, initial=initial) is None


@dataclass(frozen=True, slots=True)
class DistinctFifoQueues:
    """A queue into which no value comes twice."""

    empty_rate: float = 0.5
    model = FifoQueue()

    def draw(self, random: Random, state: Waiting, number: int) -> QueueOperation:
        """Put in or take out."""
        if random.random() < 0.5 or not (state or random.random() < self.empty_rate):
            return Enqueue(number)
        return Dequeue(state[0]) if state else FoundEmpty()

    def tampered(self, random: Random, operation: QueueOperation) -> QueueOperation:
        """Take out something else."""
        if isinstance(operation, Enqueue):
            return operation
        return FoundEmpty() if random.random() < 0.3 else Dequeue(random.randrange(1, 30))


@dataclass(frozen=True, slots=True)
class DistinctUnorderedQueues:
    """The same in any order."""

    model = UnorderedQueue()

    def draw(self, random: Random, state: Bag, number: int) -> QueueOperation:
        """Put in or take out."""
        drawn = UnorderedQueues().draw(random, state, number)
        return Enqueue(number) if isinstance(drawn, Enqueue) else drawn

    def tampered(self, random: Random, operation: QueueOperation) -> QueueOperation:
        """Take out something else."""
        return DistinctFifoQueues().tampered(random, operation)


def with_forgotten_answers(random: Random, history: History) -> list[Interval[QueueOperation]]:
    """Return `history` where of some dequeues nobody knows what they took."""
    return [
        Interval[QueueOperation](DequeueUnknown(), each.call, None, each.invoke)
        if not isinstance(each.operation, Enqueue) and random.random() < 0.15
        else each
        for each in history
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("in_order", [True, False])
def test_random_queues_are_judged_as_by_brute_force(seed: int, in_order: bool) -> None:  # noqa: FBT001
    random, decided = Random(seed), 0
    fifo, bag = DistinctFifoQueues(), DistinctUnorderedQueues()
    for case in range(400):
        drawn = (
            tamper(random, fifo, record(random, fifo, small(random)))
            if in_order
            else tamper(random, bag, record(random, bag, small(random)))
        )
        history = with_forgotten_answers(random, drawn)
        found = answer(history, in_order=in_order)
        if found is not None:
            decided += 1
            legal = has_order(history, fifo.model) if in_order else has_order(history, bag.model)
            assert (found is Answer.VALID) is legal, f"seed {seed}, case {case}"
    assert decided > 300


def test_a_long_queue_is_judged_at_once() -> None:
    sizes = Sizes(operations=5_000, processes=20, crash_rate=0.05)
    history = record(Random(1), DistinctFifoQueues(), sizes)

    outcome = decide(history, FifoQueue(), steps_max=10_000)

    assert (outcome.answer, outcome.method) == (Answer.VALID, "distinct values")
