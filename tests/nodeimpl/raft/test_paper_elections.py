"""The thesis' rules for elections that disturb nobody, one test each.

PreVote (§9.6), CheckQuorum (§6.2), and leader stickiness (§4.2.3).
"""

import msgspec
import pytest

from nodeimpl.config import RaftConfig
from nodeimpl.ids import Instant, LogIndex, NodeId, Term
from nodeimpl.raft.effects import Became, Persist, RoleName, Send
from nodeimpl.raft.messages import (
    HardState,
    Message,
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
)
from tests.nodeimpl.raft.cluster import Cluster
from tests.nodeimpl.raft.situations import (
    CAREFUL,
    FIVE,
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    established_leader,
    follower,
    kinds,
    leader,
)

BASELINE = CAREFUL.election_timeout_ns_min
LOOK = CAREFUL.election_timeout_ns_max
ONLY_CHECK_QUORUM = msgspec.structs.replace(CAREFUL, pre_vote=False)


def pre_vote(term: int, last_index: int = 0, last_term: int = 0) -> PreVote:
    return PreVote(Term(term), LogIndex(last_index), Term(last_term))


def promise(term: int, asked_term: int) -> PreVoteReply:
    return PreVoteReply(Term(term), Term(asked_term), vote_granted=True)


def denial(term: int, asked_term: int) -> PreVoteReply:
    return PreVoteReply(Term(term), Term(asked_term), vote_granted=False)


def request_vote(term: int, *, leadership_transfer: bool = False) -> RequestVote:
    return RequestVote(Term(term), LogIndex(9), Term(term - 1), leadership_transfer)


# ------------------------------------------------------------------ thesis §9.6, who asks


def test_9_6_an_election_timeout_asks_for_promises_and_changes_neither_term_nor_vote() -> None:
    raft = follower(1, 2, config=CAREFUL)

    effects = raft.wake(raft.deadline)

    assert effects == [
        Became(RoleName.PRE_CANDIDATE, Term(2), None),
        Send(PEER, pre_vote(2, 2, 2)),
        Send(OTHER, pre_vote(2, 2, 2)),
    ]
    assert (raft.current_term, raft.state.voted_for) == (2, None)


def test_9_6_the_term_is_only_incremented_once_a_majority_has_promised() -> None:
    raft = follower(1, config=CAREFUL, voters=FIVE)
    raft.wake(raft.deadline)

    with_two = raft.receive(START, NodeId(2), promise(1, asked_term=1))
    with_three = raft.receive(START, NodeId(3), promise(1, asked_term=1))

    assert with_two == []
    assert with_three[:2] == [
        Became(RoleName.CANDIDATE, Term(2), None),
        Persist(HardState(Term(2), ME), ()),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(denial(1, asked_term=1), id="a denial"),
        pytest.param(promise(1, asked_term=0), id="a promise of an earlier term"),
    ],
)
def test_9_6_nothing_else_counts_as_a_promise(answer: Message) -> None:
    raft = follower(1, config=CAREFUL)
    raft.wake(raft.deadline)

    effects = raft.receive(START, PEER, answer)

    assert effects == []
    assert raft.role is RoleName.PRE_CANDIDATE


def test_9_6_each_node_promises_once() -> None:
    raft = follower(1, config=CAREFUL, voters=FIVE)
    raft.wake(raft.deadline)

    raft.receive(START, PEER, promise(1, asked_term=1))
    raft.receive(START, PEER, promise(1, asked_term=1))

    assert raft.role is RoleName.PRE_CANDIDATE


def test_9_6_a_denial_of_a_later_term_is_learnt_from() -> None:
    raft = follower(1, config=CAREFUL)
    raft.wake(raft.deadline)

    effects = raft.receive(START, PEER, denial(4, asked_term=1))

    assert effects == [
        Became(RoleName.FOLLOWER, Term(4), None),
        Persist(HardState(Term(4), None), ()),
    ]


def test_9_6_who_asks_follows_a_leader_of_its_term_again() -> None:
    raft = follower(1, config=CAREFUL)
    raft.wake(raft.deadline)

    effects = raft.receive(START, PEER, append(term=1))

    assert effects[0] == Became(RoleName.FOLLOWER, Term(1), PEER)


def test_9_6_a_question_without_answers_is_asked_again() -> None:
    raft = follower(1, config=CAREFUL)
    raft.wake(raft.deadline)

    effects = raft.wake(raft.deadline)

    assert kinds(effects) == ["PreVote", "PreVote"]


def test_9_6_a_candidate_whose_election_failed_asks_before_the_next() -> None:
    raft = follower(1, config=CAREFUL)
    raft.wake(raft.deadline)
    raft.receive(START, PEER, promise(1, asked_term=1))

    effects = raft.wake(raft.deadline)

    assert effects[0] == Became(RoleName.PRE_CANDIDATE, Term(2), None)


def test_9_6_a_lone_voter_need_not_ask() -> None:
    raft = follower(config=CAREFUL, voters=(ME,))

    raft.wake(raft.deadline)

    assert raft.role is RoleName.LEADER


# ------------------------------------------------------------------ thesis §9.6, who is asked


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param(pre_vote(2, 2, 2), promise(2, 2), id="the same term and log"),
        pytest.param(pre_vote(5, 2, 2), promise(2, 5), id="a later term, which is not entered"),
        pytest.param(pre_vote(1, 2, 2), denial(2, 1), id="an earlier term"),
        pytest.param(pre_vote(2, 1, 2), denial(2, 2), id="a log that is behind"),
        pytest.param(pre_vote(2, 9, 1), denial(2, 2), id="a log of earlier terms"),
    ],
)
def test_9_6_a_promise_needs_a_new_term_and_an_up_to_date_log(
    question: PreVote, answer: PreVoteReply
) -> None:
    raft = follower(1, 2, voted_for=OTHER, config=CAREFUL)
    deadline = raft.deadline

    effects = raft.receive(START, PEER, question)

    assert effects == [Send(PEER, answer)]
    assert (raft.current_term, raft.state.voted_for, raft.deadline) == (2, OTHER, deadline)


@pytest.mark.parametrize(
    ("waited", "answer"),
    [(BASELINE - 1, denial(1, asked_term=1)), (BASELINE, promise(1, asked_term=1))],
)
def test_9_6_who_has_heard_a_leader_within_the_baseline_election_timeout_refuses(
    waited: int, answer: PreVoteReply
) -> None:
    raft = follower(term=1, config=CAREFUL)
    raft.receive(START, PEER, append(term=1))

    effects = raft.receive(Instant(START + waited), OTHER, pre_vote(1))

    assert effects == [Send(OTHER, answer)]


def test_9_6_a_leader_promises_nothing() -> None:
    raft = established_leader(config=CAREFUL)

    effects = raft.receive(START, PEER, pre_vote(8, 9, 8))

    assert effects == [Send(PEER, denial(1, asked_term=8))]
    assert raft.role is RoleName.LEADER


# ------------------------------------------------------------------ thesis §6.2, CheckQuorum


def test_6_2_a_leader_that_no_majority_answers_for_an_election_timeout_steps_down() -> None:
    raft = established_leader(config=CAREFUL, voters=FIVE)
    raft.wake(Instant(START + LOOK))  # looks back on the answers to its no-op
    raft.receive(START, PEER, accepted(raft, 1, round_=2))

    effects = raft.wake(Instant(START + 2 * LOOK))

    assert effects == [Became(RoleName.FOLLOWER, Term(1), None)]
    assert raft.deadline >= START + 2 * LOOK + BASELINE


def test_6_2_a_leader_that_a_majority_answers_stays() -> None:
    raft = established_leader(config=CAREFUL, voters=FIVE)
    raft.wake(Instant(START + LOOK))
    raft.receive(START, NodeId(2), accepted(raft, 1, round_=2))
    raft.receive(START, NodeId(5), accepted(raft, 1, round_=2))

    raft.wake(Instant(START + 2 * LOOK))

    assert raft.role is RoleName.LEADER


def test_6_2_an_answer_repeated_by_the_network_is_no_sign_of_life() -> None:
    raft = established_leader(config=CAREFUL)
    raft.wake(Instant(START + LOOK))
    raft.receive(START, PEER, accepted(raft, 1, round_=1))

    raft.wake(Instant(START + 2 * LOOK))

    assert raft.role is RoleName.FOLLOWER


def test_6_2_a_leader_looks_even_if_no_heartbeat_is_due() -> None:
    raft = established_leader(config=CAREFUL)
    busy = Instant(START + LOOK - 1)
    raft.wake(busy)

    assert raft.deadline == START + LOOK


def test_6_2_a_leader_stays_if_the_check_is_off() -> None:
    raft = leader()

    raft.wake(Instant(START + LOOK))
    raft.wake(Instant(START + 2 * LOOK))

    assert raft.role is RoleName.LEADER


# ------------------------------------------------------------------ thesis §4.2.3, stickiness


def test_4_2_3_a_request_vote_is_ignored_while_a_leader_is_heard() -> None:
    raft = follower(term=1, config=CAREFUL)
    raft.receive(START, PEER, append(term=1))

    effects = raft.receive(Instant(START + BASELINE - 1), OTHER, request_vote(5))

    assert effects == []
    assert (raft.current_term, raft.leader) == (1, PEER)


def test_4_2_3_a_request_vote_is_heard_once_the_leader_has_been_silent_for_long_enough() -> None:
    raft = follower(term=1, config=CAREFUL)
    raft.receive(START, PEER, append(term=1))

    effects = raft.receive(Instant(START + BASELINE), OTHER, request_vote(5))

    assert effects[-1] == Send(OTHER, RequestVoteReply(Term(5), vote_granted=True))


def test_4_2_3_a_leader_ignores_request_votes_until_it_steps_down() -> None:
    raft = established_leader(config=CAREFUL)

    effects = raft.receive(START, PEER, request_vote(5))

    assert effects == []
    assert raft.role is RoleName.LEADER


def test_4_2_3_an_election_that_the_leader_asked_for_is_not_ignored() -> None:
    raft = follower(term=1, config=CAREFUL)
    raft.receive(START, PEER, append(term=1))

    effects = raft.receive(START, OTHER, request_vote(2, leadership_transfer=True))

    assert effects[-1] == Send(OTHER, RequestVoteReply(Term(2), vote_granted=True))


def test_4_2_3_nobody_is_sticky_to_a_leader_of_an_earlier_term() -> None:
    raft = follower(term=1, config=CAREFUL)
    raft.receive(START, PEER, append(term=1))
    raft.receive(START, PEER, denial(2, asked_term=1))

    effects = raft.receive(START, OTHER, request_vote(5))

    assert effects[-1] == Send(OTHER, RequestVoteReply(Term(5), vote_granted=True))


# ------------------------------------------------------------------ disruptive nodes


@pytest.mark.parametrize("config", [CAREFUL, ONLY_CHECK_QUORUM], ids=["both", "stickiness"])
def test_a_node_that_only_the_leader_cannot_reach_does_not_depose_it(config: RaftConfig) -> None:
    cluster = Cluster(5, config=config)
    cluster.wake(NodeId(1))
    cluster.settle()
    cluster.cut(NodeId(1), NodeId(5))

    cluster.advance(20 * LOOK)

    assert cluster.leader() == 1
    assert {cluster.nodes[node_id].current_term for node_id in cluster.node_ids[:4]} == {1}


def test_a_node_that_was_cut_off_returns_without_a_later_term() -> None:
    cluster = Cluster(3, config=CAREFUL)
    cluster.wake(NodeId(1))
    cluster.settle()
    cluster.isolate(NodeId(3))
    cluster.advance(20 * LOOK)

    cluster.heal()
    cluster.advance(LOOK)

    assert cluster.leader() == 1
    assert cluster.nodes[NodeId(3)].current_term == 1
    assert cluster.nodes[NodeId(3)].leader == 1


def test_a_leader_on_the_wrong_side_of_a_partition_steps_down() -> None:
    cluster = Cluster(3, config=CAREFUL)
    cluster.wake(NodeId(1))
    cluster.settle()
    cluster.isolate(NodeId(1))

    cluster.advance(4 * LOOK)

    assert cluster.nodes[NodeId(1)].role is not RoleName.LEADER
    assert cluster.leader() in {2, 3}
