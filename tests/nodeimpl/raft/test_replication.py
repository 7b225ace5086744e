"""What a leader sends, and when, beyond what the paper's rules say."""

from nodeimpl.config import RaftConfig
from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.effects import Commit, Persist
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.replication import backed_off_next_index
from tests.nodeimpl.raft.situations import (
    ME,
    OTHER,
    PEER,
    START,
    accepted,
    append_to,
    entries,
    entry,
    established_leader,
    follower,
    kinds,
    leader,
    refused,
    role_of_leader,
    sent_to,
)

WINDOW_OF_ONE = RaftConfig(appends_in_flight_max=1)


def test_proposals_that_arrive_together_share_one_message_and_one_persist() -> None:
    raft = established_leader()

    effects = raft.propose(START, [(RequestId(1), b"x"), (RequestId(2), b"y")])

    assert kinds(effects) == ["AppendEntries", "AppendEntries", "Persist"]
    assert effects[-1] == Persist(None, (entry(2, 1, b"x"), entry(3, 1, b"y")))


def test_a_full_window_makes_entries_wait_and_travel_together() -> None:
    raft = established_leader(config=WINDOW_OF_ONE)
    raft.propose(START, [(RequestId(1), b"x")])
    raft.propose(START, [(RequestId(2), b"y")])
    raft.propose(START, [(RequestId(3), b"z")])

    effects = raft.receive(START, PEER, accepted(raft, 2))

    assert append_to(PEER, effects).entries == (entry(3, 1, b"y"), entry(4, 1, b"z"))


def test_a_message_that_brings_entries_brings_the_commit_index() -> None:
    raft = established_leader(config=WINDOW_OF_ONE)
    raft.propose(START, [(RequestId(1), b"x")])
    raft.propose(START, [(RequestId(2), b"y")])

    effects = raft.receive(START, PEER, accepted(raft, 2))

    assert isinstance(effects[0], Commit)
    assert append_to(PEER, effects).commit_index == 2


def test_a_new_commit_index_is_noticed_to_who_has_nothing_under_way() -> None:
    raft = established_leader()
    raft.propose(START, [(RequestId(1), b"x")])

    first = raft.receive(START, PEER, accepted(raft, 2))
    second = raft.receive(START, OTHER, accepted(raft, 2))

    assert kinds(first) == ["Commit", "AppendEntries"]
    assert (append_to(PEER, first).round, append_to(PEER, first).commit_index) == (0, 2)
    assert kinds(second) == ["AppendEntries"]
    assert append_to(OTHER, second).commit_index == 2


def test_a_commit_index_is_noticed_once() -> None:
    raft = established_leader()

    assert raft.receive(START, PEER, accepted(raft, 1)) == []


def test_a_lone_leader_commits_behind_its_persist() -> None:
    raft = leader(voters=(ME,))

    effects = raft.propose(START, [(RequestId(1), b"x")])

    new = (entry(2, 1, b"x"),)
    assert effects == [Persist(None, new), Commit(new)]


def test_a_refusal_is_acted_on_once() -> None:
    raft = leader(1, 1, 1)

    first = raft.receive(START, PEER, refused(raft, 2))
    second = raft.receive(START, PEER, refused(raft, 2))

    assert kinds(first) == ["AppendEntries"]
    assert second == []


def test_a_probe_has_a_round_of_its_own() -> None:
    raft = leader(1, 1, 1)

    effects = raft.receive(START, PEER, refused(raft, 2))

    assert append_to(PEER, effects).round == 2


def test_nothing_more_is_sent_while_a_probe_is_out() -> None:
    raft = leader(1)

    effects = raft.propose(START, [(RequestId(1), b"x")])

    assert kinds(effects) == ["Persist"]


def test_a_heartbeat_repeats_a_probe_that_was_lost() -> None:
    raft = leader(1, 1)
    raft.receive(START, PEER, refused(raft, 2))  # the probe from index 2, round 2, is lost

    heartbeat = append_to(PEER, raft.wake(raft.deadline))
    effects = raft.receive(START, PEER, accepted(raft, 1, round_=heartbeat.round))

    assert heartbeat.prev_log_index == 1
    assert append_to(PEER, effects).entries == raft.log.between(LogIndex(2), raft.last_index)


def test_a_heartbeat_does_not_make_the_answer_to_a_probe_stale() -> None:
    # Were it so, no log would ever be found over a link slower than the heartbeat interval.
    raft = leader(1, 1, 1)
    raft.wake(raft.deadline)

    effects = raft.receive(START, PEER, refused(raft, 2, round_=1))

    assert append_to(PEER, effects).prev_log_index == 1


def test_a_refused_heartbeat_brings_back_what_was_lost() -> None:
    raft = established_leader()
    raft.propose(START, [(RequestId(1), b"x")])  # lost
    raft.wake(raft.deadline)

    effects = raft.receive(START, PEER, refused(raft, 2, round_=2))

    assert append_to(PEER, effects).entries == (entry(2, 1, b"x"),)


def test_an_accepted_heartbeat_acknowledges_all_that_was_sent() -> None:
    raft = established_leader()
    raft.propose(START, [(RequestId(1), b"x")])
    raft.propose(START, [(RequestId(2), b"y")])
    raft.wake(raft.deadline)

    raft.receive(START, PEER, accepted(raft, 3, round_=2))

    assert role_of_leader(raft).progress[PEER].is_idle()
    assert raft.commit_index == 3


def test_a_refusal_never_leads_below_what_is_stored() -> None:
    raft = established_leader(1, 1)

    effects = raft.receive(START, PEER, refused(raft, 1, round_=1))

    assert append_to(PEER, effects).prev_log_index == 3


def test_an_answer_of_an_earlier_term_is_ignored() -> None:
    raft = leader()
    old = accepted(raft, 1)
    raft.receive(START, PEER, accepted(follower(term=9), 0))
    raft.wake(raft.deadline)
    raft.receive(START, PEER, old)

    assert raft.commit_index == 0


def test_a_stranger_is_ignored() -> None:
    raft = leader()

    effects = raft.receive(START, NodeId(9), accepted(raft, 1))

    assert effects == []
    assert sent_to(NodeId(9), raft.wake(raft.deadline)) == []


def test_back_off_goes_behind_the_conflicting_term_if_it_is_here() -> None:
    log = RaftLog(entries(1, 2, 2, 4))

    assert backed_off_next_index(log, LogIndex(2), Term(2)) == 4
    assert backed_off_next_index(log, LogIndex(2), Term(3)) == 2
    assert backed_off_next_index(log, LogIndex(3), Term(0)) == 3
