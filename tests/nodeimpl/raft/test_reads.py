"""ReadIndex with bad luck: lost, late and repeated messages, and leaders that change."""

from nodeimpl.config import RaftConfig
from nodeimpl.ids import Instant, LogIndex, RequestId, Term
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Dropped, ReadReady, Send
from nodeimpl.raft.messages import ReadIndex, ReadIndexReply, RequestVoteReply
from tests.nodeimpl.raft.situations import (
    CONFIG,
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append,
    candidate,
    established_leader,
    follower,
    kinds,
    leader,
    refused,
    role_of_leader,
    sent_to,
)

READ = RequestId(7)
OTHER_READ = RequestId(8)


def follower_of(peer_term: int = 1, config: RaftConfig = CONFIG) -> Raft:
    """Return a node that follows PEER."""
    raft = follower(term=peer_term, config=config)
    raft.receive(START, PEER, append(term=peer_term))
    return raft


def reply(read_index: int, *, term: int = 1, name: RequestId = READ) -> ReadIndexReply:
    return ReadIndexReply(Term(term), name, LogIndex(read_index))


def test_without_a_leader_reads_are_dropped() -> None:
    assert follower().read(START, [READ]) == [Dropped((READ,))]
    assert candidate().read(START, [READ]) == [Dropped((READ,))]


def test_a_lone_leader_answers_at_once() -> None:
    raft = leader(voters=(ME,))

    assert raft.read(START, [READ]) == [ReadReady((READ,), LogIndex(1))]


def test_too_many_waiting_reads_are_dropped() -> None:
    raft = follower_of(config=RaftConfig(reads_waiting_max=2))
    raft.read(START, [READ, OTHER_READ])

    assert raft.read(START, [RequestId(9)]) == [Dropped((RequestId(9),))]


def test_an_answered_read_makes_room_for_another() -> None:
    raft = follower_of(config=RaftConfig(reads_waiting_max=1))
    raft.read(START, [READ])
    raft.receive(START, PEER, reply(1))

    assert kinds(raft.read(START, [OTHER_READ])) == ["ReadIndex"]


def test_a_leader_passes_over_more_forwarded_reads_than_may_wait() -> None:
    raft = leader(config=RaftConfig(reads_waiting_max=1))

    raft.receive(START, PEER, ReadIndex(Term(1), READ))
    raft.receive(START, PEER, ReadIndex(Term(1), OTHER_READ))

    assert [name for _, name in role_of_leader(raft).reads_open] == [READ]


def test_a_refused_heartbeat_still_confirms_the_leadership() -> None:
    # The follower's log lacks something, but it follows this leader.
    raft = established_leader()
    raft.read(START, [READ])

    effects = raft.receive(START, PEER, refused(raft, 1, round_=2))

    assert ReadReady((READ,), LogIndex(1)) in effects


def test_a_refusal_of_an_earlier_leadership_confirms_nothing() -> None:
    raft = established_leader()
    raft.read(START, [READ])

    effects = raft.receive(START, PEER, refused(raft, 0, round_=0))

    assert effects == []


def test_a_second_answer_is_ignored() -> None:
    raft = follower_of()
    raft.read(START, [READ])

    first = raft.receive(START, PEER, reply(4))
    second = raft.receive(START, PEER, reply(5))

    assert first == [ReadReady((READ,), LogIndex(4))]
    assert second == []


def test_an_answer_to_a_read_unknown_here_is_ignored() -> None:
    assert follower_of().receive(START, PEER, reply(4)) == []


def test_answers_in_another_order_find_their_reads() -> None:
    raft = follower_of()
    raft.read(START, [READ])
    raft.read(START, [OTHER_READ])

    second = raft.receive(START, PEER, reply(5, name=OTHER_READ))
    first = raft.receive(START, PEER, reply(4, name=READ))

    assert second == [ReadReady((OTHER_READ,), LogIndex(5))]
    assert first == [ReadReady((READ,), LogIndex(4))]


def test_a_repeated_read_index_is_answered_twice_and_nothing_else() -> None:
    raft = established_leader()
    raft.receive(START, PEER, ReadIndex(Term(1), READ))
    raft.receive(START, PEER, ReadIndex(Term(1), READ))

    first = raft.receive(START, OTHER, accepted(raft, 1, round_=2))
    second = raft.receive(START, OTHER, accepted(raft, 1, round_=3))

    answer = reply(1)
    assert [message for message in sent_to(PEER, first) if message == answer] == [answer]
    assert second == [Send(PEER, answer)]


def test_a_read_index_for_another_term_is_passed_over() -> None:
    raft = established_leader(1)

    assert raft.receive(START, PEER, ReadIndex(Term(1), READ)) == []


def test_a_new_leader_is_asked_what_the_last_one_did_not_answer() -> None:
    raft = follower_of()
    raft.read(START, [READ, OTHER_READ])

    effects = raft.receive(START, OTHER, append(term=2))

    assert kinds(effects) == ["Became", "Persist", "AppendEntriesReply", "ReadIndex"]
    assert effects[-1] == Send(OTHER, ReadIndex(Term(2), READ))


def test_a_leader_that_steps_down_asks_its_successor_for_its_own_reads_only() -> None:
    raft = established_leader()
    raft.read(START, [READ])
    raft.receive(START, PEER, ReadIndex(Term(1), OTHER_READ))

    effects = raft.receive(START, OTHER, append(term=2))

    requests = [message for message in sent_to(OTHER, effects) if isinstance(message, ReadIndex)]
    assert requests == [ReadIndex(Term(2), READ)]


def test_a_new_leader_answers_what_it_had_asked_of_the_last_one() -> None:
    raft = follower_of()
    raft.read(START, [READ])
    raft.wake(raft.deadline)
    raft.receive(raft.deadline, OTHER, RequestVoteReply(Term(2), vote_granted=True))
    raft.receive(raft.deadline, OTHER, accepted(raft, 1))

    effects = raft.receive(raft.deadline, OTHER, accepted(raft, 1, round_=2))

    assert effects == [ReadReady((READ,), LogIndex(1))]


def test_a_late_answer_of_the_last_leader_is_as_good() -> None:
    # It was confirmed after the read was invoked, whatever happened since.
    raft = follower_of()
    raft.read(START, [READ])
    raft.receive(START, OTHER, append(term=2))

    assert raft.receive(START, PEER, reply(4)) == [ReadReady((READ,), LogIndex(4))]


def test_an_unanswered_leader_is_asked_again_after_an_election_timeout() -> None:
    raft = follower_of()
    raft.read(START, [READ])
    soon = Instant(START + CONFIG.election_timeout_ns_min - 1)
    later = Instant(START + CONFIG.election_timeout_ns_min)

    before = raft.receive(soon, PEER, append(term=1))
    after = raft.receive(later, PEER, append(term=1))
    at_once_again = raft.receive(later, PEER, append(term=1))

    assert kinds(before) == ["AppendEntriesReply"]
    assert kinds(after) == ["AppendEntriesReply", "ReadIndex"]
    assert kinds(at_once_again) == ["AppendEntriesReply"]
