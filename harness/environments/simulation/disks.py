"""What can go wrong with the nodes' disks (`nemesis.surface.Disks`)."""

from collections.abc import Mapping
from typing import Final

from harness.environments.simulation.disk import SimulatedDisk
from nemesis.surface import SurfaceError
from nodeimpl.storage.wal_format import WalCorruption, decode


class SimulatedDisks:
    """The disks of all nodes."""

    knows_records: Final = True

    def __init__(self, disks: Mapping[str, SimulatedDisk]) -> None:
        self._disks = dict(disks)
        self._rottable_bytes: dict[str, int] = {}
        """How much of each rotten log had a sound record behind it."""

    def join(self, node: str, disk: SimulatedDisk) -> None:
        """Look after the disk of a new node too."""
        self._disks[node] = disk

    def slow_fsync(self, node: str, delay_ns: int) -> None:
        """Let every sync that starts from now on take so much longer."""
        self._disks[node].extra_fsync_ns = delay_ns

    def fail_fsync(self, node: str, *, is_failing: bool) -> None:
        """Let every sync that ends from now on fail, or none."""
        self._disks[node].fails_to_sync = is_failing

    def fill(self, node: str, *, is_full: bool) -> None:
        """Let every write fail from now on, or none."""
        self._disks[node].is_full = is_full

    def lie(self, node: str, *, is_lying: bool) -> None:
        """Let syncs report what they do not do; or be honest, all that was reported included."""
        if is_lying:
            self._disks[node].lie()
        else:
            self._disks[node].be_honest()

    def lost_bytes(self, node: str) -> int:
        """Return how many bytes were reported durable and then lost in a power cut."""
        return self._disks[node].lost_bytes

    def flip_bits(self, node: str, count: int) -> int:
        """Flip bits of durable records of which a durable one follows; return how many."""
        disk = self._disks[node]
        if not disk.is_rotten:
            try:
                offsets = decode(disk.durable_content).offsets
            except WalCorruption as error:
                raise SurfaceError(f"the log of {node} is damaged already: {error}") from error
            self._rottable_bytes[node] = offsets[-1] if offsets else 0
        return disk.flip_bits(count, self._rottable_bytes[node])

    def restore(self, node: str) -> int:
        """Make every wrong bit right again; return 0: daemons have read their logs at once."""
        self._disks[node].restore()
        return 0
