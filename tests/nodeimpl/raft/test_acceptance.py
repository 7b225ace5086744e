"""What a follower does with AppendEntries, beyond what the paper's rules say."""

import pytest

from nodeimpl.ids import LogIndex
from nodeimpl.raft.acceptance import conflict
from nodeimpl.raft.log import RaftLog
from tests.nodeimpl.raft.situations import (
    PEER,
    START,
    append,
    entries,
    entry,
    follower,
    kinds,
    reply_to,
)


def test_an_answer_names_the_last_index_that_was_compared() -> None:
    raft = follower(1, 1, 1)

    effects = raft.receive(START, PEER, append(entry(2, 1), term=1, prev_index=1, prev_term=1))

    assert reply_to(PEER, effects).match_index == 2


def test_an_answer_names_the_round_of_the_message() -> None:
    raft = follower(term=1)

    accepted = raft.receive(START, PEER, append(term=1, round_=4))
    refused = raft.receive(START, PEER, append(term=1, prev_index=9, prev_term=1, round_=5))

    assert reply_to(PEER, accepted).round == 4
    assert reply_to(PEER, refused).round == 5


def test_the_answer_to_an_earlier_leader_names_no_round() -> None:
    effects = follower(term=2).receive(START, PEER, append(term=1, round_=4))

    reply = reply_to(PEER, effects)
    assert (reply.term, reply.round, reply.conflict_index) == (2, 0, 0)


def test_a_notice_is_not_answered() -> None:
    raft = follower(1)

    effects = raft.receive(
        START, PEER, append(term=1, prev_index=1, prev_term=1, commit_index=1, round_=0)
    )

    assert kinds(effects) == ["Became", "Commit"]


def test_a_notice_of_an_earlier_leader_is_refused() -> None:
    effects = follower(term=2).receive(START, PEER, append(term=1, round_=0))

    assert not reply_to(PEER, effects).accepted


def test_a_committed_entry_is_not_replaced() -> None:
    raft = follower(1, 1, commit_index=2)

    with pytest.raises(AssertionError, match="has committed up to 2"):
        raft.receive(START, PEER, append(entry(2, 2), term=2, prev_index=1, prev_term=1))


def test_a_conflict_is_the_first_index_of_its_term() -> None:
    log = RaftLog(entries(1, 2, 2, 2, 3))

    assert conflict(log, LogIndex(4)) == (2, 2)
    assert conflict(log, LogIndex(9)) == (6, 0)
