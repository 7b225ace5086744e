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


# ------------------------------------------------------------ bad disks
def test_a_file_put_in_the_place_of_another_is_durable() -> None:
    disk = new_disk(new_kernel())
    disk.append(b"forgotten")
    assert disk.replace(b"left")
    disk.crash(Tail.LOST)
    assert (disk.content, disk.size_bytes) == (b"left", 4)


def test_a_sync_of_the_file_before_covers_nothing_of_the_new_one() -> None:
    kernel, done = new_kernel(), list[int]()
    disk = new_disk(kernel, fsync_ns=100)
    disk.append(b"forgotten")
    disk.sync(lambda: done.append(kernel.now))
    disk.replace(b"left")
    disk.append(b"later")
    kernel.run(until=100)
    assert (done, disk.unsynced_bytes) == ([100], 5)


@pytest.mark.parametrize("fault", ["is_full", "fails_to_sync", "_is_lying", "_flipped"])
def test_a_bad_disk_keeps_the_file_it_has(fault: str) -> None:
    disk = new_disk(new_kernel())
    disk.append(b"before")
    setattr(disk, fault, True)
    assert not disk.replace(b"after")
    assert disk.content == b"before"


def test_a_slow_disk_syncs_later() -> None:
    kernel, done = new_kernel(), list[int]()
    disk = new_disk(kernel, fsync_ns=100)
    disk.extra_fsync_ns = 900
    disk.sync(lambda: done.append(kernel.now))
    kernel.run(until=2_000)
    assert done == [1_000]


def test_a_sync_that_fails_makes_nothing_durable_and_says_so() -> None:
    kernel, told = new_kernel(), list[str]()
    disk = new_disk(kernel)
    disk.fails_to_sync = True
    disk.append(b"one")
    disk.sync(lambda: told.append("done"), lambda: told.append("failed"))
    kernel.run(until=1_000)
    assert (told, disk.unsynced_bytes) == (["failed"], 3)


def test_a_full_disk_takes_no_more_than_a_part_of_a_write() -> None:
    lengths = set()
    for seed in range(60):
        disk = new_disk(new_kernel(), seed=seed)
        disk.is_full = True
        assert not disk.append(b"abcd")
        assert b"abcd".startswith(disk.content)
        lengths.add(len(disk.content))
    assert lengths == {0, 1, 2, 3}


def lying_disk_that_lost_power() -> SimulatedDisk:
    kernel = new_kernel()
    disk = new_disk(kernel)
    disk.append(b"true ")
    disk.sync(lambda: None)
    kernel.run(until=1_000)
    disk.lie()
    disk.append(b"false")
    disk.sync(lambda: None)
    kernel.run(until=2_000)
    disk.append(b" not synced")
    disk.crash(Tail.LOST)
    return disk


def test_a_lying_disk_loses_in_a_power_cut_what_it_called_durable() -> None:
    disk = lying_disk_that_lost_power()
    assert (disk.content, disk.lost_bytes) == (b"true ", 5)


def test_a_disk_that_becomes_honest_puts_back_what_it_called_durable() -> None:
    disk = lying_disk_that_lost_power()
    disk.be_honest()
    assert (disk.content, disk.lost_bytes, disk.unsynced_bytes) == (b"true false", 0, 0)


def test_a_lying_disk_that_kept_its_power_has_lost_nothing() -> None:
    kernel = new_kernel()
    disk = new_disk(kernel)
    disk.lie()
    disk.append(b"false")
    disk.sync(lambda: None)
    kernel.run(until=1_000)
    disk.crash(Tail.KEPT)
    assert (disk.content, disk.lost_bytes) == (b"false", 0)
    disk.be_honest()
    assert disk.unsynced_bytes == 0


def test_bits_flip_and_are_made_right_again() -> None:
    kernel = new_kernel()
    disk = new_disk(kernel)
    disk.append(b"sound")
    disk.sync(lambda: None)
    kernel.run(until=1_000)
    assert disk.flip_bits(3, end=4) == 3
    assert disk.is_rotten
    assert disk.content != b"sound"
    assert disk.content[4:] == b"d"
    disk.restore()
    assert (disk.content, disk.is_rotten) == (b"sound", False)


def test_no_bit_flips_twice_and_no_more_flip_than_there_are() -> None:
    kernel = new_kernel()
    disk = new_disk(kernel)
    disk.append(b"ab")
    disk.sync(lambda: None)
    kernel.run(until=1_000)
    assert disk.flip_bits(16, end=2) == 16
    assert disk.flip_bits(16, end=2) == 0
    assert disk.content == bytes(255 - byte for byte in b"ab")
