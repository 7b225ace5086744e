"""How often each of several things is drawn: all alike, by Zipf's law, or one most of the time.

Contention decides what a store is asked to do at once: a hot key meets itself in transactions,
conflicts and compactions, while a long tail of rare ones fills indices and ranges.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Final

from harness.plan import Distribution

HOT_SHARE: Final = 0.8
"""The share of the first in a hot distribution; all others are alike."""


def place_in(random: Random, count: int, distribution: Distribution = "uniform") -> int:
    """Return one of the places 0 to `count` - 1, for exactly one number drawn."""
    point = random.random()
    if distribution == "uniform":
        return int(point * count)
    if distribution == "hot":
        if point < HOT_SHARE or count == 1:
            return 0
        return 1 + int((point - HOT_SHARE) / (1 - HOT_SHARE) * (count - 1))
    bounds = _zipf_bounds(count)
    return bisect_right(bounds, point * bounds[-1], hi=count - 1)


@lru_cache(maxsize=16)
def _zipf_bounds(count: int) -> Sequence[float]:
    """Return the running sums of 1, 1/2, 1/3, ... (Zipf's law with exponent 1)."""
    return tuple(accumulate(1 / rank for rank in range(1, count + 1)))
