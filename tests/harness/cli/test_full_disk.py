"""A disk on which no more fits, wherever in a command that happens: exit code 3, and one line.

A limit on the size of files stands for the disk: it needs no file system of its own, and reaches
every file that a run writes, one earlier and another later.
"""

import errno
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.plan import Plan
from harness.store import RunDirectory
from nemesis.schedule import Schedule
from tests.harness.cli.conftest import Quorate

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
    assert len(done.stderr.splitlines()) == 1


def test_what_was_recorded_until_then_can_be_judged(
    quorate: Quorate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_full_disk(
        plan: Plan,
        _schedule: Schedule,
        out: Path,
        *,
        on_directory: Callable[[RunDirectory], None],
        **_others: object,
    ) -> None:
        on_directory(RunDirectory.create(out, plan, datetime(2026, 1, 1, tzinfo=UTC)))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("harness.cli.run.conduct", on_full_disk)

    done = quorate(*RUN)

    run = "runs/20260101T000000Z-watch-seed1"
    assert done.code == 3
    assert done.err == (
        f"quorate: {run}: cannot go on recording: No space left on device; what was recorded can"
        f" be judged: quorate check {run}\n"
    )


def test_an_exploration_whose_journal_is_full_is_a_failure_of_the_harness(tmp_path: Path) -> None:
    done = limited(
        tmp_path, 3_000, "explore", "--seeds", "20", "--jobs", "1", "--out", "x",
        "--mutant", "vote-not-persisted", "--workload", "register",
    )  # fmt: skip

    assert done.returncode == 3, done.stderr
    assert "journal.jsonl: cannot go on with the journal" in done.stderr
    assert "Traceback" not in done.stderr
