"""Disks that are slow, fail or are full, and daemons that they stopped."""

import pytest

from nemesis.faults.disk import FailingFsync, FullDisk, SlowFsync
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, kill, run, three


def test_of_several_slow_disks_the_slowest_counts() -> None:
    cluster = three()
    slow = SlowFsync(target="n1", extra_ns=9, hold_ns=10)
    slower = SlowFsync(target="n1", extra_ns=30, hold_ns=2)

    run(injector(cluster, (At(0), slow), (At(5), slower)))

    assert [call[2] for call in cluster.calls] == [9, 30, 9, 0]


@pytest.mark.parametrize("kind", [FailingFsync, FullDisk])
def test_a_daemon_that_its_disk_stopped_is_started_when_the_fault_ends(
    kind: type[FailingFsync | FullDisk],
) -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), kind(target="n1", hold_ns=10))))

    assert cluster.calls[-1] == ("start", "n1")
    assert done[-1].endswith("(its daemon is started)")
    assert cluster.is_whole()


def test_a_disk_is_full_until_the_last_fault_that_fills_it_ends() -> None:
    cluster = three()
    full = FullDisk(target="n1", hold_ns=10)

    done = run(injector(cluster, (At(0), full), (At(5), full)))

    assert done[2] == "10 1 free the disk of n1 (still so by fault 2)"
    assert cluster.calls[-2:] == [("fill", "n1", False), ("start", "n1")]


def test_a_daemon_that_another_fault_keeps_down_stays_down() -> None:
    cluster = three()

    done = run(
        injector(
            cluster,
            (At(0), kill("n1", 100)),
            (At(1), FullDisk(target="n1", hold_ns=10)),
        )
    )

    assert done[2] == "11 2 free the disk of n1 (still down by fault 1)"
    assert cluster.calls.count(("start", "n1")) == 1


def test_a_daemon_started_on_a_disk_that_is_still_full_stops_again() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), kill("n1", 5)), (At(1), FullDisk(target="n1", hold_ns=100)))

    subject.step(1)
    subject.step(6)

    assert cluster.calls[-1] == ("start", "n1")
    assert not cluster.running["n1"]
