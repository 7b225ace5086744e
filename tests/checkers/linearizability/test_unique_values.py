"""Zones and chains: one test for each rule of Gibbons & Korach, and of our extension by cas."""

import pytest

from checkers.linearizability.interval import Interval
from checkers.linearizability.unique_values import judge
from checkers.models.cas_register import Cas, CasMismatch, RegisterOperation
from checkers.models.register import Read, Write
from checkers.verdict import Answer
from tests.checkers.linearizability.rows import during

History = list[Interval[RegisterOperation]]

RULES: dict[str, History] = {
    "rule 1: a value consumed before it was written": [
        during(Read(1), 0, 1),
        during(Write(1), 2, 3),
    ],
    "rule 1: a value that nobody wrote": [during(Read(1), 0, 1)],
    "rule 2: two forward zones overlap": [
        during(Write(1), 0, 2),
        during(Write(2), 1, 3),
        during(Read(1), 4, 6),
        during(Read(2), 5, 7),
    ],
    "rule 3: a backward zone inside a forward one": [
        during(Write(1), 0, 1),
        during(Write(2), 2, 3),
        during(Read(1), 4, 5),
    ],
    "the initial value is a forward zone from the start": [
        during(Write(1), 0, 1),
        during(Read(None), 2, 3),
    ],
    "two cas consume one value": [
        during(Write(1), 0, 1),
        during(Cas(1, 2), 2, 3),
        during(Cas(1, 3), 4, 5),
    ],
    "a chain against real time": [
        during(Write(1), 0, 1),
        during(Cas(1, 2), 2, 3),
        during(Read(1), 4, 5),
    ],
    "a chain that bites its tail": [during(Cas(1, 2), 0, 2), during(Cas(2, 1), 1, 3)],
    "a chain interrupted": [
        during(Write(1), 0, 1),
        during(Write(2), 2, 3),
        during(Cas(1, 3), 4, 5),
    ],
    "an unknown cas that must have consumed what another did": [
        during(Write(1), 0, 1),
        during(Cas(1, 2), 2),
        during(Cas(1, 3), 3, 4),
        during(Read(2), 5, 6),
    ],
}


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_convicts(name: str) -> None:
    outcome = judge(RULES[name], None)

    assert outcome is not None
    assert outcome.answer is Answer.INVALID
    assert outcome.suspects


KEPT: dict[str, History] = {
    "an unknown write that nobody saw": [during(Write(1), 0), during(Read(None), 1, 2)],
    "an unknown write that somebody saw": [during(Write(1), 0), during(Read(1), 1, 2)],
    "a backward zone beside a forward one": [
        during(Write(1), 0, 1),
        during(Write(2), 2, 7),
        during(Read(1), 3, 4),
        during(Read(2), 5, 6),
    ],
    "a chain through an unknown cas": [
        during(Write(1), 0, 1),
        during(Cas(1, 2), 2),
        during(Cas(2, 3), 3, 4),
        during(Read(3), 5, 6),
    ],
}


@pytest.mark.parametrize("name", KEPT)
def test_what_breaks_no_rule_is_acquitted(name: str) -> None:
    outcome = judge(KEPT[name], None)

    assert outcome is not None
    assert outcome.answer is Answer.VALID


@pytest.mark.parametrize(
    "history",
    [
        [during(Write(1), 0, 1), during(Write(1), 2, 3)],
        [during(Write(None), 0, 1)],
        [during(Write(1), 0, 1), during(CasMismatch(2), 2, 3)],
        [during(Write(1), 0, 1), during(Cas(1, 1), 2, 3)],
    ],
    ids=["written twice", "initial value written", "mismatch", "cas that changes nothing"],
)
def test_it_knows_where_it_does_not_apply(history: History) -> None:
    assert judge(history, None) is None


def test_the_suspects_are_all_that_touch_the_values_in_conflict() -> None:
    history: History = [
        during(Write(9), 0, 1),
        during(Write(1), 2, 3),
        during(Write(2), 4, 5),
        during(Read(1), 6, 7),
        during(Write(8), 8, 9),
    ]

    outcome = judge(history, None)

    assert outcome is not None
    assert outcome.suspects == (1, 2, 3)


def test_what_proves_that_an_unknown_cas_happened_is_suspected_too() -> None:
    history: History = [
        during(Cas(None, 1), 0),
        during(Cas(None, 2), 1, 2),
        during(Cas(1, 3), 3),
        during(Read(3), 4, 5),
    ]

    outcome = judge(history, None)

    assert outcome is not None
    assert outcome.answer is Answer.INVALID
    assert outcome.suspects == (0, 1, 2, 3)
