"""Latencies, rates and error rates of a small history, worked out by hand."""

import pytest

from checkers.history import History, Op, OpType
from checkers.performance import (
    error_rates,
    latencies,
    latency_over_time,
    operations_table,
    rates,
)
from tests.checkers.timeline import Row, history_of

HISTORY = history_of(
    [
        Row(0.0, 0.010, 0, "read", None, 1),
        Row(0.1, 0.130, 0, "read", None, 1),
        Row(0.2, 0.220, 1, "write", 5),
        Row(2.1, 2.200, 1, "write", 6, outcome=OpType.FAIL),
        Row(2.3, 2.400, 2, "write", 7, outcome=OpType.INFO),
    ]
)


def test_latencies_are_percentiles_by_f_and_outcome() -> None:
    table = latencies(operations_table(HISTORY))

    assert table.loc[("read", "ok"), "count"] == 2
    assert table.loc[("read", "ok"), "p50"] == pytest.approx(20.0)
    assert table.loc[("read", "ok"), "p100"] == pytest.approx(30.0)
    assert table.loc[("write", "fail"), "p99"] == pytest.approx(100.0)


def test_rates_have_every_bucket() -> None:
    table = rates(operations_table(HISTORY), by=["f"])

    assert list(table.index) == [0.0, 1.0, 2.0]
    assert list(table["read"]) == [2.0, 0.0, 0.0]
    assert list(table["write"]) == [1.0, 0.0, 2.0]


def test_rates_are_per_second_whatever_the_bucket() -> None:
    table = rates(operations_table(HISTORY), bucket_ns=500_000_000, by=["f"])

    assert table["read"].loc[0.0] == 4.0


def test_latency_over_time_is_by_the_second_of_the_call() -> None:
    table = latency_over_time(operations_table(HISTORY))

    assert list(table.index) == [(0.0, "read"), (0.0, "write"), (2.0, "write")]
    assert list(table["p50"]) == pytest.approx([20.0, 20.0, 100.0])
    assert list(table["count"]) == [2, 1, 2]


def test_error_rates_are_shares() -> None:
    table = error_rates(operations_table(HISTORY))

    assert list(table.loc["write"]) == pytest.approx([3, 1 / 3, 1 / 3, 1 / 3])
    assert list(table.loc["read"]) == [2, 1, 0, 0]


def test_what_is_in_flight_has_no_latency() -> None:
    history = History([Op(index=0, time=0, process=0, type=OpType.INVOKE, f="read")])
    table = operations_table(history)

    assert latencies(table).empty
    assert rates(table).empty
    assert list(error_rates(table).loc["read"]) == [1, 0, 0, 1]
