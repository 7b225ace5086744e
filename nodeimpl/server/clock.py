"""The node's clock."""

import time

from nodeimpl.ids import Instant


def now() -> Instant:
    """Return the reading of this machine's monotonic clock, in nanoseconds."""
    return Instant(time.monotonic_ns())
