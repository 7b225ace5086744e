"""Several registers in transactions."""

import pytest

from checkers.models.model import ModelError
from checkers.models.multi_register import MultiRegister, Txn, registers
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown

X1 = registers({"x": 1})


def parsed(row: Row) -> Txn | None:
    (operation,) = history(row).operations()
    return MultiRegister().parse(operation)


def test_a_transaction_reads_and_writes_at_once() -> None:
    after = MultiRegister().step(X1, (("read", "x", 1), ("write", "y", 2)))

    assert after == registers({"x": 1, "y": 2})


def test_a_read_sees_the_writes_before_it_in_its_transaction() -> None:
    assert MultiRegister().step(X1, (("write", "x", 2), ("read", "x", 2))) == registers({"x": 2})
    assert MultiRegister().step(X1, (("read", "x", 2), ("write", "x", 2))) is None


def test_a_key_that_is_not_there_reads_nil() -> None:
    assert MultiRegister().step((), (("read", "x", None),)) == ()


def test_states_do_not_depend_on_the_order_of_writes() -> None:
    one = MultiRegister().step((), (("write", "x", 1), ("write", "y", 2)))
    other = MultiRegister().step((), (("write", "y", 2), ("write", "x", 1)))

    assert one == other


def test_only_blind_writes_to_no_other_keys_are_hidden() -> None:
    both: Txn = (("write", "x", 1), ("write", "y", 1))
    absorbs = MultiRegister().absorbs

    assert absorbs(both, (("write", "y", 2),))
    assert not absorbs((("write", "y", 2),), both)
    assert not absorbs(both, (("read", "x", 1), ("write", "x", 2)))
    assert not absorbs((("read", "x", 1), ("write", "x", 2)), (("write", "x", 3),))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            ok(
                "txn",
                [["r", "x", None], ["w", "y", 2]],
                at=(0, 1),
                result=[["r", "x", 1], ["w", "y", 2]],
            ),
            (("read", "x", 1), ("write", "y", 2)),
        ),
        (
            unknown("txn", [["read", "x", None], ["write", "y", 2]], at=0),
            (("write", "y", 2),),
        ),
        (unknown("txn", [["read", "x", None]], at=0), None),
        (failed("txn", [["write", "x", 1]], at=(0, 1)), None),
        (ok("read", at=(0, 1), result=3, key="x"), (("read", "x", 3),)),
        (ok("write", 3, at=(0, 1), key="x"), (("write", "x", 3),)),
    ],
)
def test_operations_are_taken_from_the_history(row: Row, expected: Txn | None) -> None:
    assert parsed(row) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ok("txn", 7, at=(0, 1)), "not 'txn' with 7"),
        (ok("read", 7, at=(0, 1)), "read and write with a key, not 'read'"),
        (ok("txn", [["append", "x", 1]], at=(0, 1)), "a step is"),
    ],
)
def test_what_is_no_transaction_is_refused(row: Row, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parsed(row)


def test_operations_and_states_are_named_for_humans() -> None:
    assert MultiRegister().describe((("read", "x", None), ("write", "y", 2))) == (
        "read x -> nil, write y 2"
    )
    assert MultiRegister().describe_state(X1) == "x=1"
    assert MultiRegister().describe_state(()) == "nothing"
