"""A process that outlives the harness by a moment, to end the daemons that it leaves behind.

    python -m harness.environments.hosts.guard CLUSTER

The harness holds the other end of its standard input. When that closes without a farewell, the
harness was killed: every daemon that bears the cluster's mark is killed, too.
"""

import os
import signal
import subprocess
import sys
import time
from typing import Final

from harness.environments.hosts.processes import AGENT, DAEMON, end, marked
from harness.errors import HarnessError

READY: Final = b"ready\n"
FAREWELL: Final = b"all daemons have ended\n"
_LOOKS: Final = 3
_UNDOING_S: Final = 5.0
_BETWEEN_LOOKS_S: Final = 0.05
"""A daemon that was just being started when the harness died shows up in a later look."""


class Guard:
    """Runs the guard of one cluster."""

    def __init__(
        self, cluster: str, program: str = "harness.environments.hosts.guard", *arguments: str
    ) -> None:
        """Start it; it is in place when this returns. Raises `HarnessError` if it is not.

        `program` is the module that guards, and gets these further arguments.
        """
        self._process: Final = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", program, cluster, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the harness' to handle.
        )
        stdout = self._process.stdout
        assert stdout is not None, "it was asked for"
        if stdout.readline() != READY:
            self._process.kill()
            self._process.wait()
            raise HarnessError("cannot start the process that guards the daemons")

    def dismiss(self) -> None:
        """Let the guard go: every daemon has been ended. Once."""
        try:
            self._process.communicate(FAREWELL)
        except BrokenPipeError:  # Somebody killed it; there is nothing left to guard.
            self._process.wait()


def harness_was_killed() -> bool:
    """Wait for the harness to end; say whether it did so without a farewell."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(sys.stdout.fileno(), READY)
    return sys.stdin.buffer.read() != FAREWELL


def end_all(cluster: str) -> None:
    """End every process of the cluster, those being started just now, too.

    Agents get the time to undo what they did.
    """
    deadline = time.monotonic() + _UNDOING_S
    while time.monotonic() < deadline and any(each.part == AGENT for each in marked(cluster)):
        for daemon in marked(cluster):
            if daemon.part == DAEMON:
                end(daemon)
        time.sleep(_BETWEEN_LOOKS_S)
    for _ in range(_LOOKS):
        for daemon in marked(cluster):
            end(daemon)
        time.sleep(_BETWEEN_LOOKS_S)


if __name__ == "__main__":
    if harness_was_killed():
        end_all(sys.argv[1])
