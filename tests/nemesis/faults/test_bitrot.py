"""Bits that flip: daemons find them, and start when the right ones are back."""

from typing_extensions import override

from nemesis.faults.bitrot import Bitrot
from nemesis.faults.pause import Pause
from nemesis.schedule import At
from nemesis.surface import SurfaceError
from tests.nemesis.small_schedules import injector, kill, run, three
from tests.nemesis.strict_surfaces import StrictCluster

MS = 1_000_000


def test_rot_is_found_by_a_restart_and_ends_with_the_disk_restored() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), Bitrot(target="n1", bits=2, hold_ns=10)))

    subject.step(0)
    assert not cluster.running["n1"]
    subject.step(10)

    assert cluster.calls == [
        ("flip_bits", "n1", 2),
        ("kill", "n1", False, False),
        ("start", "n1"),
        ("restore", "n1"),
        ("start", "n1"),
    ]
    assert cluster.is_whole()


def test_a_daemon_that_is_down_finds_the_rot_when_it_starts() -> None:
    cluster = three()
    rot = Bitrot(target="n1", bits=2, hold_ns=100)

    run(injector(cluster, (At(0), kill("n1", 10)), (At(5), rot)))

    assert [call[0] for call in cluster.calls] == [
        "kill",
        "flip_bits",
        "start",
        "restore",
        "start",
    ]


def test_rot_voids_the_pause_of_the_daemon_it_kills() -> None:
    cluster = three()
    pause, rot = Pause(target="n1", hold_ns=10), Bitrot(target="n1", bits=1, hold_ns=50)

    done = run(injector(cluster, (At(0), pause), (At(5), rot)))

    assert done[2] == "10 1 skipped: resume n1 (it was voided by a kill)"


def test_a_daemon_that_may_have_read_what_was_wrong_begins_anew() -> None:
    cluster = three()
    cluster.starts_slowly = True
    done = run(injector(cluster, (At(0), Bitrot(target="n1", bits=3, hold_ns=10))))

    assert [call[0] for call in cluster.calls] == [
        "flip_bits", "kill", "start", "restore", "kill", "start",
    ]  # fmt: skip
    assert done[-1].endswith("(its daemon is restarted, as it may have read what was wrong)")


def test_a_daemon_that_begins_anew_stays_paused() -> None:
    cluster = three()
    cluster.starts_slowly = True
    rot = Bitrot(target="n1", bits=3, hold_ns=10)
    run(injector(cluster, (At(0), rot), (At(5), Pause(target="n1", hold_ns=MS))))

    assert [call[0] for call in cluster.calls][3:] == [
        "pause", "restore", "kill", "start", "pause", "resume",
    ]  # fmt: skip
    assert cluster.is_whole()


class DyingCluster(StrictCluster):
    """Daemons that end by themselves when they are about to be killed again."""

    @override
    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        if any(call[0] == "kill" for call in self.calls):
            self.running[node] = False
            raise SurfaceError(f"{node} does not run, so it cannot be killed")
        super().kill(node, lose_unsynced=lose_unsynced, torn_tail=torn_tail)


def test_a_daemon_that_ended_by_itself_at_this_very_moment_is_started() -> None:
    cluster = DyingCluster("n1", "n2", "n3")
    cluster.starts_slowly = True
    done = run(injector(cluster, (At(0), Bitrot(target="n1", bits=3, hold_ns=10))))

    assert cluster.calls[-1] == ("start", "n1")
    assert "its daemon is restarted" in done[-1]
