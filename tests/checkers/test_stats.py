"""Whether a run tested anything."""

from checkers.checker import Budget
from checkers.history import NEMESIS, History, Op, OpType
from checkers.stats import Stats, Tally, tally
from checkers.verdict import Answer

BUDGET = Budget()


def op(index: int, op_type: OpType, f: str, *, process: int | str = 0) -> Op:
    return Op(index=index, time=index, process=process, type=op_type, f=f)


MIXED = History(
    [
        op(0, OpType.INVOKE, "write"),
        op(1, OpType.OK, "write"),
        op(2, OpType.INVOKE, "read"),
        op(3, OpType.FAIL, "read"),
        op(4, OpType.INFO, "kill", process=NEMESIS),
        op(5, OpType.INVOKE, "read"),
        op(6, OpType.INFO, "read"),
        op(7, OpType.INVOKE, "write", process=1),
    ]
)


def test_outcomes_are_counted_by_f() -> None:
    assert tally(MIXED) == {
        "read": Tally(fail_count=1, info_count=1),
        "write": Tally(ok_count=1, info_count=1),
    }


def test_a_kind_of_operation_that_never_succeeded_is_unknown() -> None:
    verdict = Stats().check(MIXED, BUDGET)

    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason == "too few ok operations of read (0); expected at least 1 of each"


def test_enough_successes_are_valid_and_counted() -> None:
    history = History([op(0, OpType.INVOKE, "read"), op(1, OpType.OK, "read")])

    verdict = Stats().check(history, BUDGET)

    assert verdict.answer is Answer.VALID
    assert verdict.details == {"read": {"ok_count": 1, "fail_count": 0, "info_count": 0}}


def test_the_minimum_can_be_raised() -> None:
    history = History([op(0, OpType.INVOKE, "read"), op(1, OpType.OK, "read")])

    assert Stats(ok_count_min=2).check(history, BUDGET).answer is Answer.UNKNOWN


def test_an_empty_history_is_unknown() -> None:
    verdict = Stats().check(History([]), BUDGET)

    assert (verdict.answer, verdict.reason) == (
        Answer.UNKNOWN,
        "no operation was ever invoked",
    )
