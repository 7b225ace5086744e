"""A process that outlives the harness by a moment, to end the daemons that it leaves behind.

    python -m harness.environments.local.guard CLUSTER

The harness holds the other end of its standard input. When that closes without a farewell, the
harness was killed: every daemon that bears the cluster's mark is killed, too.
"""

import os
import signal
import subprocess
import sys
import time
from typing import Final

from harness.environments.local.processes import end, marked
from harness.errors import HarnessError

READY: Final = b"ready\n"
FAREWELL: Final = b"all daemons have ended\n"
_LOOKS: Final = 3
_BETWEEN_LOOKS_S: Final = 0.05
"""A daemon that was just being started when the harness died shows up in a later look."""


class Guard:
    """Runs the guard of one cluster."""

    def __init__(self, cluster: str) -> None:
        """Start it; it is in place when this returns. Raises `HarnessError` if it is not."""
        self._process: Final = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "harness.environments.local.guard", cluster],
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


def guard(cluster: str) -> None:
    """Wait for the harness to end, and end what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(sys.stdout.fileno(), READY)
    if sys.stdin.buffer.read() == FAREWELL:
        return
    for _ in range(_LOOKS):
        for daemon in marked(cluster):
            end(daemon)
        time.sleep(_BETWEEN_LOOKS_S)


if __name__ == "__main__":
    guard(sys.argv[1])
