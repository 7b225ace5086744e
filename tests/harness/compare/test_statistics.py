"""Intervals and tests: they find what is there, and seldom what is not."""

import math
from random import Random

import pytest

from harness.compare.statistics import holm, mean_interval, paired_difference


def drawn(seed: int, count: int, mean: float = 0.0) -> list[float]:
    random = Random(seed)
    return [random.gauss(mean, 1.0) for _ in range(count)]


def test_an_interval_holds_the_mean_and_shrinks_with_more_values() -> None:
    few, many = mean_interval(drawn(1, 10)), mean_interval(drawn(1, 1000))

    assert few is not None
    assert many is not None
    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_an_interval_misses_the_true_mean_about_once_in_twenty() -> None:
    intervals = [mean_interval(drawn(seed, 40)) for seed in range(100)]

    missed = sum(each is not None and not each.low <= 0.0 <= each.high for each in intervals)

    assert missed <= 13  # 5 % of 100 are 5; the percentile bootstrap of 40 values is a bit narrow


def test_there_is_no_interval_of_nothing_and_none_to_speak_of_for_one_value() -> None:
    assert mean_interval([]) is None
    single = mean_interval([3.0])
    assert single is not None
    assert (single.low, single.high) == (3.0, 3.0)


def test_the_exact_test_counts_the_combinations_of_signs() -> None:
    # Of the 2^5 sign combinations, only all plus and all minus are as far from 0.
    difference = paired_difference([2.0, 3.0, 4.0, 5.0, 6.0], [1.0] * 5)

    assert difference is not None
    assert difference.p == 2 / 32


def test_pairs_show_what_their_spread_would_hide() -> None:
    base = [100.0 * each for each in drawn(3, 20)]
    more = [value + 1.0 + noise / 10 for value, noise in zip(base, drawn(4, 20), strict=True)]

    difference = paired_difference(more, base)

    assert difference is not None
    assert difference.p < 0.001
    assert difference.difference.low > 0.9


@pytest.mark.parametrize("count", [10, 20])  # exact, and by chance
def test_nothing_is_found_between_equals_more_often_than_it_may(count: int) -> None:
    found = 0
    for seed in range(200):
        difference = paired_difference(drawn(2 * seed, count), drawn(2 * seed + 1, count))
        assert difference is not None
        found += difference.p < 0.05

    assert found <= 20  # 5 % of 200 are 10; 21 would be a chance of one in a thousand


def test_equal_figures_do_not_differ() -> None:
    difference = paired_difference([1.0, 2.0], [1.0, 2.0])

    assert difference is not None
    assert difference.p == 1.0
    assert paired_difference([], []) is None


def test_holm_raises_the_smallest_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def test_equal_figures_give_equal_answers() -> None:
    values, others = drawn(5, 30), drawn(6, 30)

    assert paired_difference(values, others) == paired_difference(values, others)
    interval = mean_interval(values)
    assert interval is not None
    assert math.isfinite(interval.low)
