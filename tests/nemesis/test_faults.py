"""What each kind of fault says, does and undoes, and how several of a kind compose."""

from random import Random

import pytest
from typing_extensions import override

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
from nemesis.faults.pause import Pause
from nemesis.faults.pressure import CpuPressure, MemoryPressure
from nemesis.faults.quota import ExhaustQuota
from nemesis.faults.restart import Restart, Tail
from nemesis.faults.storm import RestartStorm
from nemesis.faults.stutter import Stutter
from nemesis.inject import InjectionError, Injector
from nemesis.link_choice import Exactly
from nemesis.schedule import Asked, At, Schedule
from nemesis.surface import SurfaceError, Surfaces
from nemesis.targets import Situation
from tests.nemesis.small_schedules import A_TO_B, injector, kill, run, three
from tests.nemesis.strict_surfaces import LOST_BYTES, StrictCluster, streams

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


# ---------------------------------------------------------------- clocks
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


# ---------------------------------------------------------------- disks
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


# ---------------------------------------------------------------- bit rot
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


# ---------------------------------------------------------------- storms
def test_a_storm_is_recorded_as_its_single_restarts() -> None:
    cluster = three()
    storm = RestartStorm(target="n1", tail=Tail.TORN, count=3, down_ns=2, hold_ns=30)
    subject = injector(cluster, (At(0), storm))

    run(subject)

    assert [call[0] for call in cluster.calls] == ["kill", "start"] * 3
    assert {record.fault for record in subject.applied} == {
        Restart(target="n1", tail=Tail.TORN, down_ns=2)
    }


def test_a_storm_strikes_once_in_each_equal_part_of_its_time() -> None:
    storm = RestartStorm(target="all", tail=Tail.KEPT, count=4, down_ns=50, hold_ns=400)
    situation = Situation(nodes=("n1", "n2"), leader=None, trigger_node=None)

    strikes = storm.resolve(situation, Random(3))

    assert [strike.after_ns // 100 for strike in strikes] == [0, 1, 2, 3] * 2
    assert all(strike.after_ns % 100 <= 50 for strike in strikes)


# ---------------------------------------------------------------- stutters
def test_a_stutter_is_recorded_as_its_single_pauses() -> None:
    cluster = three()
    stutter = Stutter(target="n1", count=3, pause_ns=2, hold_ns=30)
    subject = injector(cluster, (At(0), stutter))

    run(subject)

    assert [call[0] for call in cluster.calls] == ["pause", "resume"] * 3
    assert {record.fault for record in subject.applied} == {Pause(target="n1", hold_ns=2)}


def test_a_stutter_pauses_once_in_each_equal_part_of_its_time() -> None:
    stutter = Stutter(target="all", count=4, pause_ns=50, hold_ns=400)
    situation = Situation(nodes=("n1", "n2"), leader=None, trigger_node=None)

    strikes = stutter.resolve(situation, Random(3))

    assert [strike.after_ns // 100 for strike in strikes] == [0, 1, 2, 3] * 2
    assert all(strike.after_ns % 100 <= 50 for strike in strikes)


def test_pauses_longer_than_their_part_of_a_stutter_fill_it() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), Stutter(target="n1", count=2, pause_ns=9, hold_ns=8))))

    assert done == [
        "0 1 pause n1 for 4e-06 ms",
        "4 1 resume n1",
        "4 1 pause n1 for 4e-06 ms",
        "8 1 resume n1",
    ]


# ---------------------------------------------------------------- compaction
def test_a_compaction_is_asked_for_and_has_no_end() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), Compact(target="n2", keep=3)))

    done = run(subject)

    assert done == [
        "0 1 ask n2 to compact all but the last 3 revisions (asked to compact to revision 5)"
    ]
    assert outstanding(subject.applied) == []


def test_a_daemon_that_is_down_is_not_asked() -> None:
    done = run(injector(three(), (At(0), kill("n1", 9)), (At(1), Compact(target="n1", keep=0))))

    assert done[1].endswith("(n1 does not run)")


# ---------------------------------------------------------------- members
def test_a_change_of_members_is_asked_for_and_has_no_end() -> None:
    cluster = three()
    subject = injector(
        cluster,
        (At(0), Grow()),
        (At(1), Shrink(target="n2")),
        (At(2), Replace(target="n3")),
        (At(3), MoveLeader(target="n1")),
    )

    done = run(subject)

    assert done == [
        "0 1 let a new node join (a node will join)",
        "1 2 remove n2 (n2 will be removed)",
        "2 3 replace n3 (n3 will be replaced)",
        "3 4 ask the leader to hand over to n1 (asked)",
    ]
    assert cluster.calls == [("grow",), ("shrink", "n2"), ("replace", "n3"), ("move_leader", "n1")]
    assert outstanding(subject.applied) == []


def test_what_the_operator_turns_down_was_not_done() -> None:
    cluster = three()
    cluster.operator_is_busy = True

    done = run(injector(cluster, (At(0), Grow())))

    assert done == ["0 1 skipped: let a new node join (the operator is busy)"]


def test_a_node_that_joins_can_be_a_target_and_one_that_left_means_nothing() -> None:
    cluster = three()
    subject = injector(
        cluster, (At(0), Pause(target="n4", hold_ns=5)), (At(10), Pause(target="n1", hold_ns=5))
    )
    cluster.nodes = ("n2", "n3", "n4")
    cluster.running["n4"] = True
    cluster.paused["n4"] = False

    done = run(subject)

    assert done[0].startswith("0 1 pause n4")
    assert done[2].endswith("(it means nothing in a cluster of 3)")


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


def test_the_least_share_counts_and_the_other_remains_when_it_ends() -> None:
    cluster = three()
    slight, severe = (
        CpuPressure(target="n1", share=share, hold_ns=hold_ns)
        for share, hold_ns in ((0.5, 30), (0.1, 10))
    )
    done = run(injector(cluster, (At(0), slight), (At(5), severe)))

    assert cluster.calls == [
        ("limit_cpu", "n1", share) for share in (0.5, 0.1, 0.5, 1.0)
    ]  # fmt: skip
    assert "leave n1 50% of a processor" in done[0]
    assert cluster.is_whole()


def test_the_least_rate_counts_link_by_link() -> None:
    cluster = three()
    wide = LimitRate(links=Exactly((("n1", "n2"), ("n2", "n1"))), rate_bytes=900, hold_ns=30)
    narrow = LimitRate(links=Exactly((("n1", "n2"),)), rate_bytes=50, hold_ns=10)
    done = run(injector(cluster, (At(0), wide), (At(5), narrow)))

    assert cluster.calls == [
        ("limit_rate", {("n1", "n2"): 900, ("n2", "n1"): 900}),
        ("limit_rate", {("n1", "n2"): 50, ("n2", "n1"): 900}),
        ("limit_rate", {("n1", "n2"): 900, ("n2", "n1"): 900}),
        ("limit_rate", {}),
    ]
    assert "let 900 bytes/s pass on" in done[0]


def test_a_daemon_that_stopped_for_want_of_memory_is_started_when_it_has_enough() -> None:
    cluster = three()
    pressed = injector(cluster, (At(0), MemoryPressure(target="n1", share=0.5, hold_ns=10)))
    pressed.step(0)
    cluster.running["n1"] = False

    done = run(pressed)

    assert cluster.calls[1:] == [("limit_memory", "n1", 1.0), ("start", "n1")]
    assert done[-1].endswith("(its daemon is started)")


def test_a_daemon_that_is_down_uses_no_memory_that_could_be_taken() -> None:
    cluster = three()
    cluster.running["n1"] = False
    done = run(injector(cluster, (At(0), MemoryPressure(target="n1", share=0.5, hold_ns=10))))

    assert cluster.calls == []
    assert "n1 does not run" in done[0]


def test_a_store_is_filled_once_and_room_is_made_in_the_end() -> None:
    cluster = three()
    done = run(
        injector(cluster, (At(0), ExhaustQuota(hold_ns=30)), (At(5), ExhaustQuota(hold_ns=MS)))
    )

    assert cluster.calls == [("exhaust",), ("make_room",)]
    assert "the store is full already" in done[1]
    assert cluster.is_whole()


def test_a_store_that_cannot_be_filled_now_need_not_be_made_room_in() -> None:
    cluster = three()
    cluster.operator_is_busy = True
    done = run(injector(cluster, (At(0), ExhaustQuota(hold_ns=30))))

    assert cluster.calls == []
    assert "room is still being made" in done[0]


def test_a_cluster_is_restored_only_when_nothing_else_is_in_force_and_all_run() -> None:
    cluster = three()
    pause = Pause(target="n1", hold_ns=10)
    done = run(injector(cluster, (At(0), pause), (At(5), RestoreCluster())))
    cluster.running["n2"] = False
    down = run(injector(cluster, (At(0), RestoreCluster())))
    cluster.running["n2"] = True
    restored = run(injector(cluster, (At(0), RestoreCluster())))

    assert cluster.calls[-1] == ("restore_cluster",)
    assert [call[0] for call in cluster.calls].count("restore_cluster") == 1
    assert any("fault 1 is in force" in words for words in done)
    assert "n2 does not run" in down[0]
    assert restored[0].endswith("(saved and restored)")


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
