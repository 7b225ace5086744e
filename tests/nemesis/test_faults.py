"""What each kind of fault says, does and undoes, and how several of a kind compose."""

import pytest

from nemesis.applied import Applied, Outcome, Phase, outstanding
from nemesis.fault import Fault
from nemesis.faults.backup import RestoreCluster
from nemesis.faults.bitrot import Bitrot
from nemesis.faults.clock import ClockBump, ClockDrift, ClockStrobe
from nemesis.faults.compact import Compact
from nemesis.faults.disk import FailingFsync, FullDisk, SlowFsync
from nemesis.faults.hold import Hold
from nemesis.faults.limit_rate import LimitRate
from nemesis.faults.lying_disk import LyingFsync
from nemesis.faults.members import Grow, MoveLeader, Replace, Shrink
from nemesis.faults.pressure import CpuPressure
from nemesis.faults.quota import ExhaustQuota
from nemesis.faults.restart import Tail
from nemesis.faults.storm import RestartStorm
from nemesis.faults.stutter import Stutter
from nemesis.inject import InjectionError, Injector
from nemesis.link_choice import Exactly
from nemesis.schedule import Asked, At, Schedule
from nemesis.surface import Surfaces
from tests.nemesis.small_schedules import A_TO_B, injector, kill, run, three
from tests.nemesis.strict_surfaces import LOST_BYTES, streams

MS = 1_000_000


def hold(*kinds: str, count: int = 1, is_reversed: bool = False, is_doubled: bool = False) -> Hold:
    return Hold(
        links=A_TO_B,
        kinds=kinds,
        count=count,
        is_reversed=is_reversed,
        is_doubled=is_doubled,
        hold_ns=MS,
    )


def lie(target: str, hold_ns: int, power_cut_after_ns: int | None = None) -> LyingFsync:
    return LyingFsync(target=target, power_cut_after_ns=power_cut_after_ns, hold_ns=hold_ns)


@pytest.mark.parametrize(
    ("fault", "begins", "ends"),
    [
        (
            hold("AppendEntriesReply", is_reversed=True, is_doubled=True),
            "hold the next 1 AppendEntriesReply on n1>n2 for 1 ms",
            "let messages go on n1>n2, newest first, twice",
        ),
        (
            hold(count=3),
            "hold the next 3 messages on n1>n2 for 1 ms",
            "let messages go on n1>n2",
        ),
        (
            ClockBump(target="n1", offset_ns=-5 * MS, hold_ns=MS),
            "set the clock of n1 by -5 ms for 1 ms",
            "set the clock of n1 by +5 ms",
        ),
        (
            ClockDrift(target="n1", rate=1.5, hold_ns=MS),
            "let the clock of n1 run 1.5 times as fast for 1 ms",
            "end drift of the clock of n1",
        ),
        (
            ClockStrobe(target="n1", rate=1.5, period_ns=20 * MS, hold_ns=MS),
            "strobe the clock of n1 by 1.5 times every 20 ms for 1 ms",
            "end strobe of the clock of n1",
        ),
        (
            SlowFsync(target="n1", extra_ns=20 * MS, hold_ns=MS),
            "slow fsync of n1 by 20 ms for 1 ms",
            "end slow fsync of n1",
        ),
        (
            FailingFsync(target="n1", hold_ns=MS),
            "fail fsync of n1 for 1 ms",
            "end failing fsync of n1",
        ),
        (
            FullDisk(target="n1", hold_ns=MS),
            "fill the disk of n1 for 1 ms",
            "free the disk of n1",
        ),
        (
            lie("n1", MS, power_cut_after_ns=0),
            "let fsync of n1 lie for 1 ms, with a power cut after 0 ms",
            "end lying fsync of n1",
        ),
        (
            Bitrot(target="n1", bits=3, hold_ns=MS),
            "flip 3 bits of n1 for 1 ms",
            "restore the disk of n1",
        ),
        (
            RestartStorm(target="n1", tail=Tail.LOST, count=4, down_ns=5, hold_ns=MS),
            "restart n1 4 times within 1 ms, unsynced writes lost",
            "end restarts of n1",
        ),
        (
            Stutter(target="n1", count=4, pause_ns=5 * MS, hold_ns=80 * MS),
            "pause n1 4 times within 80 ms, 5 ms each",
            "end pauses of n1",
        ),
        (
            Compact(target="n1", keep=10),
            "ask n1 to compact all but the last 10 revisions",
            "end compaction by n1",
        ),
        (Grow(), "let a new node join", "end joining"),
        (Shrink(target="n1"), "remove n1", "end removal of n1"),
        (Replace(target="n1"), "replace n1", "end replacement of n1"),
        (MoveLeader(target="n1"), "ask the leader to hand over to n1", "end transfer to n1"),
        (
            RestoreCluster(),
            "restore the cluster from a backup",
            "end restoring the cluster",
        ),
        (
            ExhaustQuota(hold_ns=MS),
            "exhaust the store's quota for 1 ms",
            "make room in the store",
        ),
    ],
)
def test_a_fault_reads_as_a_phrase(fault: Fault, begins: str, ends: str) -> None:
    assert (fault.begins(), fault.ends()) == (begins, ends)


# ---------------------------------------------------------------- hold
def test_a_hold_keeps_messages_back_and_tells_how_many_it_let_go() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), hold("AppendEntries", count=5, is_reversed=True))))

    assert cluster.calls == [
        ("hold", {("n1", "n2")}, {"AppendEntries"}, 5),
        ("release", True, False),
    ]
    assert done[-1].endswith("newest first (2 messages let go)")


def test_overlapping_holds_are_let_go_one_by_one() -> None:
    cluster = three()

    run(injector(cluster, (At(0), hold()), (At(5), hold())))

    assert [call[0] for call in cluster.calls] == ["hold", "hold", "release", "release"]
    assert cluster.is_whole()


# ---------------------------------------------------------------- lying disks
def test_a_lie_brings_its_own_power_cut_and_lasts_as_long() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), lie("n1", 10, power_cut_after_ns=4))))

    assert cluster.calls == [
        ("lie", "n1", True),
        ("kill", "n1", True, False),
        ("lie", "n1", False),
        ("start", "n1"),
    ]
    assert done[2] == (
        f"10 1 end lying fsync of n1 ({LOST_BYTES} lost bytes put back, still down by fault 1)"
    )


def test_a_node_whose_disk_broke_its_word_stays_down_until_the_lie_ends() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), lie("n1", 100)), (At(10), kill("n1", 10, Tail.LOST))))

    assert done[2] == (
        "20 2 start n1 (stays down: its disk lost 7 bytes that it had reported durable)"
    )
    assert done[3] == "100 1 end lying fsync of n1 (7 lost bytes put back, its daemon is started)"


def test_a_daemon_that_kept_its_power_is_not_harmed_by_a_lie() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), lie("n1", 100)), (At(10), kill("n1", 10))))

    assert done[2:] == ["20 2 start n1", "100 1 end lying fsync of n1 (nothing was lost)"]


def test_a_majority_of_disks_never_lies() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), lie("n1", 10)), (At(5), lie("n2", 10))))

    assert done[1].endswith("(2 of 3 disks would lie: no store bears that of more than a minority)")
    assert ("lie", "n2", True) not in cluster.calls


# ---------------------------------------------------------------- surfaces and journals
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ClockDrift(target="n1", rate=2.0, hold_ns=1), "cannot change clocks"),
        (FullDisk(target="n1", hold_ns=1), "cannot break disks"),
        (CpuPressure(target="n1", share=0.1, hold_ns=1), "cannot limit what daemons use"),
        (LimitRate(links=Exactly((("n1", "n2"),)), rate_bytes=1, hold_ns=1), "what links carry"),
        (Compact(target="n1", keep=0), "cannot ask the store"),
        (Grow(), "cannot change the members"),
    ],
)
def test_an_environment_without_the_means_says_so(fault: Fault, said: str) -> None:
    cluster = three()
    bare = Surfaces(daemons=cluster, links=cluster, roles=cluster)
    asked = Asked(id=1, moment=At(0), fault=fault)

    with pytest.raises(InjectionError, match=said):
        Injector(bare, Schedule(seed=1, asked=(asked,)), streams(1)).step(0)


def test_a_momentary_fault_in_a_journal_needs_no_undoing() -> None:
    intended = Applied(
        at_ns=0,
        id=1,
        phase=Phase.BEGIN,
        outcome=Outcome.INTENDED,
        fault=Compact(target="n1", keep=0),
    )

    assert outstanding([intended]) == []
