"""Clocks that are bent: what the daemon reads, and when its timers come."""

import pytest

from harness.environments.simulation.clocks import SimulatedClocks
from harness.environments.simulation.disk import Tail
from nodeimpl.ids import Instant
from tests.harness.environments.simulation.scripted_machine import FSYNC_NS, Machine

ORIGIN = 50


class Bench:
    """A machine and the surface that bends its clock."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.clocks = SimulatedClocks(
            self.machine.kernel, {"n1": (self.machine.clock, self.machine.host)}
        )

    def armed(self, deadline: int) -> "Bench":
        """Start the daemon with this deadline, by its own clock."""
        self.machine.deadlines.append(Instant(deadline))
        self.machine.started()
        return self

    def read(self) -> int:
        return self.machine.clock.read(self.machine.kernel.now)

    def run_for(self, nanoseconds: int) -> None:
        self.machine.run_for(nanoseconds)


def test_a_clock_set_ahead_beyond_a_deadline_wakes_the_node_at_once() -> None:
    bench = Bench().armed(10_000)
    bench.clocks.offset("n1", 60_000)
    assert bench.machine.node.wakes == [ORIGIN + FSYNC_NS + 60_000]


def test_an_offset_is_a_setting_and_not_added_twice() -> None:
    bench = Bench().armed(10**9)
    bench.clocks.offset("n1", 60_000)
    bench.clocks.offset("n1", 60_000)
    assert bench.read() == ORIGIN + FSYNC_NS + 60_000


def test_an_offset_that_ends_shows_at_the_next_start_and_not_before() -> None:
    bench = Bench().armed(10**9)
    bench.clocks.offset("n1", 60_000)
    bench.clocks.offset("n1", 0)
    assert bench.read() == ORIGIN + FSYNC_NS + 60_000
    bench.machine.host.kill(Tail.KEPT)
    bench.machine.host.start()
    assert bench.read() == ORIGIN + FSYNC_NS


@pytest.mark.parametrize(("rate", "wakes_at"), [(2.0, 5_000), (0.5, 20_000)])
def test_a_drift_brings_a_pending_deadline_nearer_or_puts_it_off(
    rate: float, wakes_at: int
) -> None:
    bench = Bench().armed(ORIGIN + FSYNC_NS + 10_000)
    bench.clocks.drift("n1", rate)
    bench.run_for(wakes_at - 1)
    assert bench.machine.node.wakes == []
    bench.run_for(1)
    assert bench.machine.node.wakes == [ORIGIN + FSYNC_NS + 10_000]


def test_a_drift_that_ends_leaves_the_clock_s_own_rate() -> None:
    bench = Bench().armed(10**9)
    bench.clocks.drift("n1", 10.0)
    bench.run_for(100)
    bench.clocks.drift("n1", 1.0)
    before = bench.read()
    bench.run_for(100)
    assert bench.read() == before + 100


def test_a_strobe_is_fast_and_slow_by_turns() -> None:
    bench = Bench().armed(10**9)
    start = bench.read()
    bench.clocks.strobe("n1", 2.0, 2_000)
    readings = []
    for _ in range(4):
        bench.run_for(1_000)
        readings.append(bench.read() - start)
    assert readings == [2_000, 2_500, 4_500, 5_000]


def test_a_strobe_that_ends_swings_no_more() -> None:
    bench = Bench().armed(10**9)
    bench.clocks.strobe("n1", 2.0, 2_000)
    bench.run_for(500)
    bench.clocks.strobe("n1", 1.0, 2_000)
    before = bench.read()
    bench.run_for(10_000)
    assert bench.read() == before + 10_000


def test_a_paused_daemon_is_not_woken_by_its_clock() -> None:
    bench = Bench().armed(10_000)
    bench.machine.host.pause()
    bench.clocks.offset("n1", 60_000)
    bench.run_for(100_000)
    assert bench.machine.node.wakes == []
    bench.machine.host.resume()
    assert len(bench.machine.node.wakes) == 1
