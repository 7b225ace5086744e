"""The set."""

import pytest

from checkers.models.model import ModelError
from checkers.models.set import Add, Elements, ElementSet, ReadAll, Remove, SetOperation
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown

ONE: Elements = frozenset({1})


def parsed(row: Row) -> SetOperation | None:
    (operation,) = history(row).operations()
    return ElementSet().parse(operation)


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (Add(2), frozenset({1, 2})),
        (Add(1), ONE),
        (Remove(1), frozenset()),
        (Remove(2), ONE),
        (ReadAll(ONE), ONE),
        (ReadAll(frozenset()), None),
    ],
)
def test_a_set_of_1_does_what_it_should(operation: SetOperation, after: Elements | None) -> None:
    assert ElementSet().step(ONE, operation) == after


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ok("read", at=(0, 1), result=[2, 1]), ReadAll(frozenset({1, 2}))),
        (unknown("read", at=0), None),
        (ok("add", 1, at=(0, 1)), Add(1)),
        (unknown("remove", 1, at=0), Remove(1)),
        (failed("add", 1, at=(0, 1)), None),
    ],
)
def test_operations_are_taken_from_the_history(row: Row, expected: SetOperation | None) -> None:
    assert parsed(row) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ok("read", at=(0, 1), result=7), "a set is read as a list, not 7"),
        (ok("pop", at=(0, 1)), "a set knows add, remove and read, not 'pop'"),
    ],
)
def test_what_is_not_of_sets_is_refused(row: Row, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parsed(row)


def test_the_last_word_on_one_element_hides_the_word_before_it() -> None:
    assert ElementSet().absorbs(Add(1), Remove(1))
    assert ElementSet().absorbs(Remove(1), Add(1))
    assert not ElementSet().absorbs(Add(1), Add(2))
    assert not ElementSet().absorbs(Add(1), ReadAll(ONE))


def test_operations_and_states_are_named_for_humans() -> None:
    assert ElementSet().describe(Add(1)) == "add 1"
    assert ElementSet().describe(Remove(1)) == "remove 1"
    assert ElementSet().describe(ReadAll(frozenset({2, 1}))) == "read -> {1 2}"
