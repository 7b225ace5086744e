"""Long fork and causal order, against definitions written down naively."""

import itertools
import os
from random import Random

import msgspec
import pytest

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.jepsen.causal import Causal
from checkers.jepsen.counter import Counter
from checkers.jepsen.long_fork import LongFork
from checkers.verdict import Answer
from tests.checkers.timeline import Row, history_of, kinds

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))


def txn(at: float, *steps: tuple[str, str, object], outcome: OpType = OpType.OK) -> Row:
    asked = [[f, key, value if f == "w" else None] for f, key, value in steps]
    answer = [list(step) for step in steps]
    return Row(at, at + 0.5, round(at * 10), "txn", asked, answer, outcome=outcome)


W_X, W_Y = txn(1, ("w", "x", 1)), txn(2, ("w", "y", 1))


def both(at: float, x: object, y: object) -> Row:
    return txn(at, ("r", "x", x), ("r", "y", y))


@pytest.mark.parametrize(
    ("rows", "convicted"),
    [
        ([W_X, W_Y, both(3, 1, None), both(4, None, 1)], {"long-fork": "long-fork"}),
        ([W_X, W_Y, both(3, 1, None), both(4, 1, 1), both(5, None, None)], {}),
        ([W_X, both(3, 2, None), both(4, 2, None)], {"long-fork": "never-written"}),
    ],
)
def test_long_fork(rows: list[Row], convicted: dict[str, str]) -> None:
    assert kinds(LongFork().check(history_of(rows), Budget())) == convicted


@pytest.mark.parametrize(
    "rows",
    [[W_X], [W_X, W_X._replace(call_s=5, ret_s=6), both(3, 1, None)], [W_X, both(3, 1, None)]],
)
def test_long_fork_is_unknown_without_reads_to_compare(rows: list[Row]) -> None:
    assert LongFork().check(history_of(rows), Budget()).answer is Answer.UNKNOWN


def step(
    process: int, f: str, key: str, value: object, outcome: OpType = OpType.OK
) -> tuple[int, str, str, object, OpType]:
    return (process, f, key, value, outcome)


def history(*steps: tuple[int, str, str, object, OpType]) -> History:
    """Return the history of `steps`, one after another; causal order does not look at times."""
    rows = [
        Row(at, at + 0.5, process, f, value if f == "write" else None,
            value if f == "read" else None, outcome=outcome)
        for at, (process, f, _, value, outcome) in enumerate(steps)
    ]  # fmt: skip
    keys = [key for _, _, key, _, _ in steps for _ in range(2)]
    ops = history_of(rows).ops
    return History(msgspec.structs.replace(op, key=key) for op, key in zip(ops, keys, strict=True))


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        pytest.param(
            [step(1, "write", "x", 1), step(1, "read", "x", None)], "write-overlooked", id="own"
        ),
        pytest.param(
            [
                step(1, "write", "x", 1),
                step(1, "write", "y", 1),
                step(2, "read", "y", 1),
                step(2, "read", "x", None),
            ],
            "write-overlooked",
            id="another's",
        ),
        pytest.param(
            [
                step(1, "write", "x", 1),
                step(1, "write", "x", 2),
                step(2, "read", "x", 2),
                step(2, "read", "x", 1),
            ],
            "overwritten-value",
            id="backwards",
        ),
        pytest.param([step(1, "read", "x", 7)], "never-written", id="from nowhere"),
        pytest.param(
            [
                step(1, "read", "x", 1),
                step(1, "write", "y", 1),
                step(2, "read", "y", 1),
                step(2, "write", "x", 1),
            ],
            "causes-itself",
            id="circle",
        ),
    ],
)
def test_what_breaks_causal_order_is_convicted(
    steps: list[tuple[int, str, str, object, OpType]], kind: str
) -> None:
    assert kinds(Causal().check(history(*steps), Budget())) == {"causal": kind}


def test_two_processes_may_see_independent_writes_in_opposite_orders() -> None:
    steps = [
        step(1, "write", "x", 1),
        step(2, "write", "x", 2),
        step(3, "read", "x", 1),
        step(3, "read", "x", 2),
        step(4, "read", "x", 2),
        step(4, "read", "x", 1),
    ]

    assert Causal().check(history(*steps), Budget()).answer is Answer.VALID


def naive_causal(operations: list[Operation]) -> bool:  # noqa: C901
    """Return whether the history is causally consistent: closure, then the forbidden patterns."""
    count = len(operations)
    source = [
        next(
            (
                place
                for place, other in enumerate(operations)
                if other.f == "write" and other.key == op.key and other.value == op.result
            ),
            None,
        )
        if op.f == "read" and op.result is not None
        else None
        for op in operations
    ]
    if any(
        op.f == "read" and op.result is not None and source[place] is None
        for place, op in enumerate(operations)
    ):
        return False
    before = [[False] * count for _ in operations]
    for one, other in itertools.combinations(range(count), 2):
        before[one][other] = operations[one].process == operations[other].process
    for place, origin in enumerate(source):
        if origin is not None:
            before[origin][place] = True
    for middle, one, other in itertools.product(range(count), repeat=3):
        before[one][other] |= before[one][middle] and before[middle][other]
    if any(before[place][place] for place in range(count)):
        return False
    for place, op in enumerate(operations):
        for other, write in enumerate(operations):
            if op.f != "read" or write.f != "write" or write.key != op.key:
                continue
            origin = source[place]
            if before[other][place] and (origin is None or before[origin][other]):
                return False
    return True


def test_causal_order_agrees_with_its_definition() -> None:
    wrong = 0
    for seed in range(CASES // 10):
        random = Random(seed)
        steps, written = [], {"x": 0, "y": 0}
        for _ in range(random.randrange(2, 9)):
            key, process = random.choice("xy"), random.randrange(3)
            if random.random() < 0.45:
                written[key] += 1
                steps.append(step(process, "write", key, written[key]))
            else:
                value = random.choice([None, *range(1, written[key] + 1)])
                steps.append(step(process, "read", key, value))
        random.shuffle(steps)
        if all(f == "write" for _, f, *_ in steps):
            continue
        made = history(*steps)

        answer = Causal().check(made, Budget()).answer

        expected = naive_causal(list(made.operations()))
        assert (answer is Answer.VALID) == expected, f"seed {seed}"
        wrong += not expected
    assert wrong > CASES // 100


def possible_sums(operations: tuple[Operation, ...], read: Operation) -> set[int]:
    """Return every value that `read` may return: any choice of what may have happened by then."""
    assert read.ret is not None
    sums = {0}
    for operation in operations:
        amount = operation.value
        if operation.f != "add" or operation.outcome is OpType.FAIL:
            continue
        assert isinstance(amount, int)
        if operation.ret is not None and operation.ret < read.call:
            sums = {value + amount for value in sums}
        elif operation.call < read.ret:
            sums |= {value + amount for value in sums}
    return sums


def test_counters_are_bounded_by_what_may_have_happened() -> None:
    wrong = 0
    for seed in range(CASES):
        random = Random(seed)
        rows = []
        for process in range(random.randrange(2, 6)):
            start = random.randrange(10)
            outcome = random.choice([OpType.OK, OpType.OK, OpType.INFO, OpType.FAIL])
            amount = random.randrange(-3, 4)
            end = start + random.randrange(1, 6) + 0.5
            rows.append(Row(start, end, process, "add", amount, outcome=outcome))
        value = random.randrange(-6, 7)
        rows.append(Row(random.randrange(10), 12, 99, "read", None, value))
        made = history_of(rows)

        answer = Counter().check(made, Budget()).answer

        read = next(operation for operation in made.operations() if operation.f == "read")
        sums = possible_sums(made.operations(), read)
        within = min(sums) <= value <= max(sums)
        assert (answer is Answer.VALID) == within, f"seed {seed}"
        wrong += not within
    assert wrong > CASES // 20
