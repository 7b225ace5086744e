"""Traces and logs on disk, read as facts."""

from pathlib import Path

import pytest

from checkers.raft.checker import judge_facts
from checkers.raft.facts import Appended, EntryMark, HardState, LedFrom, Restarted, StoppedLeading
from checkers.raft.judge import COMMITTED_SURVIVES, LOG_MATCHING, TERMS_AND_VOTES
from checkers.raft.trace import TraceError, load_traces
from checkers.raft.wal import WalEntry, WalRecord, WalSnapshot, WalState, facts_of_wals
from checkers.verdict import Answer

TRACE = """\
{"at":1,"node":"n1","what":{"type":"start","incarnation":1,"term":0,"last_index":0,\
"applied_index":0,"torn_bytes":0}}
{"at":3,"node":"n1","what":{"type":"role","role":"leader","term":1,"leader":"n1"}}
{"at":4,"node":"n1","what":{"type":"persist","term":1,"voted_for":"n1","first_index":1,\
"last_index":1,"last_term":1,"entries":[[1,77]]}}
{"at":5,"node":"n1","what":{"type":"note","words":"is paused"}}
{"at":6,"node":"n1","what":{"type":"crash","tail":"kept","lost_bytes":0}}
"""


def test_a_trace_is_read_as_facts(tmp_path: Path) -> None:
    (tmp_path / "n1.jsonl").write_text(TRACE)

    facts = load_traces(tmp_path)

    assert [fact.what for fact in facts] == [
        Restarted(0, None, 0, 0, ()),
        LedFrom(1),
        HardState(1, "n1"),
        Appended((EntryMark(1, 1, 77),)),
        StoppedLeading(),
    ]


def test_traces_are_merged_by_time_and_torn_tails_dropped(tmp_path: Path) -> None:
    (tmp_path / "n1.jsonl").write_text(TRACE + '{"at":9,"no')
    (tmp_path / "n2.jsonl").write_text(TRACE.replace('"n1"', '"n2"').replace('"at":3', '"at":2'))

    facts = load_traces(tmp_path)

    assert [fact.at_ns for fact in facts] == sorted(fact.at_ns for fact in facts)
    assert len(facts) == 10


def test_what_is_no_trace_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "n1.jsonl").write_text(TRACE + "{}\n")

    with pytest.raises(TraceError, match=r"n1\.jsonl:6: not a transition"):
        load_traces(tmp_path)


def entry(node: str, index: int, term: int, data_hash: str = "a") -> WalEntry:
    return WalEntry(node=node, term=term, index=index, kind="command", data_hash=data_hash)


def state(node: str, term: int, commit_index: int, voted_for: str | None = None) -> WalState:
    return WalState(node=node, term=term, voted_for=voted_for, commit_index=commit_index)


def broken(**wals: list[WalRecord]) -> set[str]:
    verdict = judge_facts(facts_of_wals(wals))
    return {leaf.checker for leaf in verdict.leaves() if leaf.answer is Answer.INVALID}


def test_logs_on_disk_that_agree_are_valid() -> None:
    first: list[WalRecord] = [entry("n1", 1, 1), entry("n1", 2, 1), state("n1", 1, 2)]
    second: list[WalRecord] = [
        entry("n2", 1, 1),
        entry("n2", 2, 9, "b"),
        entry("n2", 2, 1),
        state("n2", 1, 2),
        WalSnapshot(node="n2", index=9, term=3),
        entry("n2", 10, 3),
    ]

    assert broken(n1=first, n2=second) == set()


def test_logs_on_disk_that_differ_at_an_index_and_term_are_convicted() -> None:
    assert broken(n1=[entry("n1", 1, 1)], n2=[entry("n2", 1, 1, "b")]) == {LOG_MATCHING}


def test_a_log_on_disk_in_which_a_committed_entry_is_overwritten_is_convicted() -> None:
    records: list[WalRecord] = [entry("n1", 1, 1), state("n1", 1, 1), entry("n1", 1, 2, "b")]

    assert broken(n1=records) == {COMMITTED_SURVIVES}


def test_a_log_on_disk_in_which_a_term_goes_back_is_convicted() -> None:
    assert broken(n1=[state("n1", 3, 0), state("n1", 2, 0)]) == {TERMS_AND_VOTES}
