"""A log file: what is durable, and what a crash leaves of the rest."""

from random import Random

import pytest

from harness.environments.simulation.disk import SimulatedDisk, Tail
from harness.environments.simulation.kernel import Kernel


def new_kernel() -> Kernel:
    return Kernel(start=0, events_max=1_000, instant_events_max=100)


def new_disk(kernel: Kernel, *, fsync_ns: int = 100, seed: int = 1) -> SimulatedDisk:
    return SimulatedDisk(kernel, Random(seed), fsync_ns_min=fsync_ns, fsync_ns_max=fsync_ns)


def test_written_bytes_can_be_read_and_are_not_durable() -> None:
    disk = new_disk(new_kernel())
    disk.append(b"one")
    disk.append(b"two")
    assert disk.content == b"onetwo"
    assert disk.unsynced_bytes == 6


def test_a_sync_ends_after_its_latency() -> None:
    kernel, done = new_kernel(), list[int]()
    disk = new_disk(kernel, fsync_ns=100)
    disk.append(b"one")
    disk.sync(lambda: done.append(kernel.now))
    kernel.run(until=99)
    assert (done, disk.unsynced_bytes) == ([], 3)
    kernel.run(until=100)
    assert (done, disk.unsynced_bytes) == ([100], 0)


def test_a_latency_lies_in_its_range() -> None:
    kernel, done = new_kernel(), list[int]()
    disk = SimulatedDisk(kernel, Random(1), fsync_ns_min=200, fsync_ns_max=300)
    for _ in range(50):
        disk.sync(lambda: done.append(kernel.now))
    kernel.run(until=1_000)
    assert len(done) == 50
    assert 200 <= min(done) < max(done) <= 300


def test_a_sync_covers_what_was_written_before_it_started_and_no_more() -> None:
    kernel = new_kernel()
    disk = new_disk(kernel)
    disk.append(b"before")
    disk.sync(lambda: None)
    disk.append(b"after")
    kernel.run(until=1_000)
    disk.crash(Tail.LOST)
    assert disk.content == b"before"


def test_a_killed_process_leaves_everything_it_wrote() -> None:
    disk = new_disk(new_kernel())
    disk.append(b"written")
    assert disk.crash(Tail.KEPT) == 0
    assert disk.content == b"written"


def test_what_a_killed_process_wrote_is_still_not_durable() -> None:
    disk = new_disk(new_kernel())
    disk.append(b"written")
    disk.crash(Tail.KEPT)
    assert disk.crash(Tail.LOST) == 7
    assert disk.content == b""


def test_a_torn_tail_is_a_prefix_of_what_was_not_synced_and_any_length_occurs() -> None:
    lengths = set()
    for seed in range(60):
        disk = new_disk(new_kernel(), seed=seed)
        disk.append(b"abcd")
        lost = disk.crash(Tail.TORN)
        assert disk.content == b"abcd"[: 4 - lost]
        lengths.add(len(disk.content))
    assert lengths == {0, 1, 2, 3, 4}


def test_a_sync_in_flight_never_ends_once_the_daemon_has_crashed() -> None:
    kernel, done = new_kernel(), list[int]()
    disk = new_disk(kernel)
    disk.append(b"one")
    disk.sync(lambda: done.append(1))
    disk.crash(Tail.KEPT)
    kernel.run(until=1_000)
    assert (done, disk.unsynced_bytes) == ([], 3)


def test_a_truncation_is_durable() -> None:
    kernel = new_kernel()
    disk = new_disk(kernel)
    disk.append(b"good-bad")
    disk.sync(lambda: None)
    kernel.run(until=1_000)
    disk.truncate(4)
    assert (disk.content, disk.unsynced_bytes) == (b"good", 0)
    disk.append(b"!")
    disk.crash(Tail.LOST)
    assert disk.content == b"good"


def test_a_truncation_cannot_extend_the_file() -> None:
    disk = new_disk(new_kernel())
    with pytest.raises(AssertionError, match="never extends"):
        disk.truncate(1)
