"""Ports for the daemons of several clusters on one machine, kept for as long as a trial lasts.

A daemon that is down does not hold its port. So that nobody else gets it meanwhile, ports lie below
those that the kernel gives to outgoing connections, and every harness locks a file for each of its
own: the lock goes with the process, however that ends.
"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.environments.hosts.locks import Locks
from harness.errors import HarnessError

_LOOPBACK: Final = "127.0.0.1"
_RANGE_SIZE: Final = 10_000
_HIGHEST: Final = 30_000
_KERNEL_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Ports:
    """The ports of one cluster."""

    def __init__(self, directory: Path | None = None) -> None:
        """Lock files lie in `directory`, by default one of this user under the system's own."""
        self._locks = Locks("ports", directory)

    def take(self, count: int) -> Sequence[int]:
        """Return so many free ports and keep them; raises `HarnessError` if there are too few."""
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
        self._locks.release()

    def _lock(self, port: int) -> bool:
        return self._locks.take(str(port), lambda: _is_free(port))


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
