"""Ports for the daemons of several clusters on one machine, kept for as long as a trial lasts.

A daemon that is down does not hold its port. So that nobody else gets it meanwhile, ports lie below
those that the kernel gives to outgoing connections, and every harness locks a file for each of its
own: the lock goes with the process, however that ends.
"""

import fcntl
import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.errors import HarnessError

_LOOPBACK: Final = "127.0.0.1"
_RANGE_SIZE: Final = 10_000
_HIGHEST: Final = 30_000
_KERNEL_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Ports:
    """The ports of one cluster."""

    def __init__(self, directory: Path | None = None) -> None:
        """Lock files lie in `directory`, by default one of this user under the system's own."""
        default = Path(tempfile.gettempdir()) / f"quorate-ports-{os.getuid()}"
        self._directory = default if directory is None else directory
        self._locks: list[int] = []

    def take(self, count: int) -> Sequence[int]:
        """Return so many free ports and keep them; raises `HarnessError` if there are too few."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        last = min(_HIGHEST, _first_of_kernel())
        # Two harnesses begin at different places, so that they seldom try the same port.
        offset = (os.getpid() * 97) % _RANGE_SIZE
        taken: list[int] = []
        for step in range(_RANGE_SIZE):
            if len(taken) == count:
                return taken
            port = last - _RANGE_SIZE + (offset + step) % _RANGE_SIZE
            if self._lock(port):
                taken.append(port)
        raise HarnessError(f"only {len(taken)} of {count} ports are free on this machine")

    def release(self) -> None:
        """Give all ports back."""
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()

    def _lock(self, port: int) -> bool:
        lock = os.open(self._directory / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        if not _is_free(port):
            os.close(lock)
            return False
        self._locks.append(lock)
        return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _first_of_kernel() -> int:
    """Return the first port that outgoing connections may get."""
    try:
        return int(_KERNEL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return _HIGHEST
