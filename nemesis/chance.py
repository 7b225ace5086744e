"""What chance gives a drawn fault: whom it meets, for how long, how hard."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from nemesis.link_choice import Aim, Aimed

HOLD_NS_MAX: Final = 3_000_000_000
"""The longest that a drawn fault lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """The circumstances of one fault to be drawn."""

    random: Random
    """Its package's stream."""
    nodes: Sequence[str]
    """Whom there is to begin with."""
    target: str
    """Whom it meets: the leader as often as the schedule's temper likes, or any other word."""
    hold_ns: int
    """How long it lasts."""

    @property
    def node_count(self) -> int:
        """Return how many nodes there are to begin with."""
        return len(self.nodes)

    def around_target(self) -> Aimed:
        """Return the choice of every link of the target."""
        return Aimed(Aim.AROUND, self.target)

    def severity(self) -> float:
        """Return a probability from slight to severe."""
        return self.random.choice((0.05, 0.2, 0.5, 0.9))

    def duration_ns(self, least: float, most: float) -> int:
        """Return a duration between the two, every order of magnitude equally likely."""
        return log_uniform_ns(self.random, least, most)


def log_uniform_ns(random: Random, least: float, most: float) -> int:
    """Return a duration between the two, every order of magnitude equally likely."""
    return whole_us(math.exp(random.uniform(math.log(least), math.log(most))))


def whole_us(nanoseconds: float) -> int:
    """Round to microseconds, so that the last bit of a logarithm never shows."""
    return round(nanoseconds / 1_000) * 1_000
