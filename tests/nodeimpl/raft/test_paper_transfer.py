"""Leadership transfer by the rules of the thesis, one test each (thesis §3.10)."""

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Change, Objection
from nodeimpl.raft.effects import Became, Dropped, Persist, RoleName, Send
from nodeimpl.raft.messages import HardState, Proposal, RequestVote, TimeoutNow
from tests.nodeimpl.raft.situations import (
    CAREFUL,
    CONFIG,
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    established_leader,
    follower,
    kinds,
)


def test_3_10_1_the_leader_stops_accepting_proposals() -> None:
    raft = established_leader()
    raft.transfer(START, PEER)

    own = raft.propose(START, [(RequestId(1), b"x")])
    forwarded = raft.receive(START, OTHER, Proposal(Term(1), RequestId(2), b"y"))

    assert own == [Dropped((RequestId(1),))]
    assert forwarded == []
    assert raft.last_index == 1


def test_3_10_2_a_target_that_lacks_entries_is_brought_up_to_date_first() -> None:
    raft = established_leader()
    raft.propose(START, [(RequestId(1), b"x")])

    at_once = raft.transfer(START, PEER)
    from_another = raft.receive(START, OTHER, accepted(raft, 2))
    from_target = raft.receive(START, PEER, accepted(raft, 2))

    assert at_once == []
    assert "TimeoutNow" not in kinds(from_another)
    assert from_target[-1] == Send(PEER, TimeoutNow(Term(1)))


def test_3_10_3_a_target_that_has_all_entries_is_told_at_once() -> None:
    raft = established_leader()

    effects = raft.transfer(START, PEER)

    assert effects == [Send(PEER, TimeoutNow(Term(1)))]


def test_3_10_3_the_target_is_told_once() -> None:
    raft = established_leader()
    raft.transfer(START, PEER)

    effects = raft.receive(START, PEER, accepted(raft, 1, round_=1))

    assert effects == []


def test_3_10_3_the_target_stands_for_election_at_once_and_asks_for_no_promises() -> None:
    raft = follower(1, config=CAREFUL)
    raft.receive(START, PEER, append(term=1, prev_index=1, prev_term=1))

    effects = raft.receive(START, PEER, TimeoutNow(Term(1)))

    request = RequestVote(Term(2), LogIndex(1), Term(1), leadership_transfer=True)
    assert effects == [
        Became(RoleName.CANDIDATE, Term(2), None),
        Persist(HardState(Term(2), ME), ()),
        Send(PEER, request),
        Send(OTHER, request),
    ]


def test_3_10_the_transfer_is_over_once_another_term_begins() -> None:
    raft = established_leader(config=CAREFUL)
    raft.transfer(START, PEER)

    raft.receive(START, PEER, RequestVote(Term(2), LogIndex(1), Term(1), leadership_transfer=True))

    assert (raft.role, raft.current_term) == (RoleName.FOLLOWER, 2)


def test_3_10_the_transfer_is_given_up_after_an_election_timeout() -> None:
    raft = established_leader()
    raft.propose(START, [(RequestId(1), b"x")])
    raft.transfer(START, PEER)
    deadline = Instant(START + CONFIG.election_timeout_ns_max)

    raft.wake(Instant(deadline - 1))
    too_early = raft.propose(START, [(RequestId(2), b"y")])
    woken_by = raft.deadline
    raft.wake(deadline)
    effects = raft.propose(START, [(RequestId(3), b"z")])

    assert kinds(too_early) == ["Dropped"]
    assert woken_by <= deadline
    assert "Persist" in kinds(effects)


def test_a_transfer_to_another_target_takes_the_place_of_the_first() -> None:
    raft = established_leader()
    raft.propose(START, [(RequestId(1), b"x")])
    raft.transfer(START, PEER)
    raft.transfer(START, OTHER)

    from_first = raft.receive(START, PEER, accepted(raft, 2))
    from_second = raft.receive(START, OTHER, accepted(raft, 2))

    assert "TimeoutNow" not in kinds(from_first)
    assert "TimeoutNow" in kinds(from_second)


def test_a_transfer_to_the_leader_itself_changes_nothing() -> None:
    raft = established_leader()

    effects = raft.transfer(START, ME)

    assert effects == []
    assert kinds(raft.propose(START, [(RequestId(1), b"x")]))[-1] == "Persist"


def test_a_transfer_is_given_up_when_its_target_is_removed() -> None:
    raft = established_leader()
    raft.change_membership(START, RequestId(1), Change(removed=(OTHER,)))
    raft.transfer(START, OTHER)

    raft.receive(START, PEER, accepted(raft, 2))  # C_new follows, without node 3

    assert kinds(raft.propose(START, [(RequestId(2), b"x")]))[-1] == "Persist"


def test_only_a_leader_hands_over_and_only_to_a_voter() -> None:
    raft = established_leader()
    raft.change_membership(START, RequestId(1), Change(added=(NodeId(4),)))

    assert follower().objection_to_transfer(PEER) is Objection.NOT_LEADER
    assert raft.objection_to_transfer(NodeId(9)) is Objection.NOT_MEMBER
    assert raft.objection_to_transfer(NodeId(4)) is Objection.NO_VOTER
    assert raft.objection_to_transfer(PEER) is None


def test_timeout_now_of_who_does_not_lead_the_term_is_passed_over() -> None:
    raft = follower(1, term=2)
    raft.receive(START, PEER, append(term=2, prev_index=1, prev_term=1))

    from_another = raft.receive(START, OTHER, TimeoutNow(Term(2)))
    of_earlier_term = raft.receive(START, PEER, TimeoutNow(Term(1)))

    assert (from_another, of_earlier_term) == ([], [])


def test_timeout_now_means_nothing_to_a_node_without_a_vote() -> None:
    raft = follower(voters=())
    raft.receive(START, PEER, append(term=1))

    effects = raft.receive(START, PEER, TimeoutNow(Term(1)))

    assert effects == []
