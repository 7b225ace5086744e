"""The trial's own clock: nanoseconds since the load began, by the machine's monotonic clock."""

import time

from nodeimpl.ids import Instant


class TrialClock:
    """Stamps invocations and completions alike, so their order is that of one clock."""

    def __init__(self) -> None:
        """Start at 0."""
        self._origin_ns = time.monotonic_ns()

    def restart(self) -> None:
        """Start at 0 once more."""
        self._origin_ns = time.monotonic_ns()

    def now(self) -> Instant:
        """Return the nanoseconds since the start; never less than before."""
        return Instant(time.monotonic_ns() - self._origin_ns)
