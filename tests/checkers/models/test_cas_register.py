"""The register with compare-and-set."""

import pytest

from checkers.history import CAS_MISMATCH
from checkers.models.cas_register import Cas, CasMismatch, CasRegister, RegisterOperation
from checkers.models.model import ModelError
from checkers.models.register import Held, Read, Write
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown


def parsed(row: Row) -> RegisterOperation | None:
    (operation,) = history(row).operations()
    return CasRegister().parse(operation)


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (Read(1), (1,)),
        (Read(2), None),
        (Write(2), (2,)),
        (Cas(1, 2), (2,)),
        (Cas(2, 3), None),
        (CasMismatch(2), (1,)),
        (CasMismatch(1), None),
    ],
)
def test_a_register_of_1_does_what_it_should(
    operation: RegisterOperation, after: Held | None
) -> None:
    assert CasRegister().step((1,), operation) == after


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ok("cas", [1, 2], at=(0, 1)), Cas(1, 2)),
        (unknown("cas", [1, 2], at=0), Cas(1, 2)),
        (failed("cas", [1, 2], at=(0, 1), error=CAS_MISMATCH), CasMismatch(1)),
        (failed("cas", [1, 2], at=(0, 1), error="no leader"), None),
        (ok("cas", [None, 2], at=(0, 1)), Cas(None, 2)),
        (ok("read", at=(0, 1), result=1), Read(1)),
        (unknown("write", 1, at=0), Write(1)),
    ],
)
def test_operations_are_taken_from_the_history(
    row: Row, expected: RegisterOperation | None
) -> None:
    assert parsed(row) == expected


def test_a_cas_needs_two_values() -> None:
    with pytest.raises(ModelError, match=r"op 0: cas is given \[expected, new\], not 7"):
        parsed(ok("cas", 7, at=(0, 1)))


def test_another_operation_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="knows read, write and cas, not 'append'"):
        parsed(ok("append", 1, at=(0, 1)))


def test_only_what_never_changes_the_value_is_pure() -> None:
    pure: list[RegisterOperation] = [Read(1), CasMismatch(1), Cas(1, 1)]
    impure: list[RegisterOperation] = [Write(1), Cas(1, 2)]

    assert [CasRegister().pure(operation) for operation in pure] == [True, True, True]
    assert [CasRegister().pure(operation) for operation in impure] == [False, False]


def test_nothing_hides_a_cas() -> None:
    assert not CasRegister().absorbs(Write(1), Cas(1, 2))
    assert CasRegister().absorbs(Write(1), Write(2))


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (Read(1), "read -> 1"),
        (Write(None), "write nil"),
        (Cas(1, 2), "cas 1 -> 2"),
        (CasMismatch(1), "cas 1 refused"),
    ],
)
def test_operations_are_named_for_humans(operation: RegisterOperation, name: str) -> None:
    assert CasRegister().describe(operation) == name
