"""The command `quorate`, in a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.environments.hosts.processes import DAEMON, marked

COMMAND = [sys.executable, "-m", "harness"]
PATIENCE_S = 300
BEGIN_S = 30
"""How long a run may take to have a directory."""


def quorate(
    folder: Path, *arguments: str, patience_s: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
    )


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in `folder`; it can be interrupted."""
    # A shell's background job ignores SIGINT, and hands that down to what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def daemons_of(folder: Path) -> list[int]:
    """Return the daemons that runs under `folder` have now."""
    return [
        daemon.process.pid
        for daemon in marked()
        if daemon.part == DAEMON and daemon.run.startswith(str(folder))
    ]


def the_run(folder: Path) -> Path:
    """Return the only run under `folder`, as soon as it has begun."""
    deadline = time.monotonic() + BEGIN_S
    while not (runs := list((folder / "runs").glob("*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    (run,) = runs
    return run


def line(printed: str, label: str) -> str:
    """Return what follows `label: ` on the last line that begins so."""
    found = [text for text in printed.splitlines() if text.startswith(f"{label}: ")]
    return found[-1].removeprefix(f"{label}: ")
