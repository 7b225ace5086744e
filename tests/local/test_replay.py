"""`quorate replay` on real daemons: the same operations and faults again, and how alike it was."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.command_line import line, quorate, the_run

pytestmark = pytest.mark.local


def test_a_failing_run_is_driven_again_and_its_verdict_recurs(tmp_path: Path) -> None:
    quorate(
        tmp_path, "run", "--env", "local", "--system", "nodeimpl", "--nodes", "1", "--workload",
        "kv", "--mutant", "version-survives-delete", "--faults", "pause", "--time-limit", "2",
    )  # fmt: skip
    done = quorate(tmp_path, "replay", str(the_run(tmp_path)), "--times", "2", "--out", "again")

    assert done.returncode == 1, done.stdout + done.stderr
    asked, of, whole, *_ = line(done.stdout, "alike").split()
    assert of == "of"
    assert int(asked) > 0.9 * int(whole), "all but final reads that were answered sooner"
    assert line(done.stdout, "recurred").startswith("2 of 2 (100%): etcd-linearizability")
    assert len(list((tmp_path / "again").iterdir())) == 2


def test_a_failing_run_has_a_twin_in_simulation(tmp_path: Path) -> None:
    quorate(
        tmp_path, "run", "--env", "local", "--system", "nodeimpl", "--nodes", "1", "--workload",
        "watch", "--mutant", "prev-kv-of-the-present", "--faults", "pause", "--time-limit", "2",
    )  # fmt: skip
    done = quorate(
        tmp_path, "replay", str(the_run(tmp_path)), "--transfer", "--seeds", "20", "--out", "twins"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "watch-prev-kv" in done.stdout
    again = quorate(tmp_path, "replay", str(tmp_path / line(done.stdout, "twin")))
    assert line(again.stdout, "replay") == "the same digest"


def test_a_failing_run_is_shrunk_by_rate(tmp_path: Path) -> None:
    quorate(
        tmp_path, "run", "--env", "local", "--system", "nodeimpl", "--nodes", "1", "--workload",
        "kv", "--mutant", "version-survives-delete", "--faults", "pause", "--time-limit", "1",
    )  # fmt: skip
    done = quorate(
        tmp_path, "shrink", str(the_run(tmp_path)), "--times", "1", "--trials", "1", "--out", "less"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 runs; the budget is spent" in done.stdout, "one, and one that measures the rate"
    [kept] = (tmp_path / "less").iterdir()
    assert (kept / "shrunk" / "operations.json").is_file()
    assert line(done.stdout, "run") == f"less/{kept.name}"
    [test] = (kept / "shrunk").glob("test_*.py")
    assert line(done.stdout, "test") == f"pytest {test.relative_to(tmp_path)}"
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--basetemp", tmp_path / "kept", test],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 1, tested.stdout + tested.stderr
    assert re.search(r"run \d of \d is convicted", tested.stdout), tested.stdout
    assert list((tmp_path / "kept").glob("*/*/report.html"))
