"""Commands on their way to the leader."""

from nodeimpl.config import RaftConfig
from nodeimpl.ids import RequestId, Term
from nodeimpl.raft.effects import Dropped, Send
from nodeimpl.raft.messages import Proposal
from tests.nodeimpl.raft.situations import (
    OTHER,
    PEER,
    START,
    append,
    candidate,
    established_leader,
    follower,
    kinds,
)

X = (RequestId(1), b"x")
Y = (RequestId(2), b"y")


def proposal(request_id: int, *, term: int = 1) -> Proposal:
    return Proposal(Term(term), RequestId(request_id), b"%d" % request_id)


def test_without_a_leader_proposals_are_dropped() -> None:
    assert follower().propose(START, [X, Y]) == [Dropped((RequestId(1), RequestId(2)))]
    assert candidate().propose(START, [X]) == [Dropped((RequestId(1),))]


def test_a_follower_forwards_each_proposal_to_its_leader() -> None:
    raft = follower(term=1)
    raft.receive(START, PEER, append(term=1))

    effects = raft.propose(START, [X, Y])

    assert effects == [
        Send(PEER, Proposal(Term(1), RequestId(1), b"x")),
        Send(PEER, Proposal(Term(1), RequestId(2), b"y")),
    ]


def test_a_forwarded_proposal_is_appended_once() -> None:
    raft = established_leader()

    first = raft.receive(START, PEER, proposal(7))
    second = raft.receive(START, PEER, proposal(7))

    assert kinds(first) == ["AppendEntries", "AppendEntries", "Persist"]
    assert second == []


def test_each_sender_has_its_own_request_ids() -> None:
    raft = established_leader()
    raft.receive(START, PEER, proposal(7))

    assert kinds(raft.receive(START, OTHER, proposal(7)))[-1] == "Persist"


def test_what_the_leader_remembers_is_bounded_and_still_exact() -> None:
    raft = established_leader(config=RaftConfig(proposals_remembered_max=1))
    for request_id in (1, 2, 3, 4):
        raft.receive(START, PEER, proposal(request_id))
    before = raft.last_index

    for request_id in (4, 3, 2, 1):
        raft.receive(START, PEER, proposal(request_id))

    assert raft.last_index == before


def test_a_proposal_to_the_leader_of_an_earlier_term_is_passed_over() -> None:
    raft = established_leader(1)

    assert raft.receive(START, PEER, proposal(7, term=1)) == []


def test_a_proposal_to_a_node_that_does_not_lead_is_passed_over() -> None:
    assert follower(term=1).receive(START, PEER, proposal(7, term=1)) == []
