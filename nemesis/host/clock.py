"""The clocks of processes on this host, bent: set ahead or back, too fast, too slow, swinging."""

import contextlib
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nemesis.host.clock_hook import MONOTONIC, WALL
from nemesis.host.request import HostError, Request
from nemesis.host.vdso import Vdso

_SLOT: Final = struct.Struct("<qqq")
_WORD_BYTES: Final = 8
_SLOPE_ONE: Final = 1 << 32
_BEFORE_EXEC: Final = ("nsenter", "setsid", "env", "sh", "dash", "bash")
"""Programs that only lead to a daemon."""

_PATIENCE_S: Final = 5.0
_LOOK_S: Final = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How one clock is to go."""

    offset_ns: int = 0
    rate: float = 1.0
    strobe_rate: float = 1.0
    """It runs so many times as fast, then as slow, by turns; 1.0: it does not swing."""
    strobe_period_ns: int = 0

    @classmethod
    def read(cls, request: Request) -> "Setting":
        """Return the setting with the fields of `request`; raises `HostError`."""
        return cls(
            offset_ns=request.integer("offset_ns"),
            rate=request.number("rate"),
            strobe_rate=request.number("strobe_rate"),
            strobe_period_ns=request.integer("strobe_period_ns"),
        )

    def rate_at(self, since_ns: int) -> float:
        """Return how fast it runs so long after the setting came into force."""
        if self.strobe_rate == 1.0:
            return self.rate
        is_slow_half = since_ns * 2 // self.strobe_period_ns % 2
        return self.rate / self.strobe_rate if is_slow_half else self.rate * self.strobe_rate


class BentClock:
    """One clock of one process: `place` in the hook, read truly by `now`."""

    def __init__(
        self, vdso: Vdso, place: int, now: Callable[[], int], *, may_go_back: bool
    ) -> None:
        self._vdso = vdso
        self._place = place
        self._now = now
        self._may_go_back = may_go_back
        self._offset_ns, self._since_ns, self._rate = 0, now(), 1.0
        self._setting = Setting()
        self._set_at_ns = self._since_ns
        self._asked_ns = 0
        """The part of the offset that was asked for; the rest was gained by running unevenly."""

    @property
    def is_swinging(self) -> bool:
        """Whether its rate changes by itself."""
        return self._setting.strobe_rate != 1.0

    def impose(self, setting: Setting) -> None:
        """Let the clock go so from now on.

        The wall clock may go back, and is right again once nothing bends it. A monotonic clock
        never goes back under a running daemon: it keeps what it is ahead.
        """
        now = self._now()
        ahead_ns = self._ahead_ns(now)
        gained_ns = ahead_ns - self._asked_ns
        if self._may_go_back and setting.rate == 1.0 and setting.strobe_rate == 1.0:
            gained_ns = 0
        wanted_ns = setting.offset_ns + gained_ns
        self._setting, self._set_at_ns = setting, now
        self._asked_ns = setting.offset_ns
        if not self._may_go_back and wanted_ns < ahead_ns:
            wanted_ns = ahead_ns
        self._write(now, wanted_ns, setting.rate_at(0))

    def swing(self) -> None:
        """Change the rate if it is time to."""
        now = self._now()
        rate = self._setting.rate_at(now - self._set_at_ns)
        if rate != self._rate:
            self._write(now, self._ahead_ns(now), rate)

    def _ahead_ns(self, now: int) -> int:
        return self._offset_ns + round((now - self._since_ns) * (self._rate - 1.0))

    def _write(self, now: int, offset_ns: int, rate: float) -> None:
        """Write the slot that does not count, and let it count; verify that it does."""
        (counts,) = struct.unpack("<Q", self._vdso.read_slots(self._place, _WORD_BYTES))
        other = _SLOT.size - counts
        slot = _SLOT.pack(offset_ns, now, round((rate - 1.0) * _SLOPE_ONE))
        self._vdso.write_slots(self._place + _WORD_BYTES + other, slot)
        self._vdso.write_slots(self._place, struct.pack("<Q", other))
        if self._vdso.read_slots(self._place + _WORD_BYTES + other, _SLOT.size) != slot:
            raise HostError("a clock was not changed as it was told")
        self._offset_ns, self._since_ns, self._rate = offset_ns, now, rate


class _Process:
    """The clocks of one process."""

    def __init__(self, pid: int) -> None:
        self.vdso = Vdso(pid)
        self.vdso.install()
        self.clocks = {
            "wall": BentClock(self.vdso, WALL, _wall_now, may_go_back=True),
            "monotonic": BentClock(self.vdso, MONOTONIC, time.monotonic_ns, may_go_back=False),
        }


class Clocks:
    """Answers `install`, `bend` (`clock`: `wall` or `monotonic`) and `forget`, each of a `pid`."""

    def __init__(self) -> None:
        self._processes: dict[int, _Process] = {}
        self._lock = threading.Lock()
        self._swinging = threading.Event()
        threading.Thread(target=self._swing, name="strobe", daemon=True).start()

    def answer(self, what: str, request: Request) -> object:
        """Do what is asked."""
        pid = request.integer("pid")
        with self._lock:
            if what == "install":
                self._processes[pid] = _process_of(pid)
            elif what == "bend":
                clock = self._process(pid).clocks[request.text("clock")]
                clock.impose(Setting.read(request))
                if clock.is_swinging:
                    self._swinging.set()
            elif what == "forget":
                process = self._processes.pop(pid, None)
                if process is not None:
                    process.vdso.close()
            else:
                raise HostError(f"clocks cannot {what}")
        return {}

    def close(self) -> None:
        """Give every process that still runs its own clocks back."""
        with self._lock:
            for process in self._processes.values():
                # A process that has ended took its clocks along.
                with contextlib.suppress(OSError):
                    process.vdso.remove()
                process.vdso.close()
            self._processes.clear()

    def _process(self, pid: int) -> _Process:
        process = self._processes.get(pid)
        if process is None:
            raise HostError(f"the clocks of process {pid} were not replaced")
        return process

    def _swing(self) -> None:
        """Change rates when it is time to; sleep as long as no clock swings."""
        while self._swinging.wait():
            with self._lock:
                swinging = [
                    clock
                    for process in self._processes.values()
                    for clock in process.clocks.values()
                    if clock.is_swinging
                ]
                for clock in swinging:
                    # Of a process that has just ended, whose end nobody has told yet.
                    with contextlib.suppress(OSError, struct.error):
                        clock.swing()
                if not swinging:
                    self._swinging.clear()
            time.sleep(_LOOK_S)


def _wall_now() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def _process_of(pid: int) -> _Process:
    """Return the clocks of a process that was just started, as soon as it runs its daemon.

    exec brings a new vDSO, and for a moment none.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            if Path(f"/proc/{pid}/exe").readlink().name not in _BEFORE_EXEC:
                return _Process(pid)
            failure = HostError(f"process {pid} has not become a daemon")
        except HostError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(_LOOK_S)
