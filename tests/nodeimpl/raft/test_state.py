"""How a node begins, and how it asks for durability."""

from random import Random

import pytest

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Persist, RoleName
from nodeimpl.raft.messages import HardState
from nodeimpl.raft.state import Recovered, RecoveredStateError, persist
from tests.nodeimpl.raft.situations import CONFIG, ME, PEER, START, THREE, entries, follower


def test_a_node_begins_as_follower_with_what_it_recovered() -> None:
    raft = follower(1, 2, term=4, voted_for=PEER, commit_index=1)

    assert (raft.role, raft.current_term, raft.leader) == (RoleName.FOLLOWER, 4, None)
    assert (raft.state.voted_for, raft.last_index, raft.commit_index) == (PEER, 2, 1)


def test_an_empty_disk_is_a_new_node() -> None:
    raft = Raft(CONFIG, ME, THREE, Recovered(), Random(0), START)

    assert (raft.current_term, raft.last_index, raft.commit_index) == (0, 0, 0)


def test_a_store_ahead_of_the_log_is_refused() -> None:
    with pytest.raises(RecoveredStateError, match="has applied 3, but the log ends at 1"):
        Recovered(hard_state=HardState(Term(1), None), entries=entries(1), commit_index=LogIndex(3))


def test_a_log_ahead_of_the_term_is_refused() -> None:
    with pytest.raises(RecoveredStateError, match="ends in term 2, but the current term is 1"):
        Recovered(hard_state=HardState(Term(1), None), entries=entries(1, 2))


def test_a_node_that_is_no_voter_is_an_error() -> None:
    with pytest.raises(AssertionError, match="node 9 is not among the voters"):
        Raft(CONFIG, NodeId(9), THREE, Recovered(), Random(0), START)


def test_persist_asks_for_nothing_if_nothing_changed() -> None:
    state = follower().state

    persist(state)

    assert state.effects == []


def test_persist_asks_once_for_a_hard_state_that_changed() -> None:
    state = follower(term=2).state
    state.hard_state_is_unsaved = True

    persist(state, entries(1))
    persist(state)

    assert state.effects == [Persist(HardState(Term(2), None), entries(1))]
