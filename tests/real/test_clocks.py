"""Clocks of running processes, bent in their vDSO."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from nemesis.host import clock_hook
from nemesis.host.clock import Clocks, Setting
from nemesis.host.request import HostError, Request
from nemesis.host.vdso import Vdso, obstacle
from tests.local.waiting import wait_for

pytestmark = pytest.mark.real

_TELL = """
import json, sys, time
for _ in sys.stdin:
    print(json.dumps([time.time_ns(), time.monotonic_ns(), time.clock_gettime_ns(7), time.time()]))
    sys.stdout.flush()
"""
SECOND = 1_000_000_000
SLACK_NS = 200_000_000


class Watch:
    """A process that tells its time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.read()

    @property
    def pid(self) -> int:
        return self.process.pid

    def read(self) -> tuple[int, int]:
        """Return by how many nanoseconds its wall and monotonic clock are ahead of ours."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        wall, monotonic, boot, _ = json.loads(self.process.stdout.readline())
        assert abs(boot - monotonic) < SLACK_NS
        return int(wall) - time.time_ns(), int(monotonic) - time.monotonic_ns()


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    yield made
    made.process.communicate()


@pytest.fixture
def clocks(watch: Watch) -> Iterator[Clocks]:
    made = Clocks()
    made.answer("install", Request({"pid": watch.pid}))
    yield made
    made.close()


def bend(clocks: Clocks, watch: Watch, clock: str, setting: Setting) -> None:
    fields: dict[str, object] = {
        name: getattr(setting, name)
        for name in ("offset_ns", "rate", "strobe_rate", "strobe_period_ns")
    }
    clocks.answer("bend", Request({"pid": watch.pid, "clock": clock, **fields}))


def test_this_machine_can_bend_clocks() -> None:
    assert obstacle() is None


def test_replaced_clocks_are_right_until_they_are_bent(clocks: Clocks, watch: Watch) -> None:
    wall, monotonic = watch.read()

    assert clocks is not None
    assert abs(wall) < SLACK_NS
    assert abs(monotonic) < SLACK_NS


def test_the_wall_clock_goes_ahead_and_back_and_the_other_does_not_notice(
    clocks: Clocks, watch: Watch
) -> None:
    bend(clocks, watch, "wall", Setting(offset_ns=3600 * SECOND))
    ahead, monotonic = watch.read()
    bend(clocks, watch, "wall", Setting(offset_ns=-60 * SECOND))
    behind, _ = watch.read()
    bend(clocks, watch, "wall", Setting())
    healed, _ = watch.read()

    assert abs(ahead - 3600 * SECOND) < SLACK_NS
    assert abs(behind + 60 * SECOND) < SLACK_NS
    assert abs(healed) < SLACK_NS
    assert abs(monotonic) < SLACK_NS


def test_a_monotonic_clock_never_goes_back(clocks: Clocks, watch: Watch) -> None:
    bend(clocks, watch, "monotonic", Setting(offset_ns=60 * SECOND))
    wall, ahead = watch.read()
    bend(clocks, watch, "monotonic", Setting(offset_ns=-5 * SECOND))
    _, kept = watch.read()

    assert abs(wall) < SLACK_NS
    assert abs(ahead - 60 * SECOND) < SLACK_NS
    assert abs(kept - 60 * SECOND) < SLACK_NS


def test_a_clock_drifts_and_is_right_again_after_it(clocks: Clocks, watch: Watch) -> None:
    bend(clocks, watch, "wall", Setting(rate=11.0))
    began = time.monotonic_ns()
    time.sleep(0.3)
    ahead, _ = watch.read()
    passed = time.monotonic_ns() - began
    bend(clocks, watch, "wall", Setting())

    assert abs(ahead - 10 * passed) < 10 * SLACK_NS
    assert abs(watch.read()[0]) < SLACK_NS


def test_a_slow_clock_falls_behind(clocks: Clocks, watch: Watch) -> None:
    bend(clocks, watch, "monotonic", Setting(rate=0.1))
    time.sleep(0.5)

    assert watch.read()[1] < -300_000_000


def test_a_clock_swings_between_fast_and_slow(clocks: Clocks, watch: Watch) -> None:
    setting = Setting(strobe_rate=10.0, strobe_period_ns=400_000_000)
    bend(clocks, watch, "monotonic", setting)
    readings = [watch.read()[1]]
    for _ in range(20):
        time.sleep(0.05)
        readings.append(watch.read()[1])
    steps = [after - before for before, after in pairwise(readings)]

    assert max(steps) > 100_000_000
    assert min(steps) < -10_000_000


def test_what_is_removed_leaves_the_kernels_own_clocks(watch: Watch) -> None:
    vdso = Vdso(watch.pid)
    vdso.install()
    was_installed = vdso.is_installed
    vdso.remove()

    assert (was_installed, vdso.is_installed) == (True, False)
    assert abs(watch.read()[0]) < SLACK_NS
    vdso.close()


def test_an_agent_that_ends_gives_the_process_its_clocks_back(watch: Watch) -> None:
    clocks = Clocks()
    clocks.answer("install", Request({"pid": watch.pid}))
    bend(clocks, watch, "wall", Setting(offset_ns=3600 * SECOND))
    clocks.close()

    assert abs(watch.read()[0]) < SLACK_NS


def test_a_stopped_process_stays_stopped(watch: Watch) -> None:
    watch.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: state_of(watch.pid) == "T")  # A signal takes its time.
    clocks = Clocks()
    clocks.answer("install", Request({"pid": watch.pid}))
    state = state_of(watch.pid)
    watch.process.send_signal(signal.SIGCONT)
    clocks.close()

    assert state == "T"


def state_of(pid: int) -> str:
    """Return the state of a process as the kernel's letter for it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_process_that_is_not_known_is_told() -> None:
    clocks = Clocks()
    with pytest.raises(HostError, match="the clocks of process 1 were not replaced"):
        clocks.answer("bend", Request({"pid": 1, "clock": "wall"}))


@pytest.mark.skipif(not Path("/usr/bin/as").exists(), reason="no assembler is installed")
def test_the_machine_code_is_that_of_the_source(tmp_path: Path) -> None:
    source = Path(clock_hook.__file__).with_name("clock_hook.S")
    hook, code = tmp_path / "hook.o", tmp_path / "hook.bin"
    subprocess.run(["/usr/bin/as", "--64", "-o", hook, source], check=True)
    subprocess.run(["/usr/bin/objcopy", "-O", "binary", "-j", ".text", hook, code], check=True)

    assert code.read_bytes() == clock_hook.CODE
