"""`quorate gate`: on a healthy and on a broken system, and what it leaves behind."""

from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.harness.cli.conftest import Quorate

SUITE = """\
[suite]
name = "short"
seeds = [1]
fresh_seeds = 1

[[case]]
name = "kills"
settings = {{ "workload.rate" = 40.0, "workload.time_limit_s" = 2.0, {extra} }}
"""


def gate(quorate: Quorate, extra: str, *arguments: str) -> tuple[int, str]:
    Path("suite.toml").write_text(SUITE.format(extra=extra))
    done = quorate("gate", "suite.toml", "--jobs", "1", "--fresh-from", "5", *arguments)
    return done.code, done.out


def test_a_healthy_system_passes_and_leaves_nothing(quorate: Quorate) -> None:
    code, out = gate(quorate, "nodes = 3", "--junit", "junit.xml", "--summary", "summary.md")

    assert code == 0, out
    assert out.splitlines()[0] == "short: fresh seeds from 5"
    assert JUnitXml.fromfile("junit.xml").tests == 2
    assert Path("summary.md").read_text().startswith("## ✅ short: 2 passed")
    assert list(Path("runs").iterdir()) == []


def test_a_broken_system_fails_and_its_runs_are_kept_with_reports(quorate: Quorate) -> None:
    code, out = gate(quorate, 'mutant = "half-is-a-majority"', "--junit", "junit.xml")

    assert code == 1
    assert JUnitXml.fromfile("junit.xml").failures == 2
    kept = sorted(Path("runs").iterdir())
    assert len(kept) == 2
    assert all((run / "report.html").exists() for run in kept)
    assert f"repeat: quorate replay {kept[0]}" in out


def test_unknown_is_tried_again_and_does_not_pass(quorate: Quorate) -> None:
    code, out = gate(quorate, '"checks.steps_max" = 1')

    assert code == 2
    assert "tried again after unknown" in out


def test_a_failure_of_the_harness_is_tried_again_and_does_not_pass(quorate: Quorate) -> None:
    code, out = gate(quorate, 'system = "no-such-system"')

    assert code == 3
    assert "tried again after harness failure: UsageError: 'no-such-system'" in out


def test_github_is_told_where_it_listens(
    quorate: Quorate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))

    code, out = gate(quorate, 'mutant = "half-is-a-majority"')

    assert code == 1
    assert "::error title=kills%2C seed 1%3A invalid::" in out
    assert (tmp_path / "step.md").read_text().startswith("## ❌ short")


def test_one_case_can_be_run_alone(quorate: Quorate) -> None:
    code, out = gate(quorate, "nodes = 1", "--only", "kills")
    assert code == 0, out

    code, _ = gate(quorate, "nodes = 1", "--only", "kill")
    assert code == 64


def test_regressions_are_judged_first(quorate: Quorate) -> None:
    Path("recorded").mkdir()
    Path("recorded/expected.toml").write_text(
        '[[history]]\nfile = "gone.jsonl"\nmodel = "register"\nverdict = "VALID"\n'
    )
    Path("suite.toml").write_text("[suite]\nname = 's'\nregressions = ['recorded']\n")

    done = quorate("gate", "suite.toml")

    assert done.code == 3
    assert "recorded: 0 of 1 regressions as recorded" in done.out


def test_a_suite_that_does_not_read_is_exit_code_64(quorate: Quorate) -> None:
    assert quorate("gate", "missing.toml").code == 64
