"""One daemon as the only process of a container."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from docker.errors import APIError
from docker.models.containers import Container

from harness.environments.containers.engine import engine_errors
from harness.environments.environment import Death
from nemesis.surface import SurfaceError

_PATIENCE_S: Final = 15
_LOOK_S: Final = 0.005
_LAST_WORDS_LINES: Final = 12
_SIGNALED: Final = 128
"""What Docker adds to the number of a signal that ended a process."""

_UNFREEZABLE: Final = "unable to freeze"
_RUNNING: Final = ("running", "paused")


class ContainerDaemon:
    """A node's container. Offers `HostDaemon`. Not for two threads at once."""

    def __init__(self, name: str, container: Container, *, is_expected: bool) -> None:
        """`is_expected`: it runs already, and should."""
        self.name: Final = name
        self._container = container
        self._is_expected = is_expected
        self._deaths: list[Death] = []

    @property
    def is_running(self) -> bool:
        """Whether the container runs; a paused one does."""
        return self._look() in _RUNNING

    @property
    def pid(self) -> int | None:
        """The number of its process as the engine's machine counts; None while it is down."""
        if not self.is_running:
            return None
        return int(self._container.attrs["State"]["Pid"])

    @property
    def deaths(self) -> Sequence[Death]:
        """The times it ended by itself."""
        self._look()
        return tuple(self._deaths)

    def start(self) -> None:
        """Start the container, with the data it had."""
        if self.is_running:
            raise SurfaceError(f"{self.name} runs already")
        with engine_errors(f"start {self.name}"):
            self._container.start()
        self._is_expected = True

    def kill(self) -> None:
        """Kill the process, and wait until it has ended."""
        self._require_running("killed")
        self._is_expected = False
        with engine_errors(f"kill {self.name}"):
            if self._container.status == "paused":  # The engine refuses to kill a frozen one.
                self._container.unpause()
            self._container.kill()
            self._container.wait(timeout=_PATIENCE_S)

    def stop(self) -> None:
        """Send SIGTERM and wait until the process has ended."""
        self._require_running("stopped")
        self._is_expected = False
        with engine_errors(f"stop {self.name}"):
            if self._container.status == "paused":
                self._container.unpause()
            self._container.kill(signal="SIGTERM")
        self._until(lambda: self._look() not in _RUNNING, "ended after SIGTERM")

    def pause(self) -> None:
        """Freeze the container."""
        self._require_running("paused")
        self._until(self._freezes, "paused")
        self._until(lambda: self._look() != "running", "paused")

    def resume(self) -> None:
        """Thaw the container."""
        self._require_running("resumed")
        with engine_errors(f"resume {self.name}"):
            self._container.unpause()
        self._until(lambda: self._look() != "paused", "resumed")

    def end(self) -> None:
        """End the process by force if it runs."""
        if self.is_running:
            self.kill()

    def log(self) -> bytes:
        """Return all that the daemon printed."""
        with engine_errors(f"read the log of {self.name}"):
            return bytes(self._container.logs())

    def _look(self) -> str:
        """Return the container's status; note it if its process ended by itself."""
        with engine_errors(f"look at {self.name}"):
            self._container.reload()
            status = self._container.status
            if self._is_expected and status not in _RUNNING:
                self._is_expected = False
                words = self._container.logs(tail=_LAST_WORDS_LINES).decode(errors="replace")
                code = int(self._container.attrs["State"]["ExitCode"])
                self._deaths.append(Death(node=self.name, how=_how(code), last_words=words.strip()))
        return status

    def _freezes(self) -> bool:
        """Try to freeze the container; a process in the middle of an fsync cannot be, just then."""
        with engine_errors(f"pause {self.name}"):
            try:
                self._container.pause()
            except APIError as error:
                if _UNFREEZABLE not in str(error):
                    raise
                return False
        return True

    def _require_running(self, what: str) -> None:
        if not self.is_running:
            raise SurfaceError(f"{self.name} does not run, so it cannot be {what}")

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise SurfaceError(f"{self.name} was not {what} within {_PATIENCE_S} s")
            time.sleep(_LOOK_S)


def _how(code: int) -> str:
    return f"signal {code - _SIGNALED}" if code > _SIGNALED else f"exit code {code}"
