"""Strings by key."""

import pytest

from checkers.models.kv import Append, Get, Kv, KvOperation, Put
from checkers.models.model import ModelError
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown


def parsed(row: Row) -> KvOperation | None:
    (operation,) = history(row).operations()
    return Kv().parse(operation)


@pytest.mark.parametrize(
    ("operation", "after"),
    [(Get("a"), "a"), (Get("b"), None), (Put("b"), "b"), (Append("b"), "ab")],
)
def test_a_string_a_does_what_it_should(operation: KvOperation, after: str | None) -> None:
    assert Kv().step("a", operation) == after


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ok("get", at=(0, 1), result="a", key="k"), Get("a")),
        (ok("get", at=(0, 1), key="k"), Get("")),
        (unknown("get", at=0, key="k"), None),
        (ok("put", "a", at=(0, 1), key="k"), Put("a")),
        (unknown("append", "a", at=0, key="k"), Append("a")),
        (failed("append", "a", at=(0, 1), key="k"), None),
    ],
)
def test_operations_are_taken_from_the_history(row: Row, expected: KvOperation | None) -> None:
    assert parsed(row) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ok("put", 7, at=(0, 1), key="k"), "op 0: kv holds strings, not 7"),
        (ok("cas", ["a", "b"], at=(0, 1)), "kv knows get, put and append, not 'cas'"),
    ],
)
def test_what_is_not_of_strings_is_refused(row: Row, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parsed(row)


def test_a_put_hides_puts_and_appends_but_an_append_hides_nothing() -> None:
    assert Kv().absorbs(Put("a"), Put("b"))
    assert Kv().absorbs(Put("a"), Append("b"))
    assert not Kv().absorbs(Put("a"), Get("b"))
    assert not Kv().absorbs(Append("a"), Append("b"))


def test_operations_are_named_for_humans_and_long_strings_are_shortened() -> None:
    assert Kv().describe(Get("a")) == 'get -> "a"'
    assert Kv().describe(Put("")) == 'put ""'
    assert Kv().describe(Append("b")) == 'append "b"'
    assert len(Kv().describe_state("x" * 1000)) < 50
