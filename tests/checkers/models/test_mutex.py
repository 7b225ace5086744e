"""The lock."""

import pytest

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.linearizability.checker import linearizable
from checkers.models.model import ModelError
from checkers.models.mutex import Mutex, MutexOperation, OwnerMutex, OwnerStep
from checkers.verdict import Answer
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


def owned(model: str, *steps: tuple[str, object]) -> Answer:
    ops = [
        Op(index=2 * at + half, time=at, process=at, type=kind, f=f, value=client)
        for at, (f, client) in enumerate(steps)
        for half, kind in enumerate((OpType.INVOKE, OpType.OK))
    ]
    return linearizable(model).check(History(ops), Budget()).answer


def test_only_its_owner_releases_an_owned_lock() -> None:
    steps = [("acquire", "a"), ("release", "b")]
    assert owned("mutex", *steps) is Answer.VALID
    assert owned("owner-mutex", *steps) is Answer.INVALID
    assert owned("owner-mutex", ("acquire", "a"), ("release", {"client": "a"})) is Answer.VALID


def test_without_a_name_the_process_is_the_owner() -> None:
    assert owned("owner-mutex", ("acquire", None), ("release", None)) is Answer.INVALID


def test_only_a_reentrant_lock_is_acquired_twice_by_its_owner() -> None:
    steps = [("acquire", "a"), ("acquire", "a"), ("release", "a"), ("release", "a")]
    assert owned("owner-mutex", *steps) is Answer.INVALID
    assert owned("reentrant-mutex", *steps, ("acquire", "b")) is Answer.VALID
    assert owned("reentrant-mutex", *steps[:3], ("acquire", "b")) is Answer.INVALID


def test_a_release_too_many_is_refused() -> None:
    steps = [("acquire", "a"), ("release", "a"), ("release", "a")]
    assert owned("reentrant-mutex", *steps) is Answer.INVALID


def test_an_owned_lock_says_who_holds_it() -> None:
    mutex = OwnerMutex(reentrant=True)
    assert mutex.describe_state(("a", 2)) == 'held by "a", 2 times'
    assert mutex.describe_state((None, 0)) == "free"
    assert mutex.describe(OwnerStep("acquire", 1)) == "acquire by 1"


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(ModelError, match="a mutex is given nothing or a client"):
        owned("owner-mutex", ("acquire", ["a"]))
