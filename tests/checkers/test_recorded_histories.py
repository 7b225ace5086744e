"""Every history in histories/ is judged again and gets the verdict it is listed with."""

import tomllib
from pathlib import Path

import pytest

from checkers.checker import Budget
from checkers.choose import checker_named
from checkers.history_file import load_history
from checkers.verdict import Answer

HISTORIES = Path(__file__).parents[2] / "histories"
ENTRIES = tomllib.loads((HISTORIES / "expected.toml").read_text())["history"]


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])
def test_a_recorded_history_gets_its_verdict(entry: dict[str, str]) -> None:
    history = load_history(HISTORIES / entry["file"]).history
    checker = checker_named(entry["model"], entry.get("initial"))

    verdict = checker.check(history, Budget())

    assert verdict.answer is Answer[entry["verdict"]], verdict.reason
    assert entry.get("anomaly", "") in str(verdict.details.get("anomalies", ""))


@pytest.mark.parametrize(
    "entry",
    [entry for entry in ENTRIES if entry["verdict"] == "INVALID"],
    ids=[entry["file"] for entry in ENTRIES if entry["verdict"] == "INVALID"],
)
def test_a_conviction_shows_operations_of_the_history(entry: dict[str, str]) -> None:
    history = load_history(HISTORIES / entry["file"]).history
    checker = checker_named(entry["model"], entry.get("initial"))

    evidence = checker.check(history, Budget()).evidence

    assert evidence is not None
    assert set(evidence.operations) <= {operation.call for operation in history.operations()}
    assert 1 <= len(evidence.operations) <= 20
    assert max(len(line) for line in evidence.story.splitlines()) <= 120
