"""The injector: what it does when, and how overlapping faults compose."""

import pytest

from nemesis.applied import Outcome
from nemesis.fault import Fault
from nemesis.faults.delay import Delay
from nemesis.faults.duplicate import Duplicate
from nemesis.faults.lose import Lose
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.reorder import Reorder
from nemesis.faults.restart import Tail
from nemesis.inject import InjectionError, Injector
from nemesis.link_choice import Divided, Groups, Topology
from nemesis.schedule import (
    Asked,
    At,
    BecomesRole,
    Commits,
    Observation,
    ObservedRole,
    Schedule,
    Starts,
    Trigger,
    When,
)
from nemesis.surface import Latency, Reordering
from tests.nemesis.small_schedules import A_TO_B, injector, kill, run, three
from tests.nemesis.strict_surfaces import streams


def became_leader(node: str) -> Observation:
    return Observation(event="role", node=node, role="leader")


# ---------------------------------------------------------------- one fault
def test_a_fault_begins_at_its_time_and_ends_after_its_hold() -> None:
    cluster = three()

    done = run(injector(cluster, (At(10), Pause(target="n2", hold_ns=1_500_000))))

    assert done == ["10 1 pause n2 for 1.5 ms", "1500010 1 resume n2"]
    assert cluster.calls == [("pause", "n2"), ("resume", "n2")]


def test_nothing_happens_before_it_is_due() -> None:
    cluster = three()
    subject = injector(cluster, (At(10), kill("n1", 5)))

    assert subject.step(9) == []
    assert subject.due() == 10


def test_a_late_step_counts_the_hold_from_when_the_fault_really_began() -> None:
    subject = injector(three(), (At(10), kill("n1", 5)))

    subject.step(100)

    assert subject.due() == 105


@pytest.mark.parametrize(
    ("tail", "lose_unsynced", "torn_tail"),
    [(Tail.KEPT, False, False), (Tail.LOST, True, False), (Tail.TORN, True, True)],
)
def test_the_tail_decides_what_a_kill_loses(
    tail: Tail, *, lose_unsynced: bool, torn_tail: bool
) -> None:
    cluster = three()

    run(injector(cluster, (At(0), kill("n1", 5, tail))))

    assert cluster.calls == [("kill", "n1", lose_unsynced, torn_tail), ("start", "n1")]


@pytest.mark.parametrize(
    ("fault", "begin", "end"),
    [
        (Partition(links=A_TO_B, hold_ns=1), ("cut", {("n1", "n2")}), ("cut", set())),
        (
            Lose(links=A_TO_B, probability=0.5, hold_ns=1),
            ("lose", {("n1", "n2"): 0.5}),
            ("lose", {}),
        ),
        (
            Delay(links=A_TO_B, latency_ns=7, jitter_ns=2, hold_ns=1),
            ("delay", {("n1", "n2"): Latency(7, 2)}),
            ("delay", {}),
        ),
        (
            Duplicate(links=A_TO_B, probability=0.5, hold_ns=1),
            ("duplicate", {("n1", "n2"): 0.5}),
            ("duplicate", {}),
        ),
        (
            Reorder(links=A_TO_B, probability=0.5, window_ns=9, hold_ns=1),
            ("reorder", {("n1", "n2"): Reordering(0.5, 9)}),
            ("reorder", {}),
        ),
    ],
)
def test_a_fault_of_links_is_set_and_then_cleared(
    fault: Fault, begin: tuple[object, ...], end: tuple[object, ...]
) -> None:
    cluster = three()

    run(injector(cluster, (At(0), fault)))

    assert cluster.calls == [begin, end]


def test_the_leader_is_looked_up_when_the_fault_begins() -> None:
    cluster = three(leader="n1")
    subject = injector(cluster, (At(10), kill("leader", 5)))
    cluster.current_leader = "n3"

    subject.step(10)

    assert not cluster.running["n3"]


def test_choices_do_not_depend_on_other_faults_of_the_schedule() -> None:
    alone, together = three(), three()
    asked = Asked(id=9, moment=At(20), fault=Pause(target="one", hold_ns=5))
    other = Asked(id=1, moment=At(10), fault=Lose(links=A_TO_B, probability=1.0, hold_ns=5))

    run(Injector(alone.surfaces(), Schedule(seed=1, asked=(asked,)), streams(1)))
    run(Injector(together.surfaces(), Schedule(seed=1, asked=(other, asked)), streams(1)))

    assert alone.calls == [call for call in together.calls if call[0] != "lose"]


def test_a_fault_that_means_nothing_here_is_skipped_with_the_reason() -> None:
    done = run(
        injector(three(), (At(0), Partition(links=Divided(Topology.MAJORITY_RING), hold_ns=1)))
    )

    assert done == [
        "0 1 skipped: partition no links for 1e-06 ms (it means nothing in a cluster of 3)"
    ]


# ---------------------------------------------------------------- triggers
def test_a_trigger_fires_at_its_nth_observation_and_once() -> None:
    trigger = BecomesRole(role=ObservedRole.LEADER, nth=2)
    subject = injector(three(), (When(trigger, delay_ns=400), kill("$node", 5)))

    subject.observe(10, became_leader("n1"))
    assert subject.due() is None
    subject.observe(20, became_leader("n2"))
    subject.observe(30, became_leader("n3"))

    assert subject.due() == 420
    assert [applied.describe() for applied in subject.step(420)] == [
        "kill n2, unsynced writes kept, for 5e-06 ms"
    ]
    subject.step(425)
    assert subject.due() is None


def test_the_triggering_node_is_cut_from_the_others() -> None:
    cluster = three()
    trigger = Commits(nth=1)
    fault = Partition(links=Groups((("$node",),)), hold_ns=5)
    subject = injector(cluster, (When(trigger, delay_ns=0), fault))

    subject.observe(10, Observation(event="commit", node="n3"))
    subject.step(10)

    assert cluster.calls == [
        ("cut", {("n1", "n3"), ("n3", "n1"), ("n2", "n3"), ("n3", "n2")}),
    ]


@pytest.mark.parametrize(
    ("trigger", "observation"),
    [
        (BecomesRole(role=ObservedRole.LEADER, nth=1), Observation(event="commit", node="n1")),
        (
            BecomesRole(role=ObservedRole.LEADER, nth=1),
            Observation(event="role", node="n1", role="follower"),
        ),
        (Commits(nth=1), became_leader("n1")),
        (Starts(nth=1), Observation(event="crash", node="n1")),
        (Starts(nth=1, node="n2"), Observation(event="start", node="n1")),
    ],
)
def test_other_observations_are_not_counted(trigger: Trigger, observation: Observation) -> None:
    subject = injector(three(), (When(trigger, delay_ns=0), kill("n1", 5)))

    subject.observe(10, observation)

    assert subject.due() is None


def test_a_trigger_may_count_one_node_alone() -> None:
    subject = injector(three(), (When(Starts(nth=2, node="n2"), delay_ns=0), kill("n1", 5)))

    subject.observe(1, Observation(event="start", node="n2"))
    subject.observe(2, Observation(event="start", node="n1"))
    assert subject.due() is None
    subject.observe(3, Observation(event="start", node="n2"))

    assert subject.due() == 3


# ---------------------------------------------------------------- the end
def test_end_all_undoes_links_then_pauses_then_kills_and_begins_nothing_more() -> None:
    cluster = three()
    subject = injector(
        cluster,
        (At(0), kill("n1", 100)),
        (At(0), Pause(target="n2", hold_ns=100)),
        (At(0), Partition(links=A_TO_B, hold_ns=100)),
        (At(50), kill("n3", 100)),
    )
    subject.step(0)

    done = subject.end_all(10)

    assert [record.describe() for record in done] == ["heal n1>n2", "resume n2", "start n1"]
    assert subject.due() is None
    assert cluster.is_whole()


def test_end_all_starts_a_daemon_that_died_by_itself() -> None:
    cluster = three()
    cluster.running["n2"] = False
    subject = injector(cluster)

    (started,) = subject.end_all(10)

    assert (started.id, started.describe()) == (0, "start n2")
    assert cluster.is_whole()


def test_end_all_records_the_end_of_a_voided_pause() -> None:
    subject = injector(three(), (At(0), Pause(target="n1", hold_ns=100)), (At(1), kill("n1", 100)))
    subject.step(1)

    done = subject.end_all(10)

    assert [record.describe() for record in done] == [
        "skipped: resume n1 (it was voided by a kill)",
        "start n1",
    ]


def test_end_all_twice_does_nothing_more() -> None:
    subject = injector(three(), (At(0), kill("n1", 100)))
    subject.step(0)
    subject.end_all(10)

    assert subject.end_all(11) == []


def test_end_all_also_disarms_triggers() -> None:
    subject = injector(three(), (When(Commits(nth=1), delay_ns=0), kill("n1", 100)))
    subject.end_all(10)

    subject.observe(11, Observation(event="commit", node="n1"))

    assert subject.due() is None


# ---------------------------------------------------------------- failures and the journal
def test_a_surface_that_fails_is_recorded_and_raised() -> None:
    cluster = three()
    cluster.broken = {"cut"}
    subject = injector(cluster, (At(7), Partition(links=A_TO_B, hold_ns=1_000_000)))

    with pytest.raises(InjectionError) as caught:
        subject.step(7)

    assert str(caught.value) == (
        "fault 1 at 7 ns failed: partition n1>n2 for 1 ms (cut is broken here)"
    )
    assert subject.applied == [caught.value.failed]


def test_end_all_goes_on_past_a_failure_and_then_raises() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), Partition(links=A_TO_B, hold_ns=9)), (At(0), kill("n1", 9)))
    subject.step(0)
    cluster.broken = {"cut"}

    with pytest.raises(InjectionError, match="heal n1>n2"):
        subject.end_all(1)

    assert cluster.running["n1"]


def test_what_failed_to_end_is_tried_again_by_end_all() -> None:
    cluster = three()
    subject = injector(cluster, (At(0), kill("n1", 5)))
    subject.step(0)
    cluster.broken = {"start"}
    with pytest.raises(InjectionError):
        subject.step(5)
    cluster.broken = set()

    subject.end_all(6)

    assert cluster.is_whole()


def test_the_journal_is_written_before_and_after_each_attempt() -> None:
    cluster = three()
    journal: list[tuple[Outcome, int]] = []
    schedule = Schedule(seed=1, asked=(Asked(id=1, moment=At(0), fault=kill("n1", 5)),))
    subject = Injector(
        cluster.surfaces(),
        schedule,
        streams(1),
        record=lambda applied: journal.append((applied.outcome, len(cluster.calls))),
    )

    subject.step(0)

    assert journal == [(Outcome.INTENDED, 0), (Outcome.DONE, 1)]
