"""The command `quorate`, in a process of its own."""

import subprocess
import sys
from pathlib import Path

from harness.environments.local.processes import marked

COMMAND = [sys.executable, "-m", "harness"]
PATIENCE_S = 300


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
    """Start the command in `folder`."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def daemons_of(folder: Path) -> list[int]:
    """Return the daemons that runs under `folder` have now."""
    return [daemon.process.pid for daemon in marked() if daemon.run.startswith(str(folder))]


def the_run(folder: Path) -> Path:
    """Return the only run under `folder`."""
    (run,) = (folder / "runs").iterdir()
    return run


def line(printed: str, label: str) -> str:
    """Return what follows `label: ` on the last line that begins so."""
    found = [text for text in printed.splitlines() if text.startswith(f"{label}: ")]
    return found[-1].removeprefix(f"{label}: ")
