"""The journal: what was written is read back, whatever happened to the writer."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.explore.journal import Journal, Kept
from harness.explore.seeds import Outcome, Question, Tried
from harness.plan import Plan

QUESTION = Question(base=Plan(), fixed=("nodes",))
TRIED = Tried(seed=3, outcome=Outcome.INVALID, kinds=("raft: Log Matching",), states=("L00",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "journal.jsonl"


def written(path: Path, *tried: Tried) -> Path:
    journal = Journal(path, QUESTION)
    for each in tried:
        journal.add(each)
    journal.close()
    return path


def read_back(path: Path) -> list[Tried]:
    journal = Journal(path, QUESTION)
    journal.close()
    return [trial.tried for trial in journal.trials]


def test_what_was_written_is_read_back(path: Path) -> None:
    journal = Journal(path, QUESTION)
    journal.add(TRIED)
    journal.keep(Kept(kind="raft: Log Matching", seed=3, run="runs/x"))
    journal.close()
    again = Journal(path, QUESTION)
    again.close()
    assert [trial.tried for trial in again.trials] == [TRIED]
    assert [kept.run for kept in again.kept] == ["runs/x"]


def test_a_line_cut_off_by_a_kill_is_given_up_and_the_journal_goes_on(path: Path) -> None:
    written(path, TRIED)
    with path.open("ab") as file:
        file.write(b'{"type":"tried","tried":{"seed":4,"outc')
    assert read_back(path) == [TRIED]
    later = Tried(seed=5, outcome=Outcome.VALID)
    written(path, later)
    assert read_back(path) == [TRIED, later]


def test_the_journal_of_another_plan_is_refused(path: Path) -> None:
    written(path, TRIED)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="another plan"):
        Journal(path, Question(base=Plan(mutant="figure-8"), fixed=("nodes",)))
    assert path.read_bytes() == before


def test_the_share_of_reruns_may_change(path: Path) -> None:
    written(path, TRIED)
    Journal(path, Question(base=Plan(), fixed=("nodes",), rerun_share=0.5)).close()


@pytest.mark.parametrize(
    "content",
    [b"# a file of somebody else\n", b'{"type":"tried"}\n', b"\xff\xfe\n", b"{}\n"],
)
def test_a_file_that_is_no_journal_is_refused_with_its_line(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"journal\.jsonl:1: "):
        Journal(path, QUESTION)
    assert path.read_bytes() == content


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    written(path)
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":9', 1))
    with pytest.raises(UsageError, match="version 9"):
        Journal(path, QUESTION)


def test_a_journal_without_its_header_is_refused(path: Path) -> None:
    written(path, TRIED)
    path.write_bytes(path.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(UsageError, match="header"):
        Journal(path, QUESTION)


def test_a_journal_that_cannot_be_is_the_callers_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot keep a journal"):
        Journal(tmp_path / "file" / "journal.jsonl", QUESTION)
