"""Ends what a cluster left on this host when whoever started it is gone."""

import os
import signal
from pathlib import Path
from typing import Final

from nemesis.host.request import HostError, Request

_PROC: Final = Path("/proc")


class Warden:
    """Answers `ping`. Kills every process that bears the mark when its line ends."""

    def __init__(self, mark: str) -> None:
        """`mark` is a variable in the environment of the processes, as in `NAME=value`."""
        self._mark = b"\0" + mark.encode() + b"\0"

    def answer(self, what: str, request: Request) -> object:  # noqa: ARG002 - as every part
        """Say how many processes bear the mark."""
        if what != "ping":
            raise HostError(f"a warden cannot {what}")
        return len(self._marked())

    def close(self) -> None:
        """Kill those that bear the mark; a paused one, too."""
        for pid in self._marked():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _marked(self) -> list[int]:
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
        return [pid for pid in pids if self._mark in _environment(pid)]


def _environment(pid: int) -> bytes:
    """Return the variables of a process between zeros; empty if it may not be looked at."""
    try:
        return b"\0" + (_PROC / str(pid) / "environ").read_bytes() + b"\0"
    except OSError:
        return b""
