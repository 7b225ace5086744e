"""Clocks that are wrong: how several compose, and when they are right again."""

from nemesis.faults.clock import ClockBump, ClockDrift, ClockStrobe
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, run, three

MS = 1_000_000


def test_bumps_of_one_clock_add_up() -> None:
    cluster = three()
    first = ClockBump(target="n1", offset_ns=100, hold_ns=10)
    second = ClockBump(target="n1", offset_ns=20, hold_ns=10)

    run(injector(cluster, (At(0), first), (At(5), second)))

    assert cluster.calls == [
        ("offset", "n1", 100),
        ("offset", "n1", 120),
        ("offset", "n1", 20),
        ("offset", "n1", 0),
    ]


def test_a_bump_says_when_the_clock_goes_back() -> None:
    done = run(injector(three(), (At(0), ClockBump(target="n1", offset_ns=MS, hold_ns=MS))))

    assert done[-1].endswith("(the clock goes back at the next start)")


def test_drifts_of_one_clock_multiply() -> None:
    cluster = three()
    fast = ClockDrift(target="n1", rate=2.0, hold_ns=10)
    slow = ClockDrift(target="n1", rate=0.25, hold_ns=10)
    other = ClockDrift(target="n2", rate=3.0, hold_ns=10)

    run(injector(cluster, (At(0), fast), (At(1), other), (At(5), slow)))

    drifts = [call[2] for call in cluster.calls if call[1] == "n1"]
    assert drifts == [2.0, 0.5, 0.25, 1.0]


def test_of_several_strobes_the_widest_counts() -> None:
    cluster = three()
    wide = ClockStrobe(target="n1", rate=9.0, period_ns=50, hold_ns=10)
    narrow = ClockStrobe(target="n1", rate=1.1, period_ns=70, hold_ns=10)

    run(injector(cluster, (At(0), wide), (At(5), narrow)))

    swings = [call[2:] for call in cluster.calls]
    assert swings == [(9.0, 50), (9.0, 50), (1.1, 70), (1.0, MS)]
