"""How overlapping faults compose."""

from nemesis.applied import Outcome
from nemesis.faults.delay import Delay
from nemesis.faults.lose import Lose
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.link_choice import Exactly
from nemesis.schedule import At
from nemesis.surface import Latency
from tests.nemesis.small_schedules import A_TO_B, BOTH, injector, kill, run, three


def test_healing_one_partition_leaves_the_other_in_force() -> None:
    cluster = three()

    run(
        injector(
            cluster,
            (At(0), Partition(links=Exactly(tuple(sorted(BOTH))), hold_ns=10)),
            (At(5), Partition(links=A_TO_B, hold_ns=10)),
        )
    )

    assert cluster.calls == [
        ("cut", BOTH),
        ("cut", BOTH),
        ("cut", {("n1", "n2")}),
        ("cut", set()),
    ]


def test_overlapping_losses_keep_their_own_strength_on_their_own_links() -> None:
    cluster = three()

    run(
        injector(
            cluster,
            (At(0), Lose(links=A_TO_B, probability=0.9, hold_ns=10)),
            (At(5), Lose(links=Exactly(tuple(sorted(BOTH))), probability=0.1, hold_ns=10)),
        )
    )

    assert cluster.calls == [
        ("lose", {("n1", "n2"): 0.9}),
        ("lose", {("n1", "n2"): 0.9, ("n2", "n1"): 0.1}),
        ("lose", {("n1", "n2"): 0.1, ("n2", "n1"): 0.1}),
        ("lose", {}),
    ]


def test_overlapping_delays_give_a_link_the_greatest_of_each_number() -> None:
    cluster = three()

    run(
        injector(
            cluster,
            (At(0), Delay(links=A_TO_B, latency_ns=9, jitter_ns=1, hold_ns=10)),
            (At(5), Delay(links=A_TO_B, latency_ns=3, jitter_ns=5, hold_ns=10)),
        )
    )

    assert cluster.calls == [
        ("delay", {("n1", "n2"): Latency(9, 1)}),
        ("delay", {("n1", "n2"): Latency(9, 5)}),
        ("delay", {("n1", "n2"): Latency(3, 5)}),
        ("delay", {}),
    ]


def test_a_daemon_that_is_down_is_not_killed_again_and_starts_once() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), kill("n1", 10)), (At(5), kill("n1", 100))))

    assert done == [
        "0 1 kill n1, unsynced writes kept, for 1e-05 ms",
        "5 2 skipped: kill n1, unsynced writes kept, for 0.0001 ms (n1 does not run)",
        "10 1 start n1",
    ]


def test_a_daemon_that_is_down_is_not_paused() -> None:
    cluster = three()

    run(injector(cluster, (At(0), kill("n1", 10)), (At(5), Pause(target="n1", hold_ns=2))))

    assert cluster.calls == [("kill", "n1", False, False), ("start", "n1")]


def test_a_daemon_paused_twice_goes_on_when_the_last_pause_ends() -> None:
    cluster = three()

    done = run(
        injector(
            cluster,
            (At(0), Pause(target="n1", hold_ns=1_000_000)),
            (At(5), Pause(target="n1", hold_ns=2_000_000)),
        )
    )

    assert done == [
        "0 1 pause n1 for 1 ms",
        "5 2 pause n1 for 2 ms (already paused by fault 1)",
        "1000000 1 resume n1 (still paused by fault 2)",
        "2000005 2 resume n1",
    ]
    assert cluster.calls == [("pause", "n1"), ("resume", "n1")]


def test_killing_a_paused_daemon_voids_its_pause() -> None:
    cluster = three()

    done = run(injector(cluster, (At(0), Pause(target="n1", hold_ns=10)), (At(5), kill("n1", 2))))

    assert done[-1] == "10 1 skipped: resume n1 (it was voided by a kill)"
    assert cluster.calls == [("pause", "n1"), ("kill", "n1", False, False), ("start", "n1")]


def test_a_pause_after_the_restart_outlives_the_pause_before_it() -> None:
    cluster = three()

    run(
        injector(
            cluster,
            (At(0), Pause(target="n1", hold_ns=10)),
            (At(2), kill("n1", 2)),
            (At(6), Pause(target="n1", hold_ns=10)),
        )
    )

    assert cluster.calls[-2:] == [("pause", "n1"), ("resume", "n1")]
    assert cluster.is_whole()


def test_a_daemon_that_died_by_itself_while_paused_is_not_resumed() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), Pause(target="n1", hold_ns=10)))
    subject.step(0)
    cluster.running["n1"] = False

    (ended,) = subject.step(10)

    assert ended.outcome is Outcome.SKIPPED


def test_at_one_instant_ends_come_before_beginnings() -> None:
    cluster = three()

    run(injector(cluster, (At(0), kill("n1", 10)), (At(10), kill("n1", 10))))

    assert [call[0] for call in cluster.calls] == ["kill", "start", "kill", "start"]
