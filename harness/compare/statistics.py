"""Whether a difference is one: bootstrap intervals, and a paired test by flipping signs.

Trials are paired by seed: the same seed draws the same workload and the same chances for each plan,
so the differences within pairs vary less than the trials do.

- The interval of a mean is the percentile bootstrap's (Efron & Tibshirani 1993, §13.3).
- If two plans do not differ, each pair's difference could as well have had the other sign. The test
  flips signs, all combinations where they are few, and counts how often the mean is as far from 0
  as it was (Fisher 1935, §21; Good 2005). It assumes no distribution.
- Of many tests some would find something by chance; p-values are raised to allow for that
  (Holm 1979).

The random numbers are numpy's, from a fixed seed: equal figures give equal answers.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 5_000
EXACT_PAIRS_MAX: Final = 13
"""Up to so many pairs, all combinations of signs are tried: 8,192."""

CONFIDENCE: Final = 0.95
SIGNIFICANCE: Final = 0.05
_SEED: Final = 1

Numbers: TypeAlias = npt.NDArray[np.float64]


class Interval(msgspec.Struct, frozen=True):
    """A mean, and where the true one lies with 95 % confidence."""

    mean: float
    low: float
    high: float


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure of one plan differs from that of another, pair by pair."""

    pairs: int
    difference: Interval
    p: float
    """How often chance alone would bring a difference like this; not yet corrected."""


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the mean of `values` and its interval; None if there are none."""
    if not values:
        return None
    sample: Numbers = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(values) == 1 or np.ptp(sample) == 0:
        return Interval(mean, mean, mean)
    drawn = np.random.default_rng(_SEED).integers(0, len(sample), (RESAMPLES, len(sample)))
    means = sample[drawn].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(mean, float(low), float(high))


def paired_difference(values: Sequence[float], others: Sequence[float]) -> Difference | None:
    """Return how `values` differ from `others`, pair by pair; None if there are no pairs."""
    assert len(values) == len(others), "whoever pairs has as many of each"
    if not values:
        return None
    differences = [value - other for value, other in zip(values, others, strict=True)]
    interval = mean_interval(differences)
    assert interval is not None, "there are pairs"
    return Difference(
        pairs=len(differences), difference=interval, p=_sign_flip_p(np.asarray(differences))
    )


def _sign_flip_p(differences: Numbers) -> float:
    """Return the share of sign combinations whose mean is at least as far from 0."""
    count = len(differences)
    observed = abs(float(differences.sum()))
    if observed == 0.0:
        return 1.0
    if count <= EXACT_PAIRS_MAX:
        bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        sums = np.abs((1 - 2 * bits) @ differences)
        return float(np.mean(sums >= observed * (1 - 1e-12)))
    signs = np.random.default_rng(_SEED).integers(0, 2, (RESAMPLES, count))
    sums = np.abs((1 - 2 * signs) @ differences)
    as_far = int(np.count_nonzero(sums >= observed * (1 - 1e-12)))
    return (as_far + 1) / (RESAMPLES + 1)  # the observed one is a combination, too


def holm(p_values: Sequence[float]) -> list[float]:
    """Return `p_values`, raised so that all of them may be looked at."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    raised = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        raised[place] = highest
    return raised
