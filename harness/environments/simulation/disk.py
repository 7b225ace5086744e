"""A node's log file, with what a crash may do to it.

Written bytes reach the page cache at once and the platter when a sync completes. A sync makes
durable what was written before it *started*. A killed process leaves the page cache intact; a
power cut loses what is not on the platter, all of it or all but a prefix torn at any byte.
"""

import enum
from collections.abc import Callable
from random import Random

from harness.environments.simulation.kernel import Kernel


class Tail(enum.Enum):
    """What a crash leaves of the bytes that were written but not synced."""

    KEPT = "kept"
    LOST = "lost"
    TORN = "torn"


class SimulatedDisk:
    """One append-only file and the latency of its fsync, drawn evenly from a range."""

    def __init__(
        self, kernel: Kernel, random: Random, *, fsync_ns_min: int, fsync_ns_max: int
    ) -> None:
        self._kernel = kernel
        self._random = random
        self._fsync_ns_min = fsync_ns_min
        self._fsync_ns_spread = fsync_ns_max - fsync_ns_min
        self._content = bytearray()
        self._durable_bytes = 0
        self._power_cycles = 0
        self.sync_count = 0

    @property
    def content(self) -> bytes:
        """What a read of the file returns: the page cache over the platter."""
        return bytes(self._content)

    @property
    def unsynced_bytes(self) -> int:
        """Bytes that a power cut would lose now."""
        return len(self._content) - self._durable_bytes

    def append(self, data: bytes) -> None:
        """Write at the end of the file; not durable yet."""
        self._content += data

    def truncate(self, length: int) -> None:
        """Cut the file to `length` bytes, durably: used by recovery on a torn tail."""
        assert length <= len(self._content), "truncation never extends a file"
        del self._content[length:]
        self._durable_bytes = min(self._durable_bytes, length)

    def sync(self, done: Callable[[], None]) -> None:
        """Make durable what is written now, then call `done`, unless a crash comes first."""
        self.sync_count += 1
        latency = self._fsync_ns_min + int(self._random.random() * self._fsync_ns_spread)
        self._kernel.after(latency, self._synced, len(self._content), self._power_cycles, done)

    def _synced(self, length: int, power_cycle: int, done: Callable[[], None]) -> None:
        if power_cycle == self._power_cycles:
            self._durable_bytes = max(self._durable_bytes, length)
            done()

    def crash(self, tail: Tail) -> int:
        """End the daemon: syncs in flight never report. Return how many bytes were lost."""
        self._power_cycles += 1
        before = len(self._content)
        if tail is Tail.LOST:
            del self._content[self._durable_bytes :]
        elif tail is Tail.TORN:
            survive = self._random.randint(0, self.unsynced_bytes)
            del self._content[self._durable_bytes + survive :]
        return before - len(self._content)
