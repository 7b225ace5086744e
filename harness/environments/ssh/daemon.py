"""One daemon as a process of another host."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from harness.environments.environment import Death
from harness.environments.hosts.processes import stat_fields
from harness.environments.ssh.connection import Connection
from nemesis.surface import SurfaceError

_PATIENCE_S: Final = 15.0
_LOOK_S: Final = 0.02
_LAST_WORDS_LINES: Final = 12


class SshDaemon:
    """A node's process. Offers `HostDaemon`. Not for two threads at once."""

    def __init__(
        self, connection: Connection, command: Sequence[str], variables: Mapping[str, str], log: str
    ) -> None:
        """`variables` are added to the host's own; what it prints is added to the file `log`."""
        self.name: Final = connection.node
        self._connection = connection
        assigned = [f"{name}={value}" for name, value in sorted(variables.items())]
        program = shlex.join(["env", *assigned, *command])
        script = shlex.quote(f"echo $$ && exec {program} >>{shlex.quote(log)} 2>&1")
        # The number comes through a file: whoever starts it must not hold the line open.
        self._start = (
            f"setsid sh -c {script} </dev/null >{shlex.quote(log)}.pid 2>&1 & "
            f"until [ -s {shlex.quote(log)}.pid ]; do sleep 0.01; done; cat {shlex.quote(log)}.pid"
        )
        self._log = log
        self._process: tuple[int, str] | None = None
        """Its number and when it was started, in the host's ticks."""
        self._deaths: list[Death] = []

    @property
    def is_running(self) -> bool:
        """Whether the process runs; a paused one does."""
        return self._look() is not None

    @property
    def pid(self) -> int | None:
        """The process' number on its host; None while it does not run."""
        self._look()
        return None if self._process is None else self._process[0]

    @property
    def deaths(self) -> Sequence[Death]:
        """The times it ended by itself."""
        self._look()
        return tuple(self._deaths)

    def start(self) -> None:
        """Start the process, which must not run."""
        if self.is_running:
            raise SurfaceError(f"{self.name} runs already")
        log = shlex.quote(self._log)
        pid = int(self._connection.run(f"rm -f {log}.pid; {self._start}").split()[0])
        fields = self._fields(pid)
        self._process = pid, "" if fields is None else fields[19]

    def kill(self) -> None:
        """End the process without warning."""
        pid = self._running("killed")
        self._process = None
        self._signal(pid, "KILL")
        self._until(lambda: self._has_ended(pid), "killed")

    def stop(self) -> None:
        """Ask the process to end, and wait until it has; a paused one goes on first."""
        pid = self._running("stopped")
        self._process = None
        self._signal(pid, "TERM")
        self._signal(pid, "CONT")
        self._until(lambda: self._has_ended(pid), "stopped by SIGTERM")

    def pause(self) -> None:
        """Stop the process' execution."""
        pid = self._running("paused")
        self._signal(pid, "STOP")
        self._until(lambda: self._state(pid) in "TZX", "paused")

    def resume(self) -> None:
        """Let it go on."""
        pid = self._running("resumed")
        self._signal(pid, "CONT")
        self._until(lambda: self._state(pid) != "T", "resumed")

    def end(self) -> None:
        """End it by force if it runs."""
        if self.is_running:
            self.kill()

    def _look(self) -> str | None:
        """Return the process' state if it runs; note it if it ended by itself."""
        if self._process is None:
            return None
        pid, started = self._process
        fields = self._fields(pid)
        if fields is None or fields[0] in "ZX" or fields[19] != started:
            self._process = None
            words = self._connection.run(
                f"tail -n {_LAST_WORDS_LINES} {shlex.quote(self._log)} || true"
            )
            self._deaths.append(
                Death(node=self.name, how="a cause unknown from here", last_words=words.strip())
            )
            return None
        return fields[0]

    def _running(self, what: str) -> int:
        if self._look() is None or self._process is None:
            raise SurfaceError(f"{self.name} does not run, so it cannot be {what}")
        return self._process[0]

    def _signal(self, pid: int, name: str) -> None:
        self._connection.run(f"kill -{name} {pid} 2>/dev/null || true")

    def _has_ended(self, pid: int) -> bool:
        return self._state(pid) in "ZX"

    def _state(self, pid: int) -> str:
        fields = self._fields(pid)
        return "X" if fields is None else fields[0]

    def _fields(self, pid: int) -> Sequence[str] | None:
        """Return what follows the name in /proc/PID/stat; None if there is no such process."""
        text = self._connection.run(f"cat /proc/{pid}/stat 2>/dev/null || true")
        return stat_fields(text) if text else None

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise SurfaceError(f"{self.name} could not be {what} within {_PATIENCE_S:g} s")
            time.sleep(_LOOK_S)
