"""The register: a read returns what the last write wrote."""

import pytest

from checkers.models.model import ModelError
from checkers.models.register import Read, Register, Write
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown


def parsed(row: Row) -> Read | Write | None:
    (operation,) = history(row).operations()
    return Register().parse(operation)


def test_it_starts_with_its_initial_value() -> None:
    assert Register(3).step(Register(3).initial, Read(3)) == (3,)


def test_nil_is_a_value_like_any_other() -> None:
    assert Register().step((None,), Read(None)) == (None,)
    assert Register().step((1,), Write(None)) == (None,)


def test_a_read_of_another_value_is_illegal() -> None:
    assert Register().step((1,), Read(2)) is None


def test_a_write_replaces_the_value() -> None:
    assert Register().step((1,), Write(2)) == (2,)


def test_a_read_is_pure_and_a_write_hides_a_write() -> None:
    assert Register().pure(Read(1))
    assert not Register().pure(Write(1))
    assert Register().absorbs(Write(1), Write(2))
    assert not Register().absorbs(Write(1), Read(2))
    assert not Register().absorbs(Read(1), Write(2))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ok("read", at=(0, 1), result=3), Read(3)),
        (ok("read", at=(0, 1)), Read(None)),
        (unknown("read", at=0), None),
        (failed("read", at=(0, 1)), None),
        (ok("write", 3, at=(0, 1)), Write(3)),
        (unknown("write", 3, at=0), Write(3)),
        (failed("write", 3, at=(0, 1)), None),
        (ok("write", [1, [2]], at=(0, 1)), Write((1, (2,)))),
        (ok("write", {"b": 1, "a": 2}, at=(0, 1)), Write((("a", 2), ("b", 1)))),
    ],
)
def test_operations_are_taken_from_the_history(row: Row, expected: Read | Write | None) -> None:
    assert parsed(row) == expected


def test_another_operation_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="op 0: a register knows read and write, not 'cas'"):
        parsed(ok("cas", [1, 2], at=(0, 1)))


def test_operations_and_states_are_named_for_humans() -> None:
    assert Register().describe(Read(None)) == "read -> nil"
    assert Register().describe(Write("a")) == 'write "a"'
    assert Register().describe_state((3,)) == "3"
