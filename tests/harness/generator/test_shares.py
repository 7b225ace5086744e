"""Draws of a key: every distribution has its shape, and takes one number for each draw."""

from collections import Counter
from random import Random

import pytest

from harness.generator.shares import place_in
from harness.plan import Distribution

DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "zipf", "hot")


def drawn(distribution: Distribution, count: int) -> Counter[int]:
    random = Random(1)
    return Counter(place_in(random, count, distribution) for _ in range(10_000))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_place_is_drawn_and_no_other(distribution: Distribution, count: int) -> None:
    assert sorted(drawn(distribution, count)) == list(range(count))


def test_uniform_draws_are_even() -> None:
    assert min(drawn("uniform", 5).values()) > 1_800


def test_of_a_zipf_distribution_the_first_is_drawn_twice_as_often_as_the_second() -> None:
    counts = drawn("zipf", 4)
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.1)
    assert counts[0] / counts[3] == pytest.approx(4, rel=0.1)


def test_four_draws_of_five_are_of_the_hot_place() -> None:
    counts = drawn("hot", 5)
    assert counts[0] == pytest.approx(8_000, rel=0.05)
    assert counts[4] == pytest.approx(500, rel=0.2)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_draw_takes_one_number(distribution: Distribution) -> None:
    random, other = Random(3), Random(3)
    place_in(random, 9, distribution)
    other.random()
    assert random.random() == other.random()
