"""`quorate shrink`, as a user would call it."""

import json
from pathlib import Path

import pytest

from tests.harness.cli.conftest import Quorate

RUN = (
    "run", "--workload", "kv", "--mutant", "version-survives-delete", "--faults", "kill",
    "--time-limit", "1", "--rate", "150",
)  # fmt: skip

pytestmark = pytest.mark.simulation


def test_a_run_that_fails_becomes_a_run_of_a_few_lines_and_a_test(quorate: Quorate) -> None:
    failed = quorate(*RUN)
    assert failed.code == 1
    shrunk = quorate("shrink", failed.line("run"), "--trials", "60", "--out", "small")
    assert shrunk.code == 0
    assert shrunk.line("kind") == "etcd-linearizability: wrong-answer"
    assert "client 0 asks n" in shrunk.out
    assert "inevitable from" in shrunk.out
    assert "UNKNOWN" not in shrunk.out
    folder = Path(shrunk.line("run")) / "shrunk"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "operations.json",
        "plan.toml",
        "schedule.json",
        "test_etcd_linearizability_wrong_answer.py",
    ]
    assert len((folder / "plan.toml").read_text().splitlines()) < 25
    assert quorate("run", str(folder / "plan.toml")).code == 1
    assert quorate("replay", shrunk.line("run")).line("replay") == "the same digest"
    assert quorate("check", shrunk.line("run")).code == 1


def test_json_is_one_object_and_a_plan_can_be_shrunk_too(quorate: Quorate, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        'mutant = "version-survives-delete"\n[workload]\nname = "kv"\ntime_limit_s = 1.0\n'
    )
    told = json.loads(
        quorate("shrink", "plan.toml", "--trials", "5", "--no-inevitable", "--json").out
    )
    assert told["kind"] == "etcd-linearizability: wrong-answer"
    assert (told["trials"], told["is_minimal"], told["inevitable"]) == (5, False, None)
    assert Path(told["test"]).is_file()


def test_a_run_that_does_not_fail_is_no_run_to_shrink(quorate: Quorate) -> None:
    run = quorate("run", "--time-limit", "1", "--rate", "50", "--faults", "none").line("run")
    outcome = quorate("shrink", run)
    assert outcome.code == 64
    assert "VALID" in outcome.err


def test_a_run_on_real_daemons_needs_a_twin_first(quorate: Quorate, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('environment = "local"\n')
    outcome = quorate("shrink", "plan.toml")
    assert outcome.code == 64
    assert "quorate replay --transfer plan.toml" in outcome.err
