"""Silences, and recoveries from faults."""

from checkers.availability import Gap, Recovery, error_rates, gaps, longest_gap, recoveries
from checkers.history import NEMESIS, History, Op, OpType
from tests.checkers.timeline import Row, history_of


def op(index: int, time: int, op_type: OpType, *, process: int = 0) -> Op:
    return Op(index=index, time=time, process=process, type=op_type, f="read")


def fault(index: int, time: int, f: str) -> Op:
    return Op(index=index, time=time, process=NEMESIS, type=OpType.INFO, f=f)


OUTAGE = History(
    [
        op(0, 0, OpType.INVOKE),
        op(1, 10, OpType.OK),
        fault(2, 11, "cut"),
        op(3, 12, OpType.INVOKE),
        op(4, 50, OpType.FAIL),
        fault(5, 55, "heal"),
        op(6, 60, OpType.INVOKE),
        op(7, 90, OpType.OK),
        fault(8, 95, "heal"),
        op(9, 96, OpType.INVOKE),
        op(10, 100, OpType.INFO),
    ]
)


def test_the_longest_gap_is_between_two_oks() -> None:
    gap = longest_gap(OUTAGE)

    assert gap == Gap(start_ns=10, end_ns=90)
    assert gap.duration_ns == 80


def test_silence_at_the_end_is_a_gap() -> None:
    history = History(
        [
            op(0, 0, OpType.INVOKE),
            op(1, 5, OpType.OK),
            op(2, 6, OpType.INVOKE),
            op(3, 70, OpType.FAIL),
        ]
    )

    assert longest_gap(history) == Gap(start_ns=5, end_ns=70)


def test_a_store_that_never_answered_has_one_gap() -> None:
    history = History([op(0, 3, OpType.INVOKE), op(1, 40, OpType.INFO)])

    assert longest_gap(history) == Gap(start_ns=3, end_ns=40)


def test_without_clients_there_is_no_gap() -> None:
    assert longest_gap(History([fault(0, 0, "cut")])) is None


def test_each_undoing_is_followed_by_its_first_ok() -> None:
    recovered, in_vain = recoveries(OUTAGE, {"heal"})

    assert recovered == Recovery(index=5, f="heal", undone_ns=55, first_ok_ns=90)
    assert recovered.duration_ns == 35
    assert in_vain == Recovery(index=8, f="heal", undone_ns=95, first_ok_ns=None)
    assert in_vain.duration_ns is None


def test_error_rates_are_counted_by_bucket() -> None:
    rows = [
        Row(0.0, 0.1, 0, "read", None),
        Row(0.2, 0.3, 0, "read", None, outcome=OpType.FAIL),
        Row(2.0, 2.1, 1, "read", None, outcome=OpType.INFO),
    ]

    found = error_rates(history_of(rows), 1_000_000_000)

    assert [rate.error_share for rate in found] == [0.5, 0.0, 1.0]
    assert [rate.start_ns for rate in found] == [0, 1_000_000_000, 2_000_000_000]


def test_every_long_gap_is_found() -> None:
    rows = [Row(at, at + 0.1, 0, "read", None) for at in (0.0, 0.5, 3.0, 3.2, 9.0)]

    found = gaps(history_of(rows), 1_000_000_000)

    assert [gap.start_ns / 1e9 for gap in found] == [0.6, 3.3]
