"""Each invariant is shown a state, or a step, that it must reject."""

from collections import deque

import pytest

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Change, Configuration
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Dropped
from nodeimpl.raft.invariants import check_basic, check_delta, observe
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import Snapshot
from nodeimpl.raft.progress import ProgressState
from nodeimpl.raft.roles import Candidate, Follower, PreCandidate
from nodeimpl.raft.state import ConfigurationAt, ReadBatch, adopt_configuration
from tests.nodeimpl.raft.situations import (
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    candidate,
    entries,
    established_leader,
    follower,
    leader,
    refused,
    role_of_leader,
    trimmed_follower,
    trimmed_leader,
)

HEARTBEAT = Instant(START + 50_000_000)

# ------------------------------------------------------------------ basic


def test_sound_states_pass() -> None:
    for raft in (follower(), follower(1, 2), candidate(1), leader(1), established_leader(1)):
        assert check_basic(raft.state) == []


def test_a_commit_index_outside_of_the_log_is_rejected() -> None:
    state = follower(1).state
    state.commit_index = LogIndex(2)

    assert check_basic(state) == ["commit index 2 is not in the log up to 1"]


def test_a_log_ahead_of_the_term_is_rejected() -> None:
    state = follower(1, 2).state
    state.current_term = Term(1)

    assert check_basic(state) == ["the log ends in term 2, ahead of term 1"]


def test_an_unsaved_vote_is_rejected() -> None:
    state = follower().state
    state.hard_state_is_unsaved = True

    assert check_basic(state) == ["a call left effects behind, or a term or vote unsaved"]


def test_effects_left_behind_are_rejected() -> None:
    state = follower().state
    state.effects.append(Dropped(()))

    assert check_basic(state) == ["a call left effects behind, or a term or vote unsaved"]


def test_a_follower_of_itself_is_rejected() -> None:
    state = follower(term=1).state
    state.role = Follower(ME)

    assert check_basic(state) == ["node 1 follows itself in term 1"]


def test_a_candidate_that_voted_for_another_is_rejected() -> None:
    state = candidate().state
    state.voted_for = PEER

    assert check_basic(state) == ["a candidate voted for 2 in term 1"]


def test_a_vote_from_a_stranger_is_rejected() -> None:
    state = candidate().state
    state.role = Candidate({ME, NodeId(9)})

    assert check_basic(state) == ["votes from [1, 9], of voters (1, 2, 3)"]


def test_a_leader_without_an_entry_of_its_term_is_rejected() -> None:
    state = leader(1).state
    state.log.truncate(LogIndex(2))

    assert check_basic(state) == ["the leader of term 2 has a log that ends in 1"]


def test_a_leader_that_does_not_know_a_peer_is_rejected() -> None:
    raft = leader()
    del role_of_leader(raft).progress[OTHER]

    assert check_basic(raft.state) == ["progress of (2,), of peers (2, 3)"]


@pytest.mark.parametrize(
    ("match_index", "in_flight", "next_index"),
    [
        pytest.param(2, [], 2, id="next_index is not above match_index"),
        pytest.param(1, [1], 3, id="in flight, but stored"),
        pytest.param(0, [2, 1], 3, id="in flight out of order"),
        pytest.param(0, [3], 3, id="in flight, but not sent"),
        pytest.param(0, [], 9, id="next_index beyond the log"),
    ],
)
def test_progress_out_of_order_is_rejected(
    match_index: int, in_flight: list[int], next_index: int
) -> None:
    raft = established_leader(1, 1)
    progress = role_of_leader(raft).progress[PEER]

    progress.match_index = LogIndex(match_index)
    progress.in_flight = deque(LogIndex(index) for index in in_flight)
    progress.next_index = LogIndex(next_index)

    assert len(check_basic(raft.state)) == 1


def test_more_in_flight_than_the_window_is_rejected() -> None:
    raft = established_leader(*[1] * 9)
    progress = role_of_leader(raft).progress[PEER]

    progress.match_index = LogIndex(0)
    progress.in_flight = deque(LogIndex(index) for index in range(1, 7))

    assert check_basic(raft.state) == ["progress of 2: 6 AppendEntries in flight"]


def test_a_trimmed_entry_that_is_to_be_sent_is_rejected() -> None:
    raft = trimmed_leader(5, 1)
    progress = role_of_leader(raft).progress[PEER]

    progress.next_index = LogIndex(5)

    assert check_basic(raft.state) == ["2 is to be sent 5, which was trimmed"]


def sending_leader() -> Raft:
    """Return a leader that has sent PEER the beginning of its state at 5 of term 1."""
    raft = trimmed_leader(5, 1)
    raft.receive(START, PEER, refused(raft, 3))
    raft.snapshot_ready(START, Snapshot(LogIndex(5), Term(1), b"", b"state"))
    return raft


def test_a_leader_that_sends_a_snapshot_passes() -> None:
    assert check_basic(sending_leader().state) == []


def test_a_snapshot_that_is_sent_to_no_one_in_need_is_rejected() -> None:
    raft = sending_leader()

    role_of_leader(raft).progress[PEER].state = ProgressState.PROBE

    (breach,) = check_basic(raft.state)
    assert breach.startswith("2 is in PROBE, with the transfer Transfer(")


def test_an_entry_next_that_does_not_follow_the_snapshot_is_rejected() -> None:
    raft = sending_leader()

    role_of_leader(raft).progress[PEER].next_index = LogIndex(7)

    assert check_basic(raft.state) == ["2 is sent a snapshot at 5, and 7 next"]


def test_a_chunk_of_a_round_to_come_is_rejected() -> None:
    raft = sending_leader()

    role_of_leader(raft).round = 1

    assert check_basic(raft.state) == ["2 is sent a chunk in round 2 of 1"]


def test_an_answer_to_a_round_that_was_not_started_is_rejected() -> None:
    raft = leader()

    raft.receive(START, PEER, accepted(raft, 1, round_=8))

    assert check_basic(raft.state) == ["2 answered round 8 of 1"]


def test_reads_counted_wrong_are_rejected() -> None:
    state = follower().state
    state.reads[RequestId(1)] = ReadBatch(
        request_ids=(RequestId(1),), asked_term=Term(0), asked_at=START
    )

    assert check_basic(state) == ["1 reads wait, counted as 0"]


def test_a_configuration_that_is_not_in_the_log_is_rejected() -> None:
    raft = established_leader()
    raft.change_membership(START, RequestId(1), Change(added=(NodeId(4),)))

    raft.state.log.truncate(LogIndex(2))

    assert "configurations since [0, 2], but the log has entries of them at []" in check_basic(
        raft.state
    )


def test_voters_that_are_not_those_in_force_are_rejected() -> None:
    state = follower().state
    state.voter_sets = ((ME, PEER),)

    (breach,) = check_basic(state)

    assert breach.startswith("voters ((1, 2),) and peers (2, 3) of")


def test_a_learner_that_stands_for_election_is_rejected() -> None:
    state = candidate().state
    state.configurations.append(
        ConfigurationAt(LogIndex(0), RequestId(0), Configuration((PEER, OTHER), (ME,)))
    )

    assert "node 1 is a candidate, and a learner" in check_basic(state)


def test_a_leader_that_rests_on_a_joint_configuration_is_rejected() -> None:
    state = established_leader().state
    joint = Configuration((ME, PEER), (), (ME, PEER, OTHER))
    state.configurations[:] = [ConfigurationAt(LogIndex(0), RequestId(0), joint)]
    adopt_configuration(state)

    (breach,) = check_basic(state)

    assert breach.endswith("and leaves it at that")


def test_a_leader_that_sleeps_too_long_is_rejected() -> None:
    raft = established_leader()
    role_of_leader(raft).check_deadline = START
    role_of_leader(raft).heartbeat_deadline = role_of_leader(raft).deadline = HEARTBEAT

    (breach,) = check_basic(raft.state)

    assert breach == "the leader wakes at 50000000, and its deadlines are [0, 50000000]"


# ------------------------------------------------------------------ delta


def test_a_sound_step_passes() -> None:
    raft = follower(1, 1)
    before = observe(raft.state)

    raft.receive(START, PEER, append(term=3, prev_index=2, prev_term=1, commit_index=2))

    assert check_delta(before, raft.state) == []


def test_a_falling_term_is_rejected() -> None:
    before = observe(follower(term=3).state)

    assert check_delta(before, follower(term=2).state) == ["the term fell from 3 to 2"]


@pytest.mark.parametrize("vote", [None, OTHER])
def test_a_changed_vote_is_rejected(vote: NodeId | None) -> None:
    before = observe(follower(term=3, voted_for=PEER).state)

    breaches = check_delta(before, follower(term=3, voted_for=vote).state)

    assert breaches == [f"the vote of term 3 changed from 2 to {vote}"]


def test_a_changed_leader_is_rejected() -> None:
    state = follower(term=3).state
    state.role = Follower(PEER)
    before = observe(state)

    state.role = Follower(OTHER)

    assert check_delta(before, state) == ["the leader of term 3 changed from 2 to 3"]


def test_a_follower_that_becomes_candidate_within_its_term_is_rejected() -> None:
    state = follower(term=3, voted_for=ME).state
    before = observe(state)

    state.role = Candidate({ME})

    assert check_delta(before, state) == ["a follower became candidate within term 3"]


def test_a_falling_commit_index_is_rejected() -> None:
    before = observe(follower(1, 1, commit_index=2).state)

    breaches = check_delta(before, follower(1, 1, commit_index=1).state)

    assert breaches == ["the commit index fell from 2 to 1"]


def test_a_replaced_committed_entry_is_rejected() -> None:
    before = observe(follower(1, 1, commit_index=2, term=2).state)

    breaches = check_delta(before, follower(1, 2, commit_index=2).state)

    assert breaches == ["the committed entry 2@1 is gone"]


def test_a_leader_that_drops_an_entry_is_rejected() -> None:
    raft = established_leader(1, 1)
    raft.propose(START, [(RequestId(1), b"x")])
    before = observe(raft.state)

    raft.state.log.truncate(LogIndex(4))

    assert check_delta(before, raft.state) == ["a leader's entry 4@2 is gone"]


def test_a_falling_round_is_rejected() -> None:
    raft = established_leader()
    before = observe(raft.state)

    role_of_leader(raft).round = 0

    assert check_delta(before, raft.state) == ["the round fell from 1 to 0"]


def test_a_falling_match_index_is_rejected() -> None:
    raft = established_leader()
    before = observe(raft.state)

    role_of_leader(raft).progress[PEER].match_index = LogIndex(0)

    assert check_delta(before, raft.state) == ["match_index of 2 fell from 1 to 0"]


def test_a_trimmed_committed_entry_is_not_missed() -> None:
    state = follower(1, 1, 1, commit_index=2).state
    before = observe(state)

    state.log = RaftLog(entries(1, after=2), prefix_index=LogIndex(2), prefix_term=Term(1))

    assert check_delta(before, state) == []


def test_a_leader_may_be_forgotten_by_who_asks_for_promises_but_not_by_a_follower() -> None:
    state = follower(term=3).state
    state.role = Follower(PEER)
    before = observe(state)

    state.role = PreCandidate({ME})
    asking = check_delta(before, state)
    state.role = Follower(None)
    following = check_delta(before, state)

    assert asking == []
    assert following == ["the leader of term 3 changed from 2 to None"]


def test_a_second_change_before_the_first_is_committed_is_rejected() -> None:
    raft = established_leader()
    raft.change_membership(START, RequestId(1), Change(added=(NodeId(4),)))
    before = observe(raft.state)

    second = ConfigurationAt(LogIndex(3), RequestId(2), raft.configuration)
    raft.state.configurations.append(second)

    assert check_delta(before, raft.state) == [
        "a leader changed members at [2, 3], having committed 1"
    ]


def test_a_trimmed_prefix_that_comes_back_is_rejected() -> None:
    before = observe(trimmed_follower(2, 1, 1).state)

    breaches = check_delta(before, follower(1, 1, 1, commit_index=2).state)

    assert breaches == ["the trimmed prefix shrank from 2 to 0"]
