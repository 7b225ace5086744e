"""A store moves by one revision per command at most."""

import pytest

from harness.environments.simulation.oracle import Breach
from harness.environments.simulation.revision_steps import RevisionSteps
from nodeimpl.boundary import Commit, Effect, Restored
from nodeimpl.ids import LogIndex, Revision, Term
from nodeimpl.raft.messages import Entry, EntryKind


def commit(*kinds: EntryKind) -> Effect:
    entries = [Entry(Term(1), LogIndex(place), kind, b"") for place, kind in enumerate(kinds, 1)]
    return Commit(tuple(entries))


@pytest.fixture
def steps() -> RevisionSteps:
    steps = RevisionSteps("n1")
    steps.judge([], Revision(5))
    return steps


def test_a_command_takes_one_revision_or_none(steps: RevisionSteps) -> None:
    steps.judge([commit(EntryKind.COMMAND)], Revision(6))
    steps.judge([commit(EntryKind.COMMAND)], Revision(6))
    steps.judge([commit(EntryKind.COMMAND), commit(EntryKind.COMMAND)], Revision(8))


def test_a_command_that_takes_two_is_a_breach(steps: RevisionSteps) -> None:
    with pytest.raises(Breach, match="n1 went from revision 5 to 7 by 1 commands"):
        steps.judge([commit(EntryKind.NO_OP, EntryKind.COMMAND)], Revision(7))


def test_a_revision_that_falls_is_a_breach(steps: RevisionSteps) -> None:
    with pytest.raises(Breach, match="from revision 5 to 4"):
        steps.judge([commit(EntryKind.COMMAND)], Revision(4))


def test_another_store_may_be_anywhere(steps: RevisionSteps) -> None:
    steps.judge([Restored(LogIndex(9), Term(1))], Revision(50))
    steps.forget()
    steps.judge([], Revision(3))
