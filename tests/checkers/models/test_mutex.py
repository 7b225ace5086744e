"""The lock."""

import pytest

from checkers.models.model import ModelError
from checkers.models.mutex import Mutex, MutexOperation
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown


def parsed(row: Row) -> MutexOperation | None:
    (operation,) = history(row).operations()
    return Mutex().parse(operation)


FREE, HELD = False, True


def test_a_free_lock_is_acquired_and_cannot_be_released() -> None:
    assert Mutex().step(FREE, "acquire") is HELD
    assert Mutex().step(FREE, "release") is None


def test_a_held_lock_is_released_and_cannot_be_acquired() -> None:
    assert Mutex().step(HELD, "release") is FREE
    assert Mutex().step(HELD, "acquire") is None


def test_operations_are_taken_from_the_history() -> None:
    assert parsed(ok("acquire", at=(0, 1))) == "acquire"
    assert parsed(unknown("release", at=0)) == "release"
    assert parsed(failed("acquire", at=(0, 1))) is None


def test_another_operation_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="a mutex knows acquire and release, not 'lock'"):
        parsed(ok("lock", at=(0, 1)))


def test_states_are_named_for_humans() -> None:
    assert [Mutex().describe_state(FREE), Mutex().describe_state(HELD)] == ["free", "held"]
    assert Mutex().describe("acquire") == "acquire"
