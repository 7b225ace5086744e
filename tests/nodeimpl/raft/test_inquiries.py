"""Questions to the leader, with bad luck (whole stories: scripts/*inquiry*.txt)."""

from nodeimpl.ids import Instant, NodeId, RequestId, Term
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Dropped, Inquired, InquiryAnswered, Send
from nodeimpl.raft.messages import Inquiry, InquiryReply
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

QUESTION = RequestId(7)


def follower_of_peer(term: int = 1) -> Raft:
    raft = follower(term=term)
    raft.receive(START, PEER, append(term=term))
    return raft


def inquiry(term: int) -> Inquiry:
    return Inquiry(Term(term), QUESTION, b"x")


def test_without_a_leader_a_question_is_dropped() -> None:
    for raft in (follower(), candidate()):
        assert raft.inquire(START, QUESTION, b"x") == [Dropped((QUESTION,))]
        assert raft.state.inquiries == {}


def test_a_follower_sends_it_to_the_leader_and_hands_on_the_first_answer() -> None:
    raft = follower_of_peer()
    assert raft.inquire(START, QUESTION, b"x") == [Send(PEER, inquiry(1))]
    reply = InquiryReply(Term(1), QUESTION, b"y")
    assert raft.receive(START, PEER, reply) == [InquiryAnswered(QUESTION, b"y")]
    assert raft.receive(START, PEER, reply) == []


def test_the_answer_of_an_earlier_leader_counts() -> None:
    """It was right when it was given, after the question came."""
    raft = follower_of_peer()
    raft.inquire(START, QUESTION, b"x")
    raft.receive(START, OTHER, append(term=2))
    late = InquiryReply(Term(1), QUESTION, b"y")
    assert raft.receive(START, PEER, late) == [InquiryAnswered(QUESTION, b"y")]


def test_the_next_leader_is_asked_in_its_turn() -> None:
    raft = follower_of_peer()
    raft.inquire(START, QUESTION, b"x")
    effects = raft.receive(START, OTHER, append(term=2))
    assert Send(NodeId(OTHER), inquiry(2)) in effects


def test_a_deaf_leader_is_asked_again_after_an_election_timeout() -> None:
    raft = follower_of_peer()
    raft.inquire(START, QUESTION, b"x")
    early = Instant(START + CONFIG.election_timeout_ns_min - 1)
    assert Send(PEER, inquiry(1)) not in raft.receive(early, PEER, append(term=1))
    late = Instant(early + 1)
    assert Send(PEER, inquiry(1)) in raft.receive(late, PEER, append(term=1))
    assert Send(PEER, inquiry(1)) not in raft.receive(late, PEER, append(term=1))


def test_a_question_that_is_forgotten_is_not_asked_again() -> None:
    raft = follower_of_peer()
    raft.inquire(START, QUESTION, b"x")
    raft.forget_inquiry(QUESTION)
    assert Send(OTHER, inquiry(2)) not in raft.receive(START, OTHER, append(term=2))


def test_a_leader_is_asked_by_itself() -> None:
    raft = leader()
    assert raft.inquire(START, QUESTION, b"x") == [Inquired(ME, QUESTION, b"x")]
    assert raft.answer(START, ME, QUESTION, b"y") == [InquiryAnswered(QUESTION, b"y")]
    assert raft.answer(START, ME, QUESTION, b"y") == []


def test_a_leader_hands_on_a_question_of_its_own_term_only() -> None:
    raft = leader()
    assert raft.current_term == 1
    assert raft.receive(START, PEER, inquiry(1)) == [Inquired(PEER, QUESTION, b"x")]
    assert raft.receive(START, PEER, inquiry(0)) == []
    assert follower_of_peer().receive(START, OTHER, inquiry(1)) == []


def test_a_leader_answers_who_asked() -> None:
    reply = InquiryReply(Term(1), QUESTION, b"y")
    assert leader().answer(START, PEER, QUESTION, b"y") == [Send(PEER, reply)]
