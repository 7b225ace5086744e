"""What is linearizable and what is not: one example for each anomaly, and for each way out."""

import pytest

from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.models.cas_register import Cas, CasMismatch, CasRegister, RegisterOperation
from checkers.models.kv import Append, Get, Kv, KvOperation, Put
from checkers.models.multi_register import MultiRegister, Txn
from checkers.models.mutex import Mutex, MutexOperation
from checkers.models.register import Read, Write
from checkers.models.set import Add, Elements, ElementSet, ReadAll, Remove, SetOperation
from checkers.verdict import Answer
from tests.checkers.linearizability.rows import during

STEPS_MAX = 10_000

WRONG_REGISTERS: dict[str, list[Interval[RegisterOperation]]] = {
    "stale read": [during(Write(1), 0, 1), during(Write(2), 2, 3), during(Read(1), 4, 5)],
    "lost write": [during(Write(1), 0, 1), during(Read(None), 2, 3)],
    "read from the future": [during(Read(1), 0, 1), during(Write(1), 2, 3)],
    "read of what nobody wrote": [during(Write(1), 0, 1), during(Read(2), 2, 3)],
    "reads that go back": [
        during(Write(1), 0, 1),
        during(Write(2), 2),
        during(Read(2), 3, 4),
        during(Read(1), 5, 6),
    ],
    "reads that disagree on the order of two writes": [
        during(Write(1), 0, 2),
        during(Write(2), 1, 3),
        during(Read(1), 4, 5),
        during(Read(2), 6, 7),
    ],
    "two compare-and-sets of one value": [
        during(Write(1), 0, 1),
        during(Cas(1, 2), 2, 4),
        during(Cas(1, 3), 3, 5),
    ],
    "compare-and-set from a value that is gone": [
        during(Write(1), 0, 1),
        during(Write(2), 2, 3),
        during(Cas(1, 3), 4, 5),
    ],
    "mismatch with the value that was there": [
        during(Write(1), 0, 1),
        during(CasMismatch(1), 2, 3),
    ],
    "one unknown write seen twice": [
        during(Write(1), 0),
        during(Write(2), 1, 2),
        during(Read(1), 3, 4),
        during(Write(2), 5, 6),
        during(Read(1), 7, 8),
    ],
    "one unknown compare-and-set made twice": [
        during(Write(1), 0, 1),
        during(Cas(1, 2), 2),
        during(Read(2), 3, 4),
        during(Write(1), 5, 6),
        during(Read(2), 7, 8),
    ],
}

RIGHT_REGISTERS: dict[str, list[Interval[RegisterOperation]]] = {
    "nothing at all": [],
    "a read beside the write that explains it": [during(Write(1), 0, 3), during(Read(1), 1, 2)],
    "a read that overlaps and misses the write": [during(Write(1), 0, 3), during(Read(None), 1, 2)],
    "an unknown write that took effect": [during(Write(1), 0), during(Read(1), 1, 2)],
    "an unknown write that did not": [during(Write(1), 0), during(Read(None), 1, 2)],
    "an unknown write that took effect late": [
        during(Write(1), 0),
        during(Write(2), 1, 2),
        during(Read(2), 3, 4),
        during(Read(1), 5, 6),
    ],
    "a chain of unknown compare-and-sets": [
        during(Cas(2, 3), 0),
        during(Cas(1, 2), 1),
        during(Cas(None, 1), 2),
        during(Read(3), 3, 4),
    ],
    "a mismatch explained by an overlapping write": [
        during(Write(1), 0, 1),
        during(Write(2), 2, 5),
        during(CasMismatch(1), 3, 4),
    ],
    "a compare-and-set of a value to itself": [
        during(Write(1), 0, 1),
        during(Cas(1, 1), 2, 3),
        during(Read(1), 4, 5),
    ],
    "a write of the same value hides others before a compare-and-set": [
        during(Write(1), 0, 1),
        during(Write(1), 2, 9),
        during(Write(2), 3, 7),
        during(Cas(1, 3), 4, 6),
        during(Read(3), 8, 10),
    ],
}


@pytest.mark.parametrize("name", WRONG_REGISTERS)
def test_a_register_anomaly_is_convicted(name: str) -> None:
    outcome = decide(WRONG_REGISTERS[name], CasRegister(), steps_max=STEPS_MAX)

    assert outcome.answer is Answer.INVALID


@pytest.mark.parametrize("name", RIGHT_REGISTERS)
def test_what_a_register_may_do_is_acquitted(name: str) -> None:
    outcome = decide(RIGHT_REGISTERS[name], CasRegister(), steps_max=STEPS_MAX)

    assert outcome.answer is Answer.VALID


WRONG_STRINGS: dict[str, list[Interval[KvOperation]]] = {
    "lost append": [during(Append("a"), 0, 1), during(Append("b"), 2, 3), during(Get("b"), 4, 5)],
    "appends in the wrong order": [
        during(Append("a"), 0, 1),
        during(Append("b"), 2, 3),
        during(Get("ba"), 4, 5),
    ],
    "append made twice": [during(Append("a"), 0), during(Get("aa"), 1, 2)],
    "put undone": [during(Put("a"), 0, 1), during(Put("b"), 2, 3), during(Get("a"), 4, 5)],
    "gets that disagree": [
        during(Append("a"), 0, 2),
        during(Append("b"), 1, 3),
        during(Get("ab"), 4, 6),
        during(Get("ba"), 5, 7),
    ],
}

RIGHT_STRINGS: dict[str, list[Interval[KvOperation]]] = {
    "appends in either order": [
        during(Append("a"), 0, 2),
        during(Append("b"), 1, 3),
        during(Get("ba"), 4, 5),
    ],
    "a put that swallows an append": [
        during(Append("a"), 0, 3),
        during(Put("b"), 1, 2),
        during(Get("b"), 4, 5),
    ],
    "an unknown append seen late": [
        during(Append("a"), 0),
        during(Get(""), 1, 2),
        during(Get("a"), 3, 4),
    ],
    "a string that nobody sees between two puts": [
        during(Put("x"), 0, 1),
        during(Append("y"), 2, 3),
        during(Put("z"), 4, 5),
        during(Get("z"), 6, 7),
    ],
}


@pytest.mark.parametrize("name", WRONG_STRINGS)
def test_a_string_anomaly_is_convicted(name: str) -> None:
    outcome = decide(WRONG_STRINGS[name], Kv(), steps_max=STEPS_MAX)

    assert outcome.answer is Answer.INVALID


@pytest.mark.parametrize("name", RIGHT_STRINGS)
def test_what_a_string_may_do_is_acquitted(name: str) -> None:
    outcome = decide(RIGHT_STRINGS[name], Kv(), steps_max=STEPS_MAX)

    assert outcome.answer is Answer.VALID


def answer_of_mutex(*history: Interval[MutexOperation]) -> Answer:
    return decide(history, Mutex(), steps_max=STEPS_MAX).answer


def test_a_lock_held_twice_is_convicted() -> None:
    answer = answer_of_mutex(during("acquire", 0, 1), during("acquire", 2, 3))

    assert answer is Answer.INVALID


def test_a_release_of_unknown_outcome_explains_a_second_acquire() -> None:
    answer = answer_of_mutex(during("acquire", 0, 1), during("release", 2), during("acquire", 3, 4))

    assert answer is Answer.VALID


def answer_of_txns(*history: Interval[Txn]) -> Answer:
    return decide(history, MultiRegister(), steps_max=STEPS_MAX).answer


def test_a_fractured_read_of_two_registers_is_convicted() -> None:
    answer = answer_of_txns(
        during((("write", "x", 1), ("write", "y", 1)), 0, 1),
        during((("read", "x", 1), ("read", "y", None)), 2, 3),
    )

    assert answer is Answer.INVALID


def test_a_transaction_sees_both_writes_of_another() -> None:
    answer = answer_of_txns(
        during((("write", "x", 1), ("write", "y", 1)), 0, 3),
        during((("read", "x", 1), ("read", "y", 1)), 1, 2),
    )

    assert answer is Answer.VALID


def answer_of_set(*history: Interval[SetOperation]) -> Answer:
    return decide(history, ElementSet(), steps_max=STEPS_MAX).answer


def elements(*values: int) -> Elements:
    return frozenset(values)


def test_a_lost_element_is_convicted() -> None:
    answer = answer_of_set(
        during(Add(1), 0, 1), during(Add(2), 2, 3), during(ReadAll(elements(2)), 4, 5)
    )

    assert answer is Answer.INVALID


def test_a_removed_element_that_comes_back_is_convicted() -> None:
    answer = answer_of_set(
        during(Add(1), 0, 1), during(Remove(1), 2, 3), during(ReadAll(elements(1)), 4, 5)
    )

    assert answer is Answer.INVALID


def test_an_element_may_be_removed_while_it_is_added() -> None:
    answer = answer_of_set(
        during(Add(1), 0, 2), during(Remove(1), 1, 3), during(ReadAll(elements(1)), 4, 5)
    )

    assert answer is Answer.VALID


@pytest.mark.parametrize(
    ("history", "method"),
    [
        ([during(Write(1), 0, 1), during(Read(1), 2, 3)], "unique values"),
        ([during(Write(1), 0, 1), during(Write(1), 2, 3)], "depth first"),
        ([during(Write(n % 2), 2 * n, 2 * n + 1) for n in range(300)], "depth first"),
    ],
)
def test_the_method_suits_the_history(
    history: list[Interval[RegisterOperation]], method: str
) -> None:
    outcome = decide(history, CasRegister(), steps_max=STEPS_MAX)

    assert outcome.method == method


def test_a_budget_that_is_spent_makes_the_answer_unknown_and_says_where() -> None:
    history: list[Interval[RegisterOperation]] = [
        *(during(Write(n % 3), n, 100 + n) for n in range(20)),
        *(during(Read(n % 3), 50 + n, 150 + n) for n in range(20)),
    ]

    outcome = decide(history, CasRegister(), steps_max=30)

    assert outcome.answer is Answer.UNKNOWN
    assert outcome.place is not None


def test_many_unknown_writes_of_one_value_do_not_explode() -> None:
    unknown = [during(Write(n % 2), n) for n in range(2000)]
    known: list[Interval[RegisterOperation]] = [
        during(Read(n % 2), 2000 + 2 * n, 2001 + 2 * n) for n in range(1000)
    ]

    outcome = decide([*unknown, *known], CasRegister(), steps_max=100_000)

    assert outcome.answer is Answer.VALID
