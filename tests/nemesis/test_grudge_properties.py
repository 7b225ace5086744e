"""What holds of a topology on any cluster."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from nemesis import grudge
from nemesis.surface import Link

clusters = st.integers(1, 9).map(lambda size: [f"n{number}" for number in range(1, size + 1)])
randoms = st.integers(0, 2**32).map(Random)


def in_touch(node: str, nodes: list[str], cut: frozenset[Link]) -> frozenset[str]:
    """Return the nodes that `node` both hears and is heard by, itself included."""
    return frozenset(
        other for other in nodes if (node, other) not in cut and (other, node) not in cut
    )


@given(clusters, randoms)
def test_majority_ring_leaves_every_node_a_majority(nodes: list[str], random: Random) -> None:
    cut = grudge.majority_ring(nodes, random)

    assert all(len(in_touch(node, nodes, cut)) > len(nodes) / 2 for node in nodes)


@given(clusters.filter(lambda nodes: len(nodes) >= 4), randoms)
def test_majority_ring_gives_no_two_nodes_the_same_view(nodes: list[str], random: Random) -> None:
    cut = grudge.majority_ring(nodes, random)

    assert len({in_touch(node, nodes, cut) for node in nodes}) == len(nodes)


@given(clusters.filter(lambda nodes: len(nodes) >= 3), randoms)
def test_bridge_leaves_exactly_one_node_in_touch_with_all(nodes: list[str], random: Random) -> None:
    cut = grudge.bridge(nodes, random)

    assert [len(in_touch(node, nodes, cut)) for node in nodes].count(len(nodes)) == 1


@given(clusters, randoms)
def test_halves_differ_in_size_by_one_at_most(nodes: list[str], random: Random) -> None:
    cut = grudge.halves(nodes, random)

    views = {in_touch(node, nodes, cut) for node in nodes}
    sizes = sorted(len(view) for view in views)
    assert sizes[-1] - sizes[0] <= 1
    assert sum(sizes) == len(nodes)


@given(clusters, st.data())
def test_isolation_cuts_both_ways_and_only_across(nodes: list[str], data: st.DataObject) -> None:
    targets = data.draw(st.sets(st.sampled_from(nodes)))

    cut = grudge.isolate(sorted(targets), nodes)

    assert cut == {
        (sender, receiver)
        for sender in nodes
        for receiver in nodes
        if (sender in targets) != (receiver in targets)
    }


@given(clusters, randoms)
def test_no_topology_cuts_a_node_from_itself(nodes: list[str], random: Random) -> None:
    cut = (
        grudge.halves(nodes, random)
        | grudge.bridge(nodes, random)
        | grudge.majority_ring(nodes, random)
        | grudge.around(nodes, nodes)
    )

    assert not cut & {(node, node) for node in nodes}
