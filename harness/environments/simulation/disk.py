"""A node's log file, with what a crash and a bad disk may do to it.

Written bytes reach the page cache at once and the platter when a sync completes. A sync makes
durable what was written before it *started*. A killed process leaves the page cache intact; a
power cut loses what is not on the platter, all of it or all but a prefix torn at any byte.

A bad disk syncs slowly, fails to, reports syncs that it did not do, is full, or flips bits.
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


def _report_nowhere() -> None:
    raise AssertionError("a sync failed that was not expected to")


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
        self._reported_bytes = 0
        """What syncs reported durable: more than is, only while the disk lies."""
        self._lost = b""
        """What a power cut took of the bytes reported durable, and was not put back."""
        self._flipped: list[int] = []
        """Numbers of the bits that are wrong."""
        self._power_cycles = 0
        self._replacements = 0
        """How often another file was put in the place of this one."""
        self.sync_count = 0
        self.extra_fsync_ns = 0
        """By how much every sync is slower than by nature."""
        self.fails_to_sync = False
        self.is_full = False
        self._is_lying = False

    @property
    def content(self) -> bytes:
        """What a read of the file returns: the page cache over the platter."""
        return bytes(self._content)

    @property
    def size_bytes(self) -> int:
        """The file's size."""
        return len(self._content)

    @property
    def durable_content(self) -> bytes:
        """What is on the platter."""
        return bytes(self._content[: self._durable_bytes])

    @property
    def unsynced_bytes(self) -> int:
        """Bytes that a power cut would lose now."""
        return len(self._content) - self._durable_bytes

    @property
    def lost_bytes(self) -> int:
        """Bytes that were reported durable and lost in a power cut, and not put back."""
        return len(self._lost)

    @property
    def is_rotten(self) -> bool:
        """Whether bits are wrong."""
        return bool(self._flipped)

    def append(self, data: bytes) -> bool:
        """Write at the end of the file; not durable yet. Return whether there was room.

        On a full disk a part of `data` may be written all the same, as by a short write.
        """
        if self.is_full:
            self._content += data[: self._random.randrange(len(data))]
            return False
        self._content += data
        return True

    def truncate(self, length: int) -> None:
        """Cut the file to `length` bytes, durably: used by recovery on a torn tail."""
        assert length <= len(self._content), "truncation never extends a file"
        del self._content[length:]
        self._durable_bytes = min(self._durable_bytes, length)
        self._reported_bytes = min(self._reported_bytes, length)

    def replace(self, content: bytes) -> bool:
        """Put a new file in the place of this one, atomically and durably; return whether it was.

        A disk that is full, rotten or lies, or fails to sync, leaves the old one. Deviation: takes
        no time, as what the daemon must wait for is written to the log itself.
        """
        if self.is_full or self.is_rotten or self.fails_to_sync or self._is_lying or self._lost:
            return False
        self._content = bytearray(content)
        self._durable_bytes = self._reported_bytes = len(content)
        self._replacements += 1
        return True

    def sync(self, done: Callable[[], None], failed: Callable[[], None] = _report_nowhere) -> None:
        """Make durable what is written now, then call `done`, unless a crash comes first.

        `failed` is called instead if the disk fails to sync by then.
        """
        self.sync_count += 1
        latency = self._fsync_ns_min + int(self._random.random() * self._fsync_ns_spread)
        self._kernel.after(
            latency + self.extra_fsync_ns,
            self._synced,
            len(self._content),
            self._replacements,
            self._power_cycles,
            done,
            failed,
        )

    def _synced(
        self,
        length: int,
        replacements: int,
        power_cycle: int,
        done: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        if power_cycle != self._power_cycles:
            return
        if self.fails_to_sync:
            failed()
            return
        if replacements != self._replacements:
            done()  # What was written before has become durable with the new file.
            return
        self._reported_bytes = max(self._reported_bytes, length)
        if not self._is_lying:
            self._durable_bytes = max(self._durable_bytes, length)
        done()

    def crash(self, tail: Tail) -> int:
        """End the daemon: syncs in flight never report. Return how many bytes were lost."""
        self._power_cycles += 1
        before = len(self._content)
        kept = before
        if tail is Tail.LOST:
            kept = self._durable_bytes
        elif tail is Tail.TORN:
            kept = self._durable_bytes + self._random.randint(0, self.unsynced_bytes)
        self._lost = bytes(self._content[kept : self._reported_bytes])
        del self._content[kept:]
        self._reported_bytes = min(self._reported_bytes, kept)
        return before - kept

    # ------------------------------------------------------------ lies and rot
    def lie(self) -> None:
        """Report syncs from now on without doing them."""
        self._is_lying = True

    def be_honest(self) -> None:
        """Lie no more; what was reported durable is so, what was lost of it is put back."""
        self._is_lying = False
        self._content += self._lost
        self._reported_bytes += len(self._lost)
        self._lost = b""
        self._durable_bytes = self._reported_bytes

    def flip_bits(self, count: int, end: int) -> int:
        """Flip `count` bits of the first `end` bytes, none twice; return how many there were."""
        assert end <= self._durable_bytes, "rot is on the platter"
        sound = [bit for bit in self._draw_bits(count, end) if bit not in self._flipped]
        for bit in sound:
            self._flip(bit)
        self._flipped += sound
        return len(sound)

    def restore(self) -> None:
        """Make every wrong bit right again."""
        for bit in self._flipped:
            self._flip(bit)
        self._flipped = []

    def _draw_bits(self, count: int, end: int) -> list[int]:
        return self._random.sample(range(8 * end), min(count, 8 * end))

    def _flip(self, bit: int) -> None:
        self._content[bit // 8] ^= 1 << bit % 8
