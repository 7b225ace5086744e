"""Bits that go wrong below, and are put right, without a mount."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from nemesis.host.fault_files import FaultFiles
from nemesis.host.fuse import Waiting

CONTENT = b"a durable record, and another"


class Disk:
    """A file on such a disk, held open as a daemon does."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log"
        self.path.write_bytes(CONTENT)
        self.files = FaultFiles(Random(1))
        self.handle = self.files.open(self.path, os.O_RDWR, 0o600)

    def read(self) -> bytes:
        return self.files.read(self.handle, 100, 0)

    def write(self, content: bytes, at: int) -> None:
        self.files.write(self.handle, content, at)
        self.files.sync(self.handle, Waiting(os.getpid()))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.files.release(made.handle)


def test_flipped_bits_are_read_and_put_right(disk: Disk) -> None:
    assert disk.files.flip(disk.path, [(0, 0b11), (2, 0b100)]) == 3
    assert disk.read() == b"b" + CONTENT[1:2] + b"`" + CONTENT[3:]
    assert disk.files.wrong_bits() == 3

    assert disk.files.put_right() == 3

    assert disk.read() == CONTENT
    assert disk.files.wrong_bits() == 0


def test_bits_flipped_twice_are_right_again_in_the_end(disk: Disk) -> None:
    disk.files.flip(disk.path, [(0, 0b11)])
    disk.files.flip(disk.path, [(0, 0b01), (1, 0b01)])
    assert disk.files.wrong_bits() == 2

    disk.files.put_right()

    assert disk.read() == CONTENT


def test_what_was_written_over_is_no_more_wrong_and_stays(disk: Disk) -> None:
    disk.files.flip(disk.path, [(0, 1), (5, 1)])
    disk.write(b"repaired", 0)
    assert disk.files.wrong_bits() == 0

    disk.files.put_right()

    assert disk.read() == b"repaired" + CONTENT[8:]


def test_what_was_cut_off_is_not_put_back(disk: Disk) -> None:
    disk.files.flip(disk.path, [(20, 1), (2, 1)])
    disk.files.truncate(disk.path, 10)
    assert disk.files.wrong_bits() == 1

    disk.files.put_right()

    assert disk.read() == CONTENT[:10]


def test_nothing_lies_behind_the_end_of_a_file(disk: Disk) -> None:
    assert disk.files.flip(disk.path, [(len(CONTENT), 1)]) == 0
    assert disk.files.wrong_bits() == 0
