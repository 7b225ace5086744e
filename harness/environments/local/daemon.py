"""One daemon as a process of this machine: started, killed, stopped, paused, and watched."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.environments.environment import Death
from harness.environments.hosts.processes import is_stopped
from nemesis.surface import SurfaceError

_PATIENCE_S: Final = 15.0
"""How long a daemon may take to end when it is asked, or a signal to show effect."""

_LOOK_S: Final = 0.001
_LAST_WORDS_BYTES: Final = 4_000
_LAST_WORDS_LINES: Final = 12


class LocalDaemon:
    """A node's process, from one start to the next. Not for two threads at once."""

    def __init__(
        self, name: str, command: Sequence[str], variables: Mapping[str, str], log: Path
    ) -> None:
        """`variables` are the whole environment; what the process prints is added to `log`."""
        self.name: Final = name
        self._command = list(command)
        self._variables = dict(variables)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: list[Death] = []

    @property
    def is_running(self) -> bool:
        """Whether the process runs; a paused one does."""
        return self._look() is not None

    @property
    def pid(self) -> int | None:
        """The process' number; None while it does not run."""
        process = self._look()
        return None if process is None else process.pid

    @property
    def deaths(self) -> Sequence[Death]:
        """The times it ended by itself."""
        self._look()
        return tuple(self._deaths)

    def start(self) -> None:
        """Start the process, which must not run; raises `SurfaceError` if it cannot be."""
        if self.is_running:
            raise SurfaceError(f"{self.name} runs already")
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the store under test
                    self._command,
                    env=self._variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is the harness' to handle.
                )
        except OSError as error:
            raise SurfaceError(f"{self.name} cannot be started: {error}") from error

    def kill(self) -> None:
        """End the process without warning."""
        process = self._running("killed")
        self._process = None
        process.kill()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired as error:  # It waits in the kernel, for a disk.
            raise SurfaceError(
                f"{self.name} did not end within {_PATIENCE_S:g} s of SIGKILL"
            ) from error

    def stop(self) -> None:
        """Ask the process to end, and wait until it has; a paused one goes on first."""
        process = self._running("stopped")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise SurfaceError(
                f"{self.name} did not end within {_PATIENCE_S:g} s of SIGTERM"
            ) from error
        self._process = None

    def pause(self) -> None:
        """Stop the execution of the process; it stands still when this returns."""
        self._signal("paused", signal.SIGSTOP, stopped=True)

    def resume(self) -> None:
        """Let the process go on; it does when this returns."""
        self._signal("resumed", signal.SIGCONT, stopped=False)

    def end(self) -> None:
        """End the process by force if it runs, as a part of the teardown."""
        if self.is_running:
            self.kill()

    def last_words(self) -> str:
        """Return the end of the log."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_LAST_WORDS_LINES:])

    def _look(self) -> subprocess.Popen[bytes] | None:
        """Return the process if it runs; note it if it ended by itself."""
        process = self._process
        if process is not None and (code := process.poll()) is not None:
            self._process = None
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            self._deaths.append(Death(node=self.name, how=how, last_words=self.last_words()))
        return self._process

    def _running(self, what: str) -> subprocess.Popen[bytes]:
        process = self._look()
        if process is None:
            raise SurfaceError(f"{self.name} does not run, so it cannot be {what}")
        return process

    def _signal(self, what: str, number: signal.Signals, *, stopped: bool) -> None:
        process = self._running(what)
        process.send_signal(number)
        deadline = time.monotonic() + _PATIENCE_S
        while is_stopped(process.pid) is not stopped:
            if self._look() is None:  # It ended at this very moment, as it may at any.
                return
            if time.monotonic() > deadline:
                raise SurfaceError(f"{self.name} could not be {what} within {_PATIENCE_S:g} s")
            time.sleep(_LOOK_S)
