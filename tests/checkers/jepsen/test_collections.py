"""Sets, queues, ids, counters, banks: histories that are wrong, and ones that only look so."""

import msgspec
import pytest

from checkers.checker import Budget, Checker
from checkers.history import History, OpType
from checkers.jepsen.bank import Bank
from checkers.jepsen.counter import Counter
from checkers.jepsen.set_full import SetFull
from checkers.jepsen.total_queue import TotalQueue
from checkers.jepsen.unique_ids import UniqueIds
from checkers.verdict import Answer
from tests.checkers.timeline import Row, history_of, kinds


def add(at: float, value: object, outcome: OpType = OpType.OK, until: float = 0) -> Row:
    process = round(at * 10)
    return Row(at, until or at + 0.5, process, "add", value, outcome=outcome)


def read(at: float, *seen: object, until: float = 0) -> Row:
    return Row(at, until or at + 0.5, 1000 + round(at * 10), "read", None, list(seen))


def enqueue(at: float, value: object, outcome: OpType = OpType.OK) -> Row:
    return Row(at, at + 0.5, round(at * 10), "enqueue", value, outcome=outcome)


def dequeue(at: float, value: object, outcome: OpType = OpType.OK) -> Row:
    return Row(at, at + 0.5, round(at * 10), "dequeue", None, value, outcome=outcome)


def drain(at: float, *values: object, outcome: OpType = OpType.OK) -> Row:
    return Row(at, at + 0.5, round(at * 10), "drain", None, list(values), outcome=outcome)


def generate(at: float, value: object) -> Row:
    return Row(at, at + 0.5, 0, "generate", None, value)


def total(at: float, value: object, until: float = 0) -> Row:
    return Row(at, until or at + 0.5, 1000 + round(at * 10), "read", None, value)


INFO, FAIL = OpType.INFO, OpType.FAIL
SET, QUEUE, IDS, COUNTER, BANK = SetFull(), TotalQueue(), UniqueIds(), Counter(), Bank()


@pytest.mark.parametrize(
    ("checker", "rows", "kind"),
    [
        pytest.param(SET, [add(1, 1), add(2, 2), read(3, 1)], "element-lost", id="lost"),
        pytest.param(
            SET, [add(1, 1, INFO), read(2, 1), read(3)], "element-lost", id="lost, seen before"
        ),
        pytest.param(SET, [add(1, 1), read(2), read(3, 1)], "element-stale", id="stale"),
        pytest.param(SET, [add(1, 1), read(2, 1, 9)], "never-added", id="from nowhere"),
        pytest.param(SET, [add(1, 1, FAIL), read(2, 1)], "never-added", id="failed addition"),
        pytest.param(SET, [add(1, 1), read(2, 1, 1)], "element-twice", id="seen twice"),
        pytest.param(QUEUE, [enqueue(1, 1), drain(2)], "element-lost", id="lost in the queue"),
        pytest.param(QUEUE, [enqueue(1, 1), dequeue(2, None)], "element-lost", id="found empty"),
        pytest.param(
            QUEUE,
            [enqueue(1, 1), enqueue(2, 2), dequeue(3, None, INFO), drain(4)],
            "element-lost",
            id="more lost than may have been taken",
        ),
        pytest.param(QUEUE, [enqueue(1, 1), dequeue(2, 7)], "never-enqueued", id="unexpected"),
        pytest.param(
            QUEUE, [enqueue(1, 1), dequeue(2, 1), dequeue(3, 1)], "dequeued-twice", id="twice"
        ),
        pytest.param(IDS, [generate(1, 5), generate(2, 6), generate(3, 5)], "id-twice", id="ids"),
        pytest.param(COUNTER, [add(1, 5), total(2, 4)], "out-of-bounds", id="too little"),
        pytest.param(COUNTER, [add(1, 5), total(2, 6)], "out-of-bounds", id="too much"),
        pytest.param(COUNTER, [add(1, 5, FAIL), total(2, 5)], "out-of-bounds", id="failed"),
        pytest.param(
            COUNTER, [add(1, -5, INFO), total(2, 1)], "out-of-bounds", id="only downwards"
        ),
        pytest.param(
            BANK,
            [total(1, {"a": 5, "b": 5}), total(2, {"a": 4, "b": 5})],
            "wrong-total",
            id="money lost",
        ),
        pytest.param(BANK, [total(1, {"a": 5, "b": -5})], "negative-balance", id="overdrawn"),
        pytest.param(
            BANK, [total(1, {"a": 5, "b": 0}), total(2, {"a": 5})], "other-accounts", id="account"
        ),
    ],
)
def test_what_is_wrong_is_convicted(checker: Checker, rows: list[Row], kind: str) -> None:
    assert kinds(checker.check(history_of(rows), Budget())) == {checker.name: kind}


@pytest.mark.parametrize(
    ("checker", "rows"),
    [
        pytest.param(SET, [add(1, 1), read(2, 1)], id="stable"),
        pytest.param(SET, [add(1, 1), read(1.2), read(2, 1)], id="missed before it was known"),
        pytest.param(SET, [add(1, 1), add(1.2, 2, INFO), read(2, 1)], id="may never happen"),
        pytest.param(SET, [add(1, [1, 2]), read(2, [1, 2])], id="elements that are lists"),
        pytest.param(SetFull(stale_allowed=True), [add(1, 1), read(2), read(3, 1)], id="stale"),
        pytest.param(QUEUE, [enqueue(1, 1), enqueue(2, 2), dequeue(3, 2), drain(4, 1)], id="all"),
        pytest.param(QUEUE, [enqueue(1, 1, INFO), drain(2, 1)], id="recovered"),
        pytest.param(QUEUE, [enqueue(1, 1), enqueue(2, 1), drain(3, 1, 1)], id="equal elements"),
        pytest.param(
            QUEUE,
            [enqueue(1, 1), dequeue(2, 1), drain(3), enqueue(4, 1), dequeue(5, 1)],
            id="equal elements, one put in after it was emptied",
        ),
        pytest.param(
            TotalQueue(twice_allowed=True),
            [enqueue(1, 1), dequeue(2, 1), dequeue(3, 1)],
            id="at least once",
        ),
        pytest.param(IDS, [generate(1, "a"), generate(2, "b")], id="ids"),
        pytest.param(COUNTER, [add(1, 5), total(2, 5), add(3, -2), total(4, 3)], id="sums"),
        pytest.param(COUNTER, [add(1, 5, INFO), total(2, 5), total(3, 0)], id="unknown"),
        pytest.param(COUNTER, [total(1, 5, until=3), add(1.5, 5)], id="added meanwhile"),
        pytest.param(BANK, [total(1, {"a": 5, "b": 5}), total(2, {"a": 9, "b": 1})], id="moved"),
    ],
)
def test_what_may_happen_is_valid(checker: Checker, rows: list[Row]) -> None:
    verdict = checker.check(history_of(rows), Budget())

    assert verdict.answer is Answer.VALID, verdict.reason


@pytest.mark.parametrize(
    ("checker", "rows"),
    [
        pytest.param(SET, [add(1, 1)], id="a set that nobody reads"),
        pytest.param(SET, [total(1, 5)], id="a set that answers a number"),
        pytest.param(QUEUE, [dequeue(1, None)], id="a queue that nobody fills"),
        pytest.param(QUEUE, [enqueue(1, 1)], id="a queue that nobody empties"),
        pytest.param(QUEUE, [enqueue(1, 1), drain(2, outcome=INFO)], id="a drain unanswered"),
        pytest.param(QUEUE, [enqueue(1, 1), dequeue(2, None, INFO), drain(3)], id="one unanswered"),
        pytest.param(
            QUEUE,
            [enqueue(1, 1), dequeue(2, 1), drain(3), enqueue(4, 1)],
            id="an equal element was put in after it was emptied",
        ),
        pytest.param(
            QUEUE,
            [enqueue(1, 1), enqueue(2, 1), dequeue(3, 1), dequeue(4, 1, INFO), drain(5)],
            id="one of two equal elements may have been taken",
        ),
        pytest.param(IDS, [add(1, 1)], id="no ids"),
        pytest.param(COUNTER, [add(1, 1)], id="a counter that nobody reads"),
        pytest.param(COUNTER, [total(1, "x")], id="a counter that answers a word"),
        pytest.param(BANK, [total(1, 5)], id="a bank that answers a number"),
        pytest.param(BANK, [], id="a bank that nobody reads"),
    ],
)
def test_what_proves_nothing_is_unknown(checker: Checker, rows: list[Row]) -> None:
    assert checker.check(history_of(rows), Budget()).answer is Answer.UNKNOWN


def test_elements_are_counted_by_what_became_of_them() -> None:
    rows = [add(1, 1), add(2, 2), read(3, 1), add(4, 3), add(5, 4, INFO), read(6, 1, 3, 4), read(7)]

    details = SET.check(history_of(rows), Budget()).details

    assert details["attempts"] == 4
    assert details["acknowledged"] == 3
    assert details["lost"] == 4
    assert details["stable"] == 0
    assert details["recovered"] == 1


def test_times_of_staleness_are_told() -> None:
    rows = [add(1, 1), read(2), read(3), read(4, 1)]

    details = SET.check(history_of(rows), Budget()).details

    assert details["stale"] == 1
    assert details["stale ms"] == dict.fromkeys(("0", "0.5", "0.95", "0.99", "1"), 1500.0)


def test_sets_of_different_names_have_nothing_to_do_with_each_other() -> None:
    rows = [add(1, 1), add(2, 2), read(3, 1)]
    named = [
        msgspec.structs.replace(op, key="a" if op.process == 10 or op.f == "read" else "b")
        for op in history_of(rows)
    ]
    verdict = SET.check(History(named), Budget())
    assert (verdict.answer, verdict.details["never read"]) == (Answer.VALID, 1)
    all_in_one = SET.check(history_of(rows), Budget())
    assert all_in_one.answer is Answer.INVALID
