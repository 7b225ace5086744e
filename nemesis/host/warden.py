"""Ends what a cluster left on this host when whoever started it is gone."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nemesis.host.request import HostError, Request

_PROC: Final = Path("/proc")


class Warden:
    """Answers `ping`. Kills every process that bears the mark when its line ends."""

    def __init__(self, mark: str) -> None:
        """`mark` is a variable in the environment of the processes, as in `NAME=value`."""
        name, _, value = mark.partition("=")
        self._name, self._value = name.encode(), value.encode()

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
        return [pid for pid in pids if variables_of(pid).get(self._name) == self._value]


def variables_of(pid: int) -> Mapping[bytes, bytes]:
    """Return the environment variables of a process; none if it may not be looked at."""
    try:
        text = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in text.split(b"\0"))
    return {name: value for name, _, value in pairs}
