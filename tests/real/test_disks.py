"""A disk that fails, served over /dev/fuse to a real process."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environments.hosts.agent import Agent, ProcessLine
from tests.local.waiting import wait_for

pytestmark = pytest.mark.real

_WRITER = """
import json, os, sys, time
for line in sys.stdin:
    do, path, *rest = json.loads(line)
    began = time.monotonic()
    try:
        with open(path, "r+b" if os.path.exists(path) else "wb", 0) as file:
            file.seek(0, 2)
            wrote = file.write(rest[0].encode()) if rest else 0
            if do == "sync":
                os.fsync(file.fileno())
        answer = [0, wrote]
    except OSError as error:
        answer = [error.errno, 0]
    print(json.dumps([*answer, time.monotonic() - began]), flush=True)
"""


class Machine:
    """A disk and a process that writes to it."""

    def __init__(self, folder: Path) -> None:
        self.below, self.mount = folder / "below", folder / "mount"
        self.below.mkdir()
        self.mount.mkdir()
        self.line = ProcessLine((), ["disk", "seed", str(self.below), str(self.mount)], os.environ)
        self.disk = Agent("n1", self.line)
        self.start()

    def start(self) -> None:
        self.writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, do: str, text: str, name: str = "log") -> None:
        assert self.writer.stdin is not None
        self.writer.stdin.write(json.dumps([do, str(self.mount / name), text]) + "\n")
        self.writer.stdin.flush()

    def do(self, do: str, text: str, name: str = "log") -> tuple[int, int, float]:
        """Append `text`, and sync if `do` says so; return errno, bytes, seconds."""
        self.ask(do, text, name)
        assert self.writer.stdout is not None
        number, wrote, seconds = json.loads(self.writer.stdout.readline())
        return int(number), int(wrote), float(seconds)

    def cut_power(self, *, torn_tail: bool = False) -> object:
        self.disk.ask("power_off")
        self.writer.kill()
        self.writer.communicate(timeout=10)
        return self.disk.ask("lose", {"torn_tail": torn_tail})

    def set(self, delay_ms: int = 0, *, is_failing: bool = False, is_full: bool = False) -> None:
        fields = {"sync_delay_ns": delay_ms * 1_000_000, "is_failing": is_failing}
        self.disk.ask("set", {**fields, "is_full": is_full})

    def close(self) -> None:
        self.writer.kill()
        self.writer.communicate(timeout=10)
        self.line.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()
    assert list(made.mount.iterdir()) == []


def test_what_is_written_is_read_and_only_what_is_synced_is_below(machine: Machine) -> None:
    machine.do("sync", "synced,")
    machine.do("write", "not")

    assert (machine.mount / "log").read_text() == "synced,not"
    assert (machine.below / "log").read_text() == "synced,"


def test_a_power_cut_loses_what_was_not_synced(machine: Machine) -> None:
    machine.do("sync", "synced")
    machine.do("write", "lost")

    assert machine.cut_power() == len("lost")
    assert (machine.mount / "log").read_text() == "synced"


def test_a_torn_tail_is_a_prefix_in_whole_sectors(machine: Machine) -> None:
    lengths = []
    for name in map(str, range(20)):
        machine.do("sync", "s" * 100, name)
        machine.do("write", "w" * 2000, name)
    machine.cut_power(torn_tail=True)
    for name in map(str, range(20)):
        text = (machine.mount / name).read_text()
        lengths.append(len(text))
        assert text == ("s" * 100 + "w" * 2000)[: len(text)]

    assert len(set(lengths)) > 2
    assert all(length in (100, 2100) or length % 512 == 0 for length in lengths)


def test_a_kill_without_a_power_cut_keeps_everything(machine: Machine) -> None:
    machine.do("write", "kept")
    machine.writer.kill()

    assert (machine.mount / "log").read_text() == "kept"


def test_a_slow_fsync_takes_longer_and_a_kill_does_not_wait_for_it(machine: Machine) -> None:
    machine.set(300)
    slow = machine.do("sync", "x")
    machine.set(60_000)
    machine.ask("sync", "y")
    time.sleep(0.3)
    began = time.monotonic()
    machine.writer.send_signal(signal.SIGKILL)
    machine.writer.communicate(timeout=10)

    assert slow[0] == 0
    assert slow[2] > 0.3
    assert time.monotonic() - began < 5


def test_a_pause_does_not_end_a_slow_fsync(machine: Machine) -> None:
    machine.set(800)
    machine.ask("sync", "x")
    time.sleep(0.2)
    machine.writer.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    machine.writer.send_signal(signal.SIGCONT)
    assert machine.writer.stdout is not None
    number, _, seconds = json.loads(machine.writer.stdout.readline())

    assert number == 0
    assert seconds > 0.8


def test_a_kill_after_a_pause_does_not_wait_for_a_slow_fsync(machine: Machine) -> None:
    machine.set(60_000)
    machine.ask("sync", "x")
    time.sleep(0.2)
    machine.writer.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    machine.writer.send_signal(signal.SIGKILL)
    machine.writer.communicate(timeout=10)

    assert machine.writer.returncode == -signal.SIGKILL


def test_a_power_cut_ends_a_process_that_has_just_begun_to_sync(machine: Machine) -> None:
    for _ in range(20):  # The kill may overtake the fsync on its way to the file system.
        machine.do("sync", "x")
        machine.disk.ask("power_off")
        machine.ask("sync", "y")
        machine.writer.kill()
        machine.writer.communicate(timeout=10)
        machine.disk.ask("lose", {"torn_tail": False})
        machine.start()

    assert (machine.mount / "log").read_text() == "x" * 20


def test_who_syncs_after_the_power_is_off_gets_no_answer(machine: Machine) -> None:
    machine.disk.ask("power_off")
    machine.ask("sync", "never")
    wait_for((machine.mount / "log").exists)
    wait_for(lambda: (machine.mount / "log").read_text() == "never")
    time.sleep(0.1)

    assert (machine.below / "log").read_text() == ""
    machine.cut_power()
    assert (machine.mount / "log").read_text() == ""


def test_a_failing_fsync_and_a_full_disk_say_so_until_they_are_healed(machine: Machine) -> None:
    machine.set(is_failing=True)
    assert machine.do("sync", "x")[0] == errno.EIO
    machine.set(is_full=True)
    fits = machine.do("write", "1" * 100)
    partly = machine.do("write", "2" * 5000)
    full = machine.do("write", "3")
    assert fits[:2] == (0, 100)
    assert partly[:2] == (0, 4096 - 101)
    assert full[0] == errno.ENOSPC
    assert machine.do("write", "x", "new")[0] == errno.ENOSPC
    machine.set()

    assert machine.do("sync", "y")[0] == 0


def test_a_lie_is_found_out_by_a_power_cut_and_put_back(machine: Machine) -> None:
    machine.do("sync", "true,")
    machine.disk.ask("lie", {"is_lying": True})
    machine.do("sync", "called durable,")
    assert machine.disk.ask("lost") == 0
    machine.cut_power()

    assert (machine.mount / "log").read_text() == "true,"
    assert machine.disk.ask("lost") == len("called durable,")
    machine.disk.ask("lie", {"is_lying": False})
    assert machine.disk.ask("lost") == 0
    assert (machine.mount / "log").read_text() == "true,called durable,"


def test_a_lie_that_nobody_found_out_is_true_in_the_end(machine: Machine) -> None:
    machine.disk.ask("lie", {"is_lying": True})
    machine.do("sync", "called durable")
    machine.disk.ask("lie", {"is_lying": False})
    machine.cut_power()

    assert (machine.mount / "log").read_text() == "called durable"


def test_files_are_renamed_removed_cut_and_linked(machine: Machine) -> None:
    there = machine.mount
    machine.do("sync", "first", "a")
    machine.do("write", ",second", "a")
    (there / "folder").mkdir()
    (there / "a").rename(there / "folder" / "b")
    os.link(there / "folder" / "b", there / "c")
    with (there / "c").open("r+b") as file:
        file.truncate(8)
    (there / "folder" / "b").unlink()
    (there / "folder").rmdir()

    assert [path.name for path in there.iterdir()] == ["c"]
    assert (there / "c").read_text() == "first,se"
    assert not (there / "a").exists()
