"""How roles change, and what no transition may do."""

import pytest

from nodeimpl.ids import Instant, Term
from nodeimpl.raft.effects import Became, RoleName
from nodeimpl.raft.transitions import become_candidate, become_follower, become_leader
from tests.nodeimpl.raft.situations import (
    CONFIG,
    ME,
    OTHER,
    PEER,
    START,
    append,
    candidate,
    follower,
    leader,
)


def test_a_later_term_frees_the_vote() -> None:
    state = follower(term=1, voted_for=PEER).state

    become_follower(state, START, term=Term(2), leader=None)

    assert (state.current_term, state.voted_for) == (2, None)
    assert state.hard_state_is_unsaved


def test_the_same_term_keeps_the_vote() -> None:
    state = follower(term=1, voted_for=PEER).state

    become_follower(state, START, term=Term(1), leader=OTHER)

    assert state.voted_for == PEER
    assert not state.hard_state_is_unsaved


def test_a_term_that_falls_is_an_error() -> None:
    with pytest.raises(AssertionError, match="never falls"):
        become_follower(follower(term=2).state, START, term=Term(1), leader=None)


def test_two_leaders_in_a_term_are_an_error_to_one_of_them() -> None:
    raft = leader()

    with pytest.raises(AssertionError, match="Election Safety"):
        raft.receive(START, PEER, append(term=1))


def test_two_leaders_in_a_term_are_an_error_to_a_follower() -> None:
    raft = follower(term=1)
    raft.receive(START, PEER, append(term=1))

    with pytest.raises(AssertionError, match="Election Safety"):
        raft.receive(START, OTHER, append(term=1))


def test_a_leader_that_steps_down_waits_for_a_new_election_timeout() -> None:
    state = leader().state
    later = Instant(START + 10 * CONFIG.election_timeout_ns_max)

    become_follower(state, later, term=Term(2), leader=None)

    assert state.election_deadline >= later + CONFIG.election_timeout_ns_min


def test_a_candidate_that_steps_down_keeps_its_deadline() -> None:
    state = candidate().state
    deadline = state.election_deadline

    become_follower(state, START, term=Term(2), leader=None)

    assert state.election_deadline == deadline


def test_a_candidate_votes_for_itself() -> None:
    state = follower(term=4).state

    become_candidate(state, START)

    assert (state.current_term, state.voted_for) == (5, ME)


def test_a_leader_does_not_stand_for_election() -> None:
    with pytest.raises(AssertionError, match="does not stand"):
        become_candidate(leader().state, START)


def test_a_follower_does_not_become_leader() -> None:
    with pytest.raises(AssertionError, match="only a candidate"):
        become_leader(follower().state, START)


def test_a_candidate_without_a_majority_does_not_become_leader() -> None:
    with pytest.raises(AssertionError, match="has won its election"):
        become_leader(candidate().state, START)


def test_a_change_is_announced_once() -> None:
    raft = follower(term=1)

    first = raft.receive(START, PEER, append(term=1))
    second = raft.receive(START, PEER, append(term=1))

    assert first[0] == Became(RoleName.FOLLOWER, Term(1), PEER)
    assert not any(isinstance(effect, Became) for effect in second)
