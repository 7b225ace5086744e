"""Every history in histories/ is judged again and gets the verdict it is listed with."""

import tomllib
from pathlib import Path

import pytest

from checkers.checker import Budget
from checkers.choose import ETCD, checker_named
from checkers.history_file import load_history
from checkers.promises import promise_names
from checkers.verdict import Answer, Evidence, Verdict, merge
from checkers.watch.checker import WatchChecker
from checkers.watch_history import load_watch_file

HISTORIES = Path(__file__).parents[2] / "histories"
ENTRIES = tomllib.loads((HISTORIES / "expected.toml").read_text())["history"]
REJECTED = [entry for entry in ENTRIES if entry["verdict"] == "INVALID"]
WITH_TIMELINES = [entry for entry in REJECTED if entry["model"] not in {*promise_names(), ETCD}]


def named(entries: list[dict[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=[entry["file"] for entry in entries])


def judged(entry: dict[str, str], model: str) -> Verdict:
    history = load_history(HISTORIES / entry["file"]).history
    verdicts = [checker_named(model, entry.get("initial")).check(history, Budget())]
    if "watch" in entry:
        records = load_watch_file(HISTORIES / entry["watch"])
        verdicts.append(WatchChecker(records=records).check(history, Budget()))
    return merge(model, verdicts)


def evidence_of(entry: dict[str, str]) -> Evidence:
    leaves = judged(entry, entry["model"]).leaves()
    return next(leaf.evidence for leaf in leaves if leaf.evidence is not None)


@named(ENTRIES)
def test_a_recorded_history_gets_its_verdict(entry: dict[str, str]) -> None:
    verdict = judged(entry, entry["model"])

    assert verdict.answer is Answer[entry["verdict"]], verdict.reason
    details = [leaf.details.get("anomalies", "") for leaf in verdict.leaves()]
    assert entry.get("anomaly", "") in str(details)


@named(REJECTED)
def test_one_checker_rejects_it_and_no_other(entry: dict[str, str]) -> None:
    leaves = judged(entry, entry["model"]).leaves()

    rejecting = {leaf.checker for leaf in leaves if leaf.answer is not Answer.VALID}

    assert rejecting == {entry["checker"]}


@named([entry for entry in REJECTED if "kept" in entry])
def test_another_promise_about_the_same_is_kept(entry: dict[str, str]) -> None:
    assert judged(entry, entry["kept"]).answer is Answer.VALID


@named(REJECTED)
def test_a_conviction_shows_operations_of_the_history(entry: dict[str, str]) -> None:
    operations = load_history(HISTORIES / entry["file"]).history.operations()

    evidence = evidence_of(entry)

    assert set(evidence.operations) <= {operation.call for operation in operations}
    assert 1 <= len(evidence.operations) <= 20


@named(WITH_TIMELINES)
def test_a_story_fits_on_a_screen(entry: dict[str, str]) -> None:
    assert max(len(line) for line in evidence_of(entry).story.splitlines()) <= 120
