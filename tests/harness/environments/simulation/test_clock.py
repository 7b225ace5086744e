"""A node's own clock: an origin, a rate, and rounding that never fires a timer early."""

import pytest

from harness.environments.simulation.clock import BILLION, NodeClock
from nodeimpl.ids import SECOND, Instant


def test_a_clock_without_drift_only_has_an_origin() -> None:
    clock = NodeClock(origin_ns=1_000, drift_ppb=0)
    assert clock.read(500) == 1_500
    assert clock.when(Instant(1_500)) == 500


def test_a_fast_clock_gains_and_a_slow_one_loses() -> None:
    fast = NodeClock(origin_ns=0, drift_ppb=200_000)
    slow = NodeClock(origin_ns=0, drift_ppb=-200_000)
    assert fast.read(SECOND) == SECOND + 200_000
    assert slow.read(SECOND) == SECOND - 200_000


def test_a_timer_is_rounded_up_to_the_first_reading_that_is_not_early() -> None:
    slow = NodeClock(origin_ns=0, drift_ppb=-200_000)
    assert slow.read(5_001) == 4_999
    assert slow.read(5_002) == 5_000
    assert slow.when(Instant(5_000)) == 5_002


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(AssertionError, match="does not stand still"):
        NodeClock(origin_ns=0, drift_ppb=-1_000_000_000)


def test_a_change_of_rate_lets_the_reading_go_on_from_where_it_is() -> None:
    clock = NodeClock(origin_ns=100, drift_ppb=0)
    clock.run_at(1_000, BILLION)
    assert clock.read(1_000) == 1_100
    assert clock.read(1_010) == 1_120
    assert clock.when(Instant(1_120)) == 1_010


def test_a_clock_set_ahead_jumps_at_once() -> None:
    clock = NodeClock(origin_ns=100, drift_ppb=0)
    clock.shift(1_000, 50)
    assert clock.read(1_000) == 1_150
    assert clock.when(Instant(1_160)) == 1_010


def test_a_clock_set_back_goes_back_when_its_machine_is_started() -> None:
    clock = NodeClock(origin_ns=100, drift_ppb=0)
    clock.shift(1_000, -50)
    assert clock.read(1_000) == 1_100
    clock.start(2_000)
    assert clock.read(2_000) == 2_050
    clock.start(3_000)
    assert clock.read(3_000) == 3_050
