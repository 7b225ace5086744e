"""A disk on which no more fits, wherever in a command that happens: exit code 3, and one line.

A limit on the size of files stands for the disk: it needs no file system of its own, and reaches
every file that a run writes, one earlier and another later.
"""

import subprocess
import sys
from pathlib import Path

import pytest

LIMITED = (
    "import resource, sys; from harness.cli import main; "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); main(sys.argv[2:])"
)
RUN = ("run", "--workload", "watch", "--time-limit", "1", "--rate", "100")


def limited(folder: Path, bytes_max: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `quorate ARGUMENTS` in `folder`, where no file can have more than `bytes_max`."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(bytes_max), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("bytes_max", [500, 5_000, 25_000])
def test_a_run_that_cannot_be_recorded_is_a_failure_of_the_harness(
    tmp_path: Path, bytes_max: int
) -> None:
    done = limited(tmp_path, bytes_max, *RUN)

    assert done.returncode == 3, done.stderr
    assert "File too large" in done.stderr or "no room for more" in done.stderr
    assert "Traceback" not in done.stderr
    assert "verdict: " not in done.stdout


def test_an_exploration_whose_journal_is_full_is_a_failure_of_the_harness(tmp_path: Path) -> None:
    done = limited(
        tmp_path, 3_000, "explore", "--seeds", "20", "--jobs", "1", "--out", "x",
        "--mutant", "vote-not-persisted", "--workload", "register",
    )  # fmt: skip

    assert done.returncode == 3, done.stderr
    assert "journal.jsonl: cannot go on with the journal" in done.stderr
    assert "Traceback" not in done.stderr
