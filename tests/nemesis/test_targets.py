"""Which nodes each word means."""

from collections import Counter
from random import Random

import pytest

from nemesis.targets import Situation, choose, is_symbolic

FIVE = ("n1", "n2", "n3", "n4", "n5")


def situation(*nodes: str, leader: str | None = None, trigger_node: str | None = None) -> Situation:
    return Situation(nodes=nodes, leader=leader, trigger_node=trigger_node)


@pytest.mark.parametrize(
    ("target", "count"), [("one", 1), ("minority", 2), ("majority", 3), ("all", 5)]
)
def test_a_word_means_so_many_of_five(target: str, count: int) -> None:
    chosen = choose(target, situation(*FIVE), Random(1))

    assert len(chosen) == count
    assert list(chosen) == sorted(set(chosen))


def test_a_minority_of_four_is_one_and_a_majority_three() -> None:
    four = situation("n1", "n2", "n3", "n4")

    assert len(choose("minority", four, Random(1))) == 1
    assert len(choose("majority", four, Random(1))) == 3


def test_a_single_node_has_no_minority() -> None:
    assert choose("minority", situation("n1"), Random(1)) == ()


def test_leader_is_the_leader_and_followers_are_the_others() -> None:
    three = situation("n1", "n2", "n3", leader="n2")

    assert choose("leader", three, Random(1)) == ("n2",)
    assert choose("followers", three, Random(1)) == ("n1", "n3")


def test_without_a_known_leader_any_node_stands_for_it() -> None:
    three = situation("n1", "n2", "n3")
    random = Random(1)

    drawn = Counter(choose("leader", three, random) for _ in range(60))

    assert set(drawn) == {("n1",), ("n2",), ("n3",)}


def test_without_a_known_leader_followers_are_all_but_one() -> None:
    assert len(choose("followers", situation(*FIVE), Random(1))) == 4


def test_a_name_means_that_node() -> None:
    assert choose("n3", situation(*FIVE, leader="n1"), Random(1)) == ("n3",)


def test_the_trigger_node_is_the_one_observed() -> None:
    assert choose("$node", situation(*FIVE, trigger_node="n4"), Random(1)) == ("n4",)


def test_one_is_sometimes_each_node() -> None:
    random = Random(1)

    drawn = {choose("one", situation(*FIVE), random) for _ in range(100)}

    assert len(drawn) == 5


def test_words_are_symbolic_and_names_are_not() -> None:
    assert [is_symbolic(word) for word in ("leader", "$node", "n1")] == [True, True, False]
