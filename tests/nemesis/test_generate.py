"""Schedules drawn from a seed."""

import itertools

from nemesis.fault import Fault
from nemesis.faults.delay import Delay
from nemesis.faults.duplicate import Duplicate
from nemesis.faults.hold import Hold
from nemesis.faults.lose import Lose
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.reorder import Reorder
from nemesis.faults.restart import Restart
from nemesis.generate import LEADERS_MAX, generate
from nemesis.link_choice import Aimed, Divided, Groups, Topology
from nemesis.packages import Package
from nemesis.schedule import Asked, At, BecomesRole, Schedule, When
from tests.nemesis.strict_surfaces import streams

SECOND = 1_000_000_000
FIVE = ("n1", "n2", "n3", "n4", "n5")


def drawn(
    seed: int, *packages: Package, nodes: tuple[str, ...] = FIVE, seconds: int = 60
) -> Schedule:
    return generate(
        streams(seed),
        packages,
        nodes,
        seed=seed,
        duration_ns=seconds * SECOND,
        interval_ns=SECOND,
    )


def faults(schedule: Schedule) -> list[Fault]:
    return [asked.fault for asked in schedule.asked]


def begin_ns(asked: Asked) -> int:
    assert isinstance(asked.moment, At)
    return asked.moment.at_ns


def delay_ns(asked: Asked) -> int:
    assert isinstance(asked.moment, When)
    return asked.moment.delay_ns


def test_a_seed_gives_one_schedule() -> None:
    assert drawn(7, *Package) == drawn(7, *Package)


def test_another_seed_gives_another_schedule() -> None:
    assert drawn(7, *Package) != drawn(8, *Package)


def test_no_packages_give_no_faults() -> None:
    assert drawn(7).asked == ()


def test_removing_a_package_leaves_the_faults_of_others_unchanged() -> None:
    together = drawn(7, *Package)
    without_kill = drawn(7, *[package for package in Package if package is not Package.KILL])

    kills = [asked for asked in together.asked if asked not in without_kill.asked]

    assert kills == list(drawn(7, Package.KILL).asked)
    assert len(kills) + len(without_kill.asked) == len(together.asked)


def test_faults_come_in_the_order_in_which_they_begin_and_then_those_that_wait() -> None:
    asked = drawn(7, *Package).asked
    timed = [each for each in asked if isinstance(each.moment, At)]
    begins = [begin_ns(each) for each in timed]

    assert begins == sorted(begins)
    assert asked[: len(timed)] == tuple(timed)
    assert len(asked) > len(timed)


def test_a_package_strikes_about_every_interval() -> None:
    counts = [len(drawn(seed, Package.KILL).asked) for seed in range(40)]

    assert 45 < sum(counts) / len(counts) < 120


def test_bursts_and_lone_faults_both_occur() -> None:
    begins = [begin_ns(asked) for seed in range(20) for asked in drawn(seed, Package.KILL).asked]
    gaps = [later - earlier for earlier, later in itertools.pairwise(begins)]

    assert any(0 <= gap < 30_000_000 for gap in gaps)
    assert any(gap > SECOND for gap in gaps)


def test_holds_span_orders_of_magnitude() -> None:
    holds = [
        fault.held_ns() or 0 for seed in range(20) for fault in faults(drawn(seed, Package.PAUSE))
    ]

    assert min(holds) < 30_000_000
    assert max(holds) > SECOND


def test_leaders_are_hit_more_often_than_any_other_target() -> None:
    kills = [fault for seed in range(20) for fault in faults(drawn(seed, Package.KILL))]
    targets = [fault.target for fault in kills if isinstance(fault, Restart)]

    assert max(set(targets), key=targets.count) == "leader"


def test_every_topology_is_drawn_where_it_can_be() -> None:
    cuts = [fault for seed in range(20) for fault in faults(drawn(seed, Package.PARTITION))]
    topologies = {
        cut.links.topology
        for cut in cuts
        if isinstance(cut, Partition) and isinstance(cut.links, Divided)
    }

    assert topologies == set(Topology)


def test_three_nodes_get_no_majority_ring() -> None:
    three = ("n1", "n2", "n3")
    cuts = [
        fault for seed in range(20) for fault in faults(drawn(seed, Package.PARTITION, nodes=three))
    ]

    assert Partition(links=Divided(Topology.MAJORITY_RING), hold_ns=0) not in cuts
    assert "majority_ring" not in str(cuts)


def test_a_single_node_gets_no_faults_of_links() -> None:
    alone = drawn(7, *Package, nodes=("n1",))

    assert alone.asked
    assert not [
        fault
        for fault in faults(alone)
        if isinstance(fault, Partition | Lose | Delay | Duplicate | Reorder | Hold)
    ]


def test_losses_do_not_overlap_and_last_long_enough_to_bite() -> None:
    losses = drawn(7, Package.LOSS).asked

    assert all(
        begin_ns(earlier) + (earlier.fault.held_ns() or 0) <= begin_ns(later)
        for earlier, later in itertools.pairwise(losses)
    )
    assert all((loss.fault.held_ns() or 0) >= 100_000_000 for loss in losses)


def test_a_schedule_shorter_than_the_shortest_fault_is_empty() -> None:
    assert drawn(7, *Package, seconds=0).asked == ()


def test_leaders_are_struck_one_after_the_other_each_by_its_election() -> None:
    waiting = [each.moment for each in drawn(7, Package.DEPOSE).asked]

    assert all(isinstance(moment, When) for moment in waiting)
    triggers = [moment.trigger for moment in waiting if isinstance(moment, When)]
    turns = [trigger.nth for trigger in triggers if isinstance(trigger, BecomesRole)]
    assert len(turns) == len(waiting)
    assert turns == sorted(turns)


def test_a_leader_is_struck_again_after_the_fault_before() -> None:
    asked = drawn(3, Package.DEPOSE).asked
    pairs = [
        (earlier, later)
        for earlier, later in itertools.pairwise(asked)
        if isinstance(earlier.moment, When)
        and isinstance(later.moment, When)
        and earlier.moment.trigger == later.moment.trigger
    ]

    assert pairs
    for earlier, later in pairs:
        ended_ns = delay_ns(earlier) + (earlier.fault.held_ns() or 0)
        assert ended_ns + 1_000_000 <= delay_ns(later) <= ended_ns + SECOND


def test_leaders_are_cut_off_paused_and_killed_and_nobody_else_is() -> None:
    struck = [fault for seed in range(20) for fault in faults(drawn(seed, Package.DEPOSE))]

    assert {fault.do for fault in struck} == {"partition", "pause", "restart"}
    assert {
        fault.links.target
        for fault in struck
        if isinstance(fault, Partition) and isinstance(fault.links, Aimed)
    } == {"$node"}
    assert {fault.target for fault in struck if isinstance(fault, Pause | Restart)} == {"$node"}


def test_a_leader_is_cut_off_in_company_that_leaves_a_majority() -> None:
    struck = [fault for seed in range(20) for fault in faults(drawn(seed, Package.DEPOSE))]
    companies = {
        fault.links.groups[0]
        for fault in struck
        if isinstance(fault, Partition) and isinstance(fault.links, Groups)
    }

    assert companies == {("$node",), *(("$node", node) for node in FIVE)}


def test_some_schedules_spare_leaders_and_some_strike_every_one() -> None:
    counts = {
        len({
            each.moment.trigger
            for each in drawn(seed, Package.DEPOSE).asked
            if isinstance(each.moment, When)
        })
        for seed in range(20)
    }  # fmt: skip

    assert max(counts) == LEADERS_MAX
    assert min(counts) < LEADERS_MAX / 2
