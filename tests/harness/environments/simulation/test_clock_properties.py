"""What timers may rely on, for every origin, rate and time."""

from fractions import Fraction
from math import floor
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from harness.environments.simulation.clock import NodeClock
from nodeimpl.ids import SECOND, Instant

ORIGINS = st.integers(0, 1_000 * SECOND)
DRIFTS = st.integers(-999_999_999, 3_000_000_000)
TIMES = st.integers(-10 * SECOND, 1_000 * SECOND)


@given(ORIGINS, DRIFTS, TIMES)
def test_a_clock_reads_exactly_its_origin_and_the_time_at_its_rate(
    origin: int, drift: int, now: int
) -> None:
    rate = 1 + Fraction(drift, 1_000_000_000)
    assert NodeClock(origin_ns=origin, drift_ppb=drift).read(now) == origin + floor(now * rate)


@given(ORIGINS, DRIFTS, TIMES, st.integers(0, 10 * SECOND))
def test_a_timer_fires_at_the_first_moment_that_is_not_early(
    origin: int, drift: int, now: int, wait: int
) -> None:
    clock = NodeClock(origin_ns=origin, drift_ppb=drift)
    deadline = Instant(clock.read(now) + wait)
    fires = clock.when(deadline)
    assert clock.read(fires) >= deadline
    assert clock.read(fires - 1) < deadline


@given(ORIGINS, DRIFTS, TIMES, st.integers(0, 1_000))
def test_a_clock_never_runs_backwards(origin: int, drift: int, now: int, step: int) -> None:
    clock = NodeClock(origin_ns=origin, drift_ppb=drift)
    assert clock.read(now) <= clock.read(now + step)


class Change(NamedTuple):
    """After so long, the rate becomes `drift_ppb` and the reading jumps by `ahead_ns`."""

    after_ns: int
    drift_ppb: int
    ahead_ns: int


CHANGES = st.lists(
    st.builds(
        Change,
        st.integers(0, SECOND),
        st.integers(-999_999_999, 3_000_000_000),
        st.integers(0, SECOND),
    ),
    max_size=6,
)


def changed(origin: int, changes: list[Change]) -> tuple[NodeClock, list[tuple[int, Instant]]]:
    """Return the clock after all changes, and (time, reading) before and after each."""
    clock = NodeClock(origin_ns=origin, drift_ppb=0)
    now, readings = 0, [(0, clock.read(0))]
    for change in changes:
        now += change.after_ns
        readings.append((now, clock.read(now)))
        clock.run_at(now, change.drift_ppb)
        clock.shift(now, change.ahead_ns)
        readings.append((now, clock.read(now)))
    return clock, readings


@given(ORIGINS, CHANGES)
def test_no_change_takes_a_clock_back(origin: int, changes: list[Change]) -> None:
    _, readings = changed(origin, changes)
    assert [reading for _, reading in readings] == sorted(reading for _, reading in readings)


@given(ORIGINS, CHANGES, st.integers(0, SECOND), st.integers(0, 10 * SECOND))
def test_after_any_changes_a_timer_fires_at_the_first_moment_that_is_not_early(
    origin: int, changes: list[Change], later: int, wait: int
) -> None:
    clock, readings = changed(origin, changes)
    now = readings[-1][0] + later
    deadline = Instant(clock.read(now) + wait)
    fires = clock.when(deadline)
    assert clock.read(fires) >= deadline
    assert clock.read(fires - 1) < deadline


@given(ORIGINS, CHANGES)
def test_a_reading_is_the_sum_of_what_passed_at_each_rate(
    origin: int, changes: list[Change]
) -> None:
    exact, drift, jumps = Fraction(origin), 0, 0
    for change in changes:
        exact += change.after_ns * (1 + Fraction(drift, 1_000_000_000)) + change.ahead_ns
        drift, jumps = change.drift_ppb, jumps + 1
    _, readings = changed(origin, changes)
    # A whole nanosecond may be lost at each change, and never gained.
    assert 0 <= exact - readings[-1][1] <= jumps
