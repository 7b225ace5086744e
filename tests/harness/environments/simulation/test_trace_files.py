"""Traces on disk, and where a repetition first does something else."""

from pathlib import Path

import msgspec
import pytest

from harness.environments.simulation.trace import Committed, Noted, Role, Trace, Transition, What
from harness.environments.simulation.trace_files import (
    TRANSITIONS_LOG,
    Divergence,
    TraceComparer,
    TraceWriter,
)
from harness.errors import RunDirectoryError

N1_LEADS = Transition(10, "n1", Role("leader", 1, "n1"))
N2_FOLLOWS = Transition(20, "n2", Role("follower", 1, "n1"))
N1_COMMITS = Transition(30, "n1", Committed(1, 1, 1))
RECORDED = (N1_LEADS, N2_FOLLOWS, N1_COMMITS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the traces of a run that did what RECORDED says."""
    writer = TraceWriter(tmp_path)
    for transition in RECORDED:
        writer.write(transition, msgspec.json.encode(transition))
    writer.close()
    return tmp_path


def divergence(folder: Path, *transitions: Transition) -> Divergence | None:
    comparer = TraceComparer(folder)
    for transition in transitions:
        comparer.write(transition, msgspec.json.encode(transition))
    return comparer.first()


def test_every_node_has_a_file_and_all_share_a_log(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "n1.jsonl",
        "n2.jsonl",
        TRANSITIONS_LOG,
    ]
    lines = (folder / "n1.jsonl").read_bytes().splitlines()
    decoded = [msgspec.json.decode(line, type=Transition) for line in lines]
    assert decoded == [N1_LEADS, N1_COMMITS]
    log = (folder / TRANSITIONS_LOG).read_text()
    assert log == "".join(f"{transition.line()}\n" for transition in RECORDED)


def test_what_was_flushed_is_on_disk_though_the_writer_was_never_closed(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    writer.write(N1_LEADS, msgspec.json.encode(N1_LEADS))
    writer.flush()
    flushed = (tmp_path / "n1.jsonl").read_bytes(), (tmp_path / TRANSITIONS_LOG).read_text()
    writer.close()
    assert flushed == (msgspec.json.encode(N1_LEADS) + b"\n", N1_LEADS.line() + "\n")


def test_a_trace_writes_its_transitions_as_they_were_digested(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    trace = Trace(writer)
    trace.add(N1_LEADS.at, N1_LEADS.node, N1_LEADS.what)
    writer.close()
    assert msgspec.json.decode((tmp_path / "n1.jsonl").read_bytes(), type=Transition) == N1_LEADS


def test_the_same_run_does_not_diverge(folder: Path) -> None:
    assert divergence(folder, *RECORDED) is None


def test_how_nodes_interleave_is_left_to_their_times(folder: Path) -> None:
    assert divergence(folder, N2_FOLLOWS, N1_LEADS, N1_COMMITS) is None


@pytest.mark.parametrize("what", [Committed(1, 2, 1), Noted("is paused")])
def test_another_transition_is_a_divergence(folder: Path, what: What) -> None:
    instead = Transition(30, "n1", what)
    assert divergence(folder, N1_LEADS, N2_FOLLOWS, instead) == Divergence(
        30, "n1", N1_COMMITS, instead
    )


def test_another_time_is_a_divergence_at_the_earlier_of_both(folder: Path) -> None:
    later = Transition(35, "n1", N1_COMMITS.what)
    found = divergence(folder, N1_LEADS, N2_FOLLOWS, later)
    assert found == Divergence(30, "n1", N1_COMMITS, later)


def test_of_several_divergences_the_earliest_is_told(folder: Path) -> None:
    late_commit = Transition(31, "n1", N1_COMMITS.what)
    late_follower = Transition(25, "n2", N2_FOLLOWS.what)
    found = divergence(folder, N1_LEADS, late_commit, late_follower)
    assert found == Divergence(20, "n2", N2_FOLLOWS, late_follower)


def test_only_the_first_divergence_of_a_node_counts(folder: Path) -> None:
    other = Transition(11, "n1", N1_LEADS.what)
    found = divergence(folder, other, N2_FOLLOWS, Transition(1, "n1", Noted("even earlier")))
    assert found == Divergence(10, "n1", N1_LEADS, other)


def test_a_run_that_does_less_diverges_where_it_stops(folder: Path) -> None:
    found = divergence(folder, N1_LEADS, N2_FOLLOWS)
    assert found == Divergence(30, "n1", N1_COMMITS, None)
    assert found is not None
    assert found.describe() == (
        "  recorded:     0.000000030 n1      commits 1..1 of term 1\n"
        "  this run: (nothing more of n1)"
    )


def test_a_run_that_does_more_diverges_where_the_recorded_one_stopped(folder: Path) -> None:
    more = Transition(40, "n3", Noted("is paused"))
    found = divergence(folder, *RECORDED, more)
    assert found == Divergence(40, "n3", None, more)
    assert found is not None
    assert found.describe() == (
        "  recorded: (nothing more of n3)\n  this run:     0.000000040 n3      is paused"
    )


def test_a_line_that_a_kill_left_half_written_ends_the_recording(folder: Path) -> None:
    path = folder / "n1.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    found = divergence(folder, *RECORDED)
    assert found == Divergence(30, "n1", None, N1_COMMITS)


def test_a_line_that_is_no_transition_is_an_error_with_its_place(folder: Path) -> None:
    path = folder / "n1.jsonl"
    path.write_bytes(b'{"at":10,"node":"n1"}\n')
    with pytest.raises(RunDirectoryError, match=r"n1\.jsonl:1: not a transition: "):
        divergence(folder, *RECORDED)
