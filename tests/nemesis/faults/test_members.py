"""Changes of members, as a fault asks for them."""

from nemesis.applied import outstanding
from nemesis.faults.members import Grow, MoveLeader, Replace, Shrink
from nemesis.faults.pause import Pause
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, run, three


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
