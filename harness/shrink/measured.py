"""How often a case fails where the machine decides part of it, and how often to try it then."""

import math
from typing import Final

import msgspec

CERTAINTY: Final = 0.95
"""How likely a test is to fail while the bug is there."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many runs were convicted."""

    convicted: int
    runs: int

    def __post_init__(self) -> None:
        """Hold it to numbers that can be."""
        assert 0 <= self.convicted <= self.runs, "each run is convicted or not"

    @property
    def rate(self) -> float:
        """The share of runs to count on: one more that does not fail is added to those there were.

        So no rate is 1, however few runs it was measured by, and the small luck of having been
        chosen for failing is taken off.
        """
        return self.convicted / (self.runs + 1)

    @property
    def times(self) -> int:
        """Runs of which at least one fails with a probability of `CERTAINTY`.

        All of n pass with (1 - rate) ** n. Some run must have been convicted.
        """
        assert self.convicted, "what never failed cannot be waited for"
        return math.ceil(math.log(1 - CERTAINTY) / math.log(1 - self.rate))

    def and_also(self, *, convicted: bool) -> "Measured":
        """Return the same with one more run."""
        return Measured(convicted=self.convicted + convicted, runs=self.runs + 1)
