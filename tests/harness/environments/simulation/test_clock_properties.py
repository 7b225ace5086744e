"""What timers may rely on, for every origin, rate and time."""

from fractions import Fraction
from math import floor

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
