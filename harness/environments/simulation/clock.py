"""A node's own monotonic clock: an origin and a rate that no other node shares.

Rates are in parts per billion and all arithmetic is in integers, so that a clock reads the same
on every machine.
"""

from nodeimpl.ids import Instant

_BILLION = 1_000_000_000


class NodeClock:
    """Maps virtual time to one node's monotonic time and back."""

    __slots__ = ("_drift_ppb", "_origin")

    def __init__(self, *, origin_ns: int, drift_ppb: int) -> None:
        """`origin_ns` is the reading at virtual time 0; `drift_ppb` > 0 runs fast."""
        assert drift_ppb > -_BILLION, "a monotonic clock does not stand still or run backwards"
        self._origin = origin_ns
        self._drift_ppb = drift_ppb

    def read(self, now: int) -> Instant:
        """Return the node's reading at virtual time `now`."""
        if self._drift_ppb == 0:
            return Instant(self._origin + now)
        return Instant(self._origin + now + now * self._drift_ppb // _BILLION)

    def when(self, reading: Instant) -> int:
        """Return the first virtual time at which the node reads `reading` or later.

        Rounded up: rounded down, a timer would fire before its deadline, be armed again for the
        same instant, and so on for ever.
        """
        elapsed = reading - self._origin
        if self._drift_ppb == 0:
            return elapsed
        return -(-elapsed * _BILLION // (_BILLION + self._drift_ppb))
