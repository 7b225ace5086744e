"""A node's own monotonic clock: an origin and a rate that no other node shares.

Rates are in parts per billion and all arithmetic is in integers, so that a clock reads the same
on every machine. The rate may change and the reading may jump ahead; it never goes back but when
the machine is started, which no daemon lives to see.
"""

from nodeimpl.ids import Instant

BILLION = 1_000_000_000


class NodeClock:
    """Maps virtual time to one node's monotonic time and back, by the rate it has now."""

    __slots__ = ("_drift_ppb", "_origin", "_owed_ns", "_since")

    def __init__(self, *, origin_ns: int, drift_ppb: int) -> None:
        """`origin_ns` is the reading at virtual time 0; `drift_ppb` > 0 runs fast."""
        assert drift_ppb > -BILLION, "a monotonic clock does not stand still or run backwards"
        self._origin = origin_ns
        """The reading at `_since`."""
        self._since = 0
        self._drift_ppb = drift_ppb
        self._owed_ns = 0
        """By how much it goes back at the next start."""

    @property
    def drift_ppb(self) -> int:
        """How much faster than virtual time it runs now, in parts per billion."""
        return self._drift_ppb

    def read(self, now: int) -> Instant:
        """Return the node's reading at virtual time `now`."""
        elapsed = now - self._since
        if self._drift_ppb == 0:
            return Instant(self._origin + elapsed)
        return Instant(self._origin + elapsed + elapsed * self._drift_ppb // BILLION)

    def when(self, reading: Instant) -> int:
        """Return the first virtual time at which the node reads `reading` or later.

        Right for readings from the last change on, if there is none after it. Rounded up: rounded
        down, a timer would fire before its deadline, be armed again for the same instant, and so
        on for ever.
        """
        elapsed = reading - self._origin
        if self._drift_ppb == 0:
            return self._since + elapsed
        return self._since - (-elapsed * BILLION // (BILLION + self._drift_ppb))

    # ------------------------------------------------------------ changes
    def run_at(self, now: int, drift_ppb: int) -> None:
        """Change the rate at virtual time `now`; the reading goes on from where it is."""
        assert drift_ppb > -BILLION, "a monotonic clock does not stand still or run backwards"
        self._origin, self._since = self.read(now), now
        self._drift_ppb = drift_ppb

    def shift(self, now: int, by_ns: int) -> None:
        """Set it ahead at virtual time `now`; or, if `by_ns` is negative, back at the next start.

        A monotonic clock never goes back under a running daemon.
        """
        if by_ns >= 0:
            self._origin, self._since = self.read(now) + by_ns, now
        else:
            self._owed_ns -= by_ns

    def start(self, now: int) -> None:
        """Go back by what is owed: the machine is started at virtual time `now`."""
        self._origin, self._since = self.read(now) - self._owed_ns, now
        self._owed_ns = 0
