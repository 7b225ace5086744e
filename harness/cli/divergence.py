"""Where two processes part: the first random draw that differs.

A simulation that depends on anything but its seed (the order of a set, an address, the clock)
sooner or later draws a different number, or the same number for another stream. Two fresh
processes under different PYTHONHASHSEEDs write every draw to a file; the first line that differs
is where to look.
"""

import os
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.environments.simulation.streams import OnDraw
from harness.errors import HarnessError
from harness.store import RunDirectory

_HASH_SEEDS: Final = (1, 2)
_CONTEXT_DRAWS: Final = 3


class DrawFile:
    """Writes draws as lines `stream number`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    @property
    def on_draw(self) -> OnDraw:
        """What `Streams` is to call."""
        return self._write

    def _write(self, name: str, drawn: float) -> None:
        self._file.write(f"{name} {drawn!r}\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def first_difference(directory: RunDirectory) -> str:
    """Run the recorded trial in two fresh processes and say where their draws part."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"draws-{hash_seed}" for hash_seed in _HASH_SEEDS]
        for hash_seed, path in zip(_HASH_SEEDS, files, strict=True):
            _run(directory, path, hash_seed)
        return compare(files[0], files[1])


def _run(directory: RunDirectory, draws: Path, hash_seed: int) -> None:
    done = subprocess.run(  # noqa: S603 - this very program
        [
            sys.executable, "-m", "harness", "run", str(directory.plan_path), "--json",
            "--schedule", str(directory.schedule_path),
            "--draws", str(draws), "--out", str(draws.parent),
        ],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1, 2):
        raise HarnessError(f"the run under PYTHONHASHSEED={hash_seed} failed: {done.stderr}")


def compare(first: Path, second: Path) -> str:
    """Say where two files of draws part, with the draws before it."""
    recent: list[str] = []
    number = 0
    with first.open(encoding="utf-8") as one, second.open(encoding="utf-8") as other:
        for number, (mine, theirs) in enumerate(zip_longest(one, other), 1):
            if mine != theirs:
                before = "".join(f"  {line}" for line in recent[-_CONTEXT_DRAWS:])
                return (
                    f"draw {number} is the first that differs; before it, in both:\n{before}"
                    f"PYTHONHASHSEED={_HASH_SEEDS[0]}: {(mine or 'nothing more').rstrip()}\n"
                    f"PYTHONHASHSEED={_HASH_SEEDS[1]}: {(theirs or 'nothing more').rstrip()}"
                )
            recent.append(mine)
            del recent[:-_CONTEXT_DRAWS]
    return f"no draw differs: both processes drew the same {number} numbers"
