"""Splitting by object, where the model has several."""

from checkers.linearizability.split import split
from checkers.models.multi_register import MultiRegister
from checkers.models.register import Register
from tests.checkers.linearizability.rows import history, ok

TWO_KEYS = history(
    ok("write", 1, at=(0, 1), key="y"),
    ok("write", 2, at=(2, 3), key="x"),
    ok("read", result=1, at=(4, 5), key="y"),
)


def test_each_key_is_a_register_of_its_own_in_the_order_of_first_calls() -> None:
    parts = split(TWO_KEYS.operations(), Register())

    assert [(part.key, [operation.call for operation in part.operations]) for part in parts] == [
        ("y", [0, 4]),
        ("x", [2]),
    ]


def test_registers_under_one_roof_are_not_split() -> None:
    parts = split(TWO_KEYS.operations(), MultiRegister())

    assert [part.key for part in parts] == [None]
    assert parts[0].operations == TWO_KEYS.operations()


def test_an_empty_history_has_no_parts() -> None:
    assert split((), Register()) == []
