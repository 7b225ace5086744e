"""When a failure became inevitable: from then on nearly every way to go on leads to it.

A trial is run up to some moment as it was, and from there with other chance: other latencies, other
timeouts, other draws of whatever its workload draws. The faults and the operations that are listed
stay. If the continuations fail as well, the failure was decided before. (What a watching client
draws is decided when it begins.)
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from harness.case import Case, run_case
from harness.conviction import kinds_of
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import Transition

CONTINUATIONS: Final = 10
"""From one moment."""

NEARLY_EVERY: Final = 0.9
"""So many of them must fail."""


class Inevitable(msgspec.Struct, frozen=True, kw_only=True):
    """The moment, and how sure it is."""

    at_ns: int
    """The failure is nearly certain after the first thing that happened here."""
    what: str
    """What happened then, as the log tells it."""
    share: float
    """Of the continuations from there that fail."""
    share_before: float
    """Of those from just before it; that of all seeds, if it is the very beginning."""


class _Log:
    """Keeps every transition."""

    def __init__(self) -> None:
        self.transitions: list[Transition] = []

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Keep it."""
        self.transitions.append(transition)


class _Rerolling:
    """Gives the streams other numbers after so many transitions."""

    def __init__(self, streams: Streams, after_count: int, seed: int) -> None:
        self._streams = streams
        self._left = after_count
        self._seed = seed
        if not after_count:
            streams.reroll(seed)

    def write(self, transition: Transition, encoded: bytes) -> None:  # noqa: ARG002 - a sink
        """Count it."""
        self._left -= 1
        if self._left == 0:
            self._streams.reroll(self._seed)


def inevitable(case: Case, kind: str, *, continuations: int = CONTINUATIONS) -> Inevitable:
    """Return the earliest moment of `case` after which nearly every continuation fails.

    `case` fails by a conviction of `kind`. Takes about `continuations` trials for each halving of
    its log, so it is for cases that are small. Deviation: what is halved is taken for monotone,
    which it is not quite; another moment before may be as good.
    """
    log = _Log()
    run_case(case, sink=log)
    transitions: Sequence[Transition] = log.transitions
    share_before = _share(case, kind, 0, continuations)
    if share_before >= NEARLY_EVERY:
        return Inevitable(
            at_ns=transitions[0].at,
            what="nothing yet: it fails under nearly every seed",
            share=share_before,
            share_before=share_before,
        )
    avoidable, certain, share = 0, len(transitions), 1.0
    while certain - avoidable > 1:
        middle = (avoidable + certain) // 2
        found = _share(case, kind, middle, continuations)
        if found >= NEARLY_EVERY:
            certain, share = middle, found
        else:
            avoidable, share_before = middle, found
    decisive = transitions[certain - 1]
    return Inevitable(
        at_ns=decisive.at,
        what=f"{decisive.node} {decisive.what.text()}",
        share=share,
        share_before=share_before,
    )


def _share(case: Case, kind: str, after_count: int, continuations: int) -> float:
    """Return which share of the continuations after so many transitions fails."""
    failed = 0
    for number in range(1, continuations + 1):
        streams = Streams(case.plan.seed)
        rerolling = _Rerolling(streams, after_count, case.plan.seed + number)
        result = run_case(case, sink=rerolling, streams=streams)
        failed += kind in kinds_of(result.verdict)
    return failed / continuations
