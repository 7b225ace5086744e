"""What each topology cuts."""

from random import Random

from nemesis import grudge


def test_one_way_cuts_only_the_direction_named() -> None:
    assert grudge.one_way(["a"], ["b", "c"]) == {("a", "b"), ("a", "c")}


def test_around_also_cuts_links_between_two_targets() -> None:
    assert grudge.around(["a", "b"], ["a", "b", "c"]) == grudge.all_links(["a", "b", "c"])


def test_isolated_targets_still_reach_each_other() -> None:
    cut = grudge.isolate(["a", "b"], ["a", "b", "c"])

    assert cut == {("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")}


def test_nodes_in_no_group_form_one_more_group() -> None:
    cut = grudge.groups([["a"]], ["a", "b", "c"])

    assert cut == {("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")}


def test_three_groups_are_cut_pairwise() -> None:
    cut = grudge.groups([["a"], ["b"], ["c"]], ["a", "b", "c"])

    assert cut == grudge.all_links(["a", "b", "c"])


def test_halves_of_five_are_two_and_three() -> None:
    cut = grudge.halves(["a", "b", "c", "d", "e"], Random(1))

    assert len(cut) == 2 * (2 * 3)


def test_bridge_of_three_leaves_a_chain() -> None:
    cut = grudge.bridge(["a", "b", "c"], Random(1))

    assert len(cut) == 2


def test_bridge_of_two_cuts_nothing() -> None:
    assert grudge.bridge(["a", "b"], Random(1)) == frozenset()


def test_majority_ring_of_three_cuts_nothing() -> None:
    assert grudge.majority_ring(["a", "b", "c"], Random(1)) == frozenset()


def test_majority_ring_of_five_leaves_each_node_two_neighbours() -> None:
    cut = grudge.majority_ring(["a", "b", "c", "d", "e"], Random(1))

    assert len(cut) == 5 * 2


def test_a_draw_depends_on_the_random_alone() -> None:
    nodes = [f"n{number}" for number in range(7)]

    assert grudge.bridge(nodes, Random(9)) == grudge.bridge(nodes, Random(9))
