"""Raft Figure 2, Rules for Servers: one test each, in the order in which they are stated."""

import pytest

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.effects import Became, Commit, Persist, RoleName, Send
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    HardState,
    Message,
    Proposal,
    ReadIndex,
    ReadIndexReply,
)
from tests.nodeimpl.raft.situations import (
    CONFIG,
    FIVE,
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    append_to,
    candidate,
    denied,
    entries,
    entry,
    established_leader,
    follower,
    granted,
    kinds,
    leader,
    refused,
    request_vote,
    role_of_leader,
)

# ------------------------------------------------------------------ Figure 2, Rules for Servers


def test_all_servers_apply_what_is_committed_in_order_and_once() -> None:
    raft = follower(1, 1, 1)

    first = raft.receive(START, PEER, append(term=1, prev_index=3, prev_term=1, commit_index=2))
    second = raft.receive(START, PEER, append(term=1, prev_index=3, prev_term=1, commit_index=3))
    third = raft.receive(START, PEER, append(term=1, prev_index=3, prev_term=1, commit_index=3))

    assert first[-1] == Commit(entries(1, 1))
    assert second[-1] == Commit(entries(1, 1, 1)[2:])
    assert "Commit" not in kinds(third)


@pytest.mark.parametrize(
    "message",
    [
        request_vote(term=9),
        denied(9),
        append(term=9),
        AppendEntriesReply(Term(9), False, LogIndex(0), LogIndex(0), Term(0), 0),  # noqa: FBT003
        Proposal(Term(9), RequestId(1), b""),
        ReadIndex(Term(9), RequestId(1)),
        ReadIndexReply(Term(9), RequestId(1), LogIndex(1)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_all_servers_convert_to_follower_on_a_later_term(message: Message) -> None:
    raft = leader()

    effects = raft.receive(START, PEER, message)

    assert (raft.role, raft.current_term) == (RoleName.FOLLOWER, 9)
    assert isinstance(effects[0], Became)
    assert isinstance(effects[1], Persist)


def test_followers_respond_to_candidates_and_leaders() -> None:
    raft = follower(term=1)

    to_candidate = raft.receive(START, PEER, request_vote(term=1))
    to_leader = raft.receive(START, PEER, append(term=1))

    assert kinds(to_candidate)[-1] == "RequestVoteReply"
    assert kinds(to_leader)[-1] == "AppendEntriesReply"


def test_followers_convert_to_candidate_when_the_election_timeout_elapses() -> None:
    raft = follower()

    before = raft.wake(Instant(raft.deadline - 1))
    after = raft.wake(raft.deadline)

    assert before == []
    assert after[0] == Became(RoleName.CANDIDATE, Term(1), None)


def test_followers_wait_anew_after_append_entries_of_the_current_leader() -> None:
    raft = follower(term=1)
    later = Instant(raft.deadline - 1)

    raft.receive(later, PEER, append(term=1))

    assert raft.deadline >= later + CONFIG.election_timeout_ns_min


def test_followers_wait_anew_after_granting_a_vote() -> None:
    raft = follower(term=1)
    later = Instant(raft.deadline - 1)

    raft.receive(later, PEER, request_vote(term=1))

    assert raft.deadline >= later + CONFIG.election_timeout_ns_min


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(request_vote(term=2), id="a vote refused"),
        pytest.param(append(term=1), id="an earlier leader"),
        pytest.param(denied(2), id="a later term"),
    ],
)
def test_followers_do_not_wait_anew_for_anything_else(message: Message) -> None:
    raft = follower(1, term=1)
    raft.receive(START, OTHER, denied(2))
    deadline = raft.deadline

    raft.receive(Instant(deadline - 1), PEER, message)

    assert raft.deadline == deadline


def test_candidates_start_an_election_on_conversion() -> None:
    raft = follower(1, 2)
    now = raft.deadline

    effects = raft.wake(now)

    assert effects == [
        Became(RoleName.CANDIDATE, Term(3), None),
        Persist(HardState(Term(3), ME), ()),
        Send(PEER, request_vote(term=3, last_index=2, last_term=2)),
        Send(OTHER, request_vote(term=3, last_index=2, last_term=2)),
    ]
    assert raft.deadline >= now + CONFIG.election_timeout_ns_min


def test_candidates_become_leader_with_votes_from_a_majority() -> None:
    raft = candidate(voters=FIVE)

    raft.receive(START, NodeId(2), granted(1))
    with_two = raft.role
    raft.receive(START, NodeId(3), granted(1))
    with_three = raft.role

    assert (with_two, with_three) == (RoleName.CANDIDATE, RoleName.LEADER)


def test_candidates_count_each_voter_once() -> None:
    raft = candidate(voters=FIVE)

    raft.receive(START, PEER, granted(1))
    raft.receive(START, PEER, granted(1))

    assert raft.role is RoleName.CANDIDATE


def test_candidates_do_not_count_refusals_strangers_or_votes_of_other_terms() -> None:
    raft = candidate(1)  # asks in term 2

    raft.receive(START, PEER, denied(2))
    raft.receive(START, NodeId(9), granted(2))
    raft.receive(START, OTHER, granted(1))

    assert raft.role is RoleName.CANDIDATE


def test_candidates_convert_to_follower_on_append_entries_of_the_new_leader() -> None:
    raft = candidate()

    effects = raft.receive(START, PEER, append(term=1))

    assert effects[0] == Became(RoleName.FOLLOWER, Term(1), PEER)


def test_candidates_stay_on_append_entries_of_an_earlier_term() -> None:
    raft = candidate(1)

    raft.receive(START, PEER, append(term=1))

    assert raft.role is RoleName.CANDIDATE


def test_candidates_start_a_new_election_when_the_election_timeout_elapses() -> None:
    raft = candidate()

    effects = raft.wake(raft.deadline)

    assert effects[:2] == [
        Became(RoleName.CANDIDATE, Term(2), None),
        Persist(HardState(Term(2), ME), ()),
    ]


def test_leaders_send_at_once_to_each_server_upon_election() -> None:
    # The first AppendEntries brings the no-op (§8); the paper's is empty.
    raft = candidate(1)

    effects = raft.receive(START, PEER, granted(2))

    assert kinds(effects) == ["Became", "AppendEntries", "AppendEntries", "Persist"]


def test_leaders_send_heartbeats_during_idle_periods() -> None:
    raft = established_leader()
    now = raft.deadline

    effects = raft.wake(now)

    assert kinds(effects) == ["AppendEntries", "AppendEntries"]
    assert append_to(PEER, effects).entries == ()
    assert raft.deadline == now + CONFIG.heartbeat_interval_ns


def test_leaders_append_a_command_to_their_log() -> None:
    raft = established_leader()

    effects = raft.propose(START, [(RequestId(1), b"x")])

    assert effects[-1] == Persist(None, (entry(2, 1, b"x"),))
    assert raft.log.entry_at(LogIndex(2)) == entry(2, 1, b"x")


def test_leaders_send_entries_from_next_index_on() -> None:
    raft = established_leader()

    effects = raft.propose(START, [(RequestId(1), b"x"), (RequestId(2), b"y")])

    message = append_to(PEER, effects)
    assert (message.prev_log_index, message.prev_log_term) == (1, 1)
    assert message.entries == (entry(2, 1, b"x"), entry(3, 1, b"y"))


def test_leaders_raise_next_index_and_match_index_on_success() -> None:
    raft = leader(1)

    raft.receive(START, PEER, accepted(raft, 2))

    progress = role_of_leader(raft).progress[PEER]
    assert (progress.match_index, progress.next_index) == (2, 3)


def test_leaders_lower_next_index_and_retry_on_inconsistency() -> None:
    raft = leader(1, 1, 1)

    effects = raft.receive(START, PEER, refused(raft, 2))

    message = append_to(PEER, effects)
    assert message.prev_log_index == 1
    assert message.entries == raft.log.between(LogIndex(2), raft.last_index)


def test_leaders_commit_what_a_majority_has_stored() -> None:
    raft = leader(voters=FIVE)

    with_two = raft.receive(START, NodeId(2), accepted(raft, 1))
    with_three = raft.receive(START, NodeId(3), accepted(raft, 1))

    assert "Commit" not in kinds(with_two)
    assert isinstance(with_three[0], Commit)
