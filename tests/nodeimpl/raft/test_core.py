"""The class that dispatches: what its caller may rely on."""

import pytest

from nodeimpl.raft.effects import RoleName
from tests.nodeimpl.raft.situations import (
    CONFIG,
    ME,
    PEER,
    START,
    append,
    candidate,
    established_leader,
    follower,
    kinds,
)


def test_waking_too_early_is_harmless() -> None:
    raft = follower()
    deadline = raft.deadline

    assert raft.wake(START) == []
    assert raft.deadline == deadline


def test_a_leader_waits_for_its_next_heartbeat() -> None:
    assert established_leader().deadline <= START + CONFIG.heartbeat_interval_ns


def test_a_lone_voter_elects_itself_once_its_vote_is_durable() -> None:
    raft = follower(voters=(ME,))

    effects = raft.wake(raft.deadline)

    assert kinds(effects) == ["Became", "Persist", "Became", "Persist", "Commit"]
    assert raft.role is RoleName.LEADER


def test_the_leader_is_known_to_itself_and_its_followers_but_to_no_candidate() -> None:
    following = follower(term=1)
    following.receive(START, PEER, append(term=1))

    assert established_leader().leader == ME
    assert following.leader == PEER
    assert candidate().leader is None


def test_nothing_to_propose_or_read_is_an_error() -> None:
    with pytest.raises(AssertionError):
        established_leader().propose(START, [])
    with pytest.raises(AssertionError):
        established_leader().read(START, [])


def test_the_same_inputs_and_seed_lead_to_the_same_effects() -> None:
    one, other = follower(seed=5), follower(seed=5)

    assert one.deadline == other.deadline
    assert one.wake(one.deadline) == other.wake(other.deadline)
