"""What symbolic faults mean at a moment."""

from random import Random

from nemesis.fault import Fault
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.restart import Restart, Tail
from nemesis.link_choice import Aim, Aimed, Divided, Exactly, Groups, Topology, resolve_links
from nemesis.targets import Situation


def meaning(fault: Fault, situation: Situation) -> tuple[Fault, ...]:
    return tuple(strike.fault for strike in fault.resolve(situation, Random(1)))


THREE = Situation(nodes=("n1", "n2", "n3"), leader="n2", trigger_node="n3")


def test_a_fault_of_daemons_becomes_one_per_node() -> None:
    asked = Restart(target="followers", tail=Tail.TORN, down_ns=5)

    explicit = meaning(asked, THREE)

    assert explicit == (
        Restart(target="n1", tail=Tail.TORN, down_ns=5),
        Restart(target="n3", tail=Tail.TORN, down_ns=5),
    )


def test_a_fault_of_links_becomes_one_on_exact_links() -> None:
    asked = Partition(links=Aimed(Aim.ONE_WAY_IN, "leader"), hold_ns=5)

    explicit = meaning(asked, THREE)

    assert explicit == (Partition(links=Exactly((("n1", "n2"), ("n3", "n2"))), hold_ns=5),)


def test_explicit_faults_resolve_to_themselves() -> None:
    asked = Partition(links=Exactly((("n1", "n2"),)), hold_ns=5)

    assert meaning(asked, THREE) == (asked,)


def test_a_fault_that_means_nobody_becomes_none() -> None:
    single = Situation(nodes=("n1",), leader=None, trigger_node=None)

    assert meaning(Pause(target="minority", hold_ns=5), single) == ()
    assert meaning(Partition(links=Divided(Topology.HALVES), hold_ns=5), single) == ()


def test_the_trigger_node_alone_in_a_group_is_isolated() -> None:
    links = resolve_links(Groups((("$node",),)), THREE, Random(1))

    assert links == {("n3", "n1"), ("n1", "n3"), ("n3", "n2"), ("n2", "n3")}


def test_others_are_the_nodes_that_no_group_names() -> None:
    links = resolve_links(Groups((("$node",), ("$others",))), THREE, Random(1))

    assert links == resolve_links(Groups((("$node",),)), THREE, Random(1))


def test_the_trigger_node_leaves_the_group_that_also_names_it() -> None:
    links = resolve_links(Groups((("$node",), ("n2", "n3"))), THREE, Random(1))

    assert ("n3", "n2") in links
    assert ("n1", "n2") in links


def test_aims_differ_in_direction() -> None:
    out = resolve_links(Aimed(Aim.ONE_WAY_OUT, "n1"), THREE, Random(1))
    inward = resolve_links(Aimed(Aim.ONE_WAY_IN, "n1"), THREE, Random(1))

    assert out == {("n1", "n2"), ("n1", "n3")}
    assert out | inward == resolve_links(Aimed(Aim.ISOLATE, "n1"), THREE, Random(1))
