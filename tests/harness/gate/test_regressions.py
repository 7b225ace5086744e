"""Recorded regressions: whoever changes a checker learns of it."""

import shutil
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gate.outcome import Ending, Result
from harness.gate.regressions import judge_regressions, load_list

HISTORIES = Path(__file__).parents[3] / "histories"
STALE = "stale-read-after-write.jsonl"


def judged(folder: Path, **fields: str) -> Result:
    shutil.copy(HISTORIES / "bad" / STALE, folder)
    entry = {
        "file": STALE,
        "model": "cas-register",
        "initial": "nil",
        "verdict": "INVALID",
    } | fields
    lines = [f'{name} = "{value}"' for name, value in entry.items()]
    (folder / "expected.toml").write_text("\n".join(["[[history]]", *lines]))
    (result,) = judge_regressions(folder, "ours")
    return result


def test_a_verdict_as_recorded_passes(tmp_path: Path) -> None:
    result = judged(tmp_path, checker="linearizability")

    assert result.passed
    assert result.repeat == f"quorate check {tmp_path / STALE} --model cas-register --initial nil"


def test_another_verdict_or_another_checker_does_not(tmp_path: Path) -> None:
    changed = judged(tmp_path, verdict="VALID")
    assert changed.last.ending is Ending.INVALID
    assert changed.last.reason.startswith("is INVALID now, not VALID as recorded")

    assert "not by lock as recorded" in judged(tmp_path, checker="lock").last.reason


def test_what_cannot_be_judged_is_a_failure_of_the_harness(tmp_path: Path) -> None:
    missing = judged(tmp_path, file="missing.jsonl")
    assert missing.last.ending is Ending.HARNESS

    assert judged(tmp_path, model="no-such-model").last.ending is Ending.HARNESS


def test_ours_are_all_listed_for_the_gate() -> None:
    assert len(load_list(HISTORIES)) >= 60


@pytest.mark.parametrize("text", ["history = []", "history = 7", "[[history]]\nfile = 'x'", "=="])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "expected.toml").write_text(text)

    with pytest.raises(UsageError, match=r"expected\.toml"):
        load_list(tmp_path)
