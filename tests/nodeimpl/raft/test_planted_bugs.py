"""The properties bite: each planted bug is convicted within a few lives of `chaos`.

A bug replaces one decision of the core by a wrong one for the length of a test, which is possible
because each decision of the paper is one small function, looked up in its module when it is called.
"""

from itertools import product
from typing import Final

import pytest

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Persist, RaftEffect, Send
from nodeimpl.raft.election import is_up_to_date, lead_if_elected, start_election
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    RequestVote,
    RequestVoteReply,
)
from nodeimpl.raft.roles import Candidate, Leader
from nodeimpl.raft.seen_requests import SeenRequests
from nodeimpl.raft.state import RaftState, persist
from tests.nodeimpl.raft.chaos import live

LIVES_MAX: Final = 100
"""Seeds within which a bug must be convicted, for three nodes or five."""

_finish = Raft._finish


def persist_no_vote(state: RaftState, entries: tuple[Entry, ...] = ()) -> None:
    voted_for, state.voted_for = state.voted_for, None
    persist(state, entries)
    state.voted_for = voted_for


def persist_no_hard_state(state: RaftState, entries: tuple[Entry, ...] = ()) -> None:
    state.hard_state_is_unsaved = False
    persist(state, entries)


def finish_with_votes_first(raft: Raft, now: Instant) -> list[RaftEffect]:
    return sorted(_finish(raft, now), key=lambda effect: not _sends(effect, RequestVoteReply))


def finish_with_acknowledgements_first(raft: Raft, now: Instant) -> list[RaftEffect]:
    return sorted(_finish(raft, now), key=lambda effect: not _sends(effect, AppendEntriesReply))


def finish_with_persist_last(raft: Raft, now: Instant) -> list[RaftEffect]:
    return sorted(_finish(raft, now), key=lambda effect: isinstance(effect, Persist))


def is_longer(log: RaftLog, last_log_index: LogIndex, last_log_term: Term) -> bool:
    del last_log_term
    return last_log_index >= log.last_index


def is_anyone_good_enough(log: RaftLog, last_log_index: LogIndex, last_log_term: Term) -> bool:
    del log, last_log_index, last_log_term
    return True


def may_vote_twice(state: RaftState, candidate: NodeId, request: RequestVote) -> bool:
    del candidate
    return request.term == state.current_term and is_up_to_date(
        state.log, request.last_log_index, request.last_log_term
    )


def count_votes_of_any_term(
    state: RaftState, now: Instant, sender: NodeId, message: RequestVoteReply
) -> None:
    if isinstance(state.role, Candidate) and message.vote_granted:
        state.role.votes_granted.add(sender)
        lead_if_elected(state, now)


def may_commit_any_term(
    log: RaftLog, index: LogIndex, commit_index: LogIndex, current_term: Term
) -> bool:
    del log, current_term
    return index > commit_index


def matches_any_term(log: RaftLog, index: LogIndex, term: Term) -> bool:
    del term
    return log.prefix_index <= index <= log.last_index


def missing_always(log: RaftLog, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    del log
    return entries


def commit_unverified(leader_commit: LogIndex, match_index: LogIndex) -> LogIndex:
    del match_index
    return leader_commit


def admit_always(seen: SeenRequests, request_id: RequestId) -> bool:
    del seen, request_id
    return True


def confirm_at_once(state: RaftState, leader: Leader, round_: int) -> bool:
    del state, leader, round_
    return True


def serve_at_once(state: RaftState) -> bool:
    del state
    return True


def live_many() -> None:
    """Let lives pass until one of them breaks a property."""
    for seed, size in product(range(LIVES_MAX), (3, 5)):
        live(seed, size)


def _sends(effect: RaftEffect, kind: type[RequestVoteReply | AppendEntriesReply]) -> bool:
    return isinstance(effect, Send) and isinstance(effect.message, kind)


PERSIST: Final = tuple(
    f"nodeimpl.raft.{module}.persist"
    for module in ("acceptance", "core", "election", "replication")
)
RAFT: Final = "nodeimpl.raft"
FINISH: Final = (f"{RAFT}.core.Raft._finish",)


@pytest.mark.parametrize(
    ("places", "bug", "conviction"),
    [
        (PERSIST, persist_no_vote, "asks before voting for itself"),
        (PERSIST, persist_no_hard_state, "reveals its term too early"),
        (FINISH, finish_with_votes_first, "reveals its (term|vote) too early"),
        (FINISH, finish_with_acknowledgements_first, "acknowledges|reveals its term too early"),
        (FINISH, finish_with_persist_last, "reveals its term too early"),
        ((f"{RAFT}.election.is_up_to_date",), is_longer, "Leader Completeness"),
        ((f"{RAFT}.election.is_up_to_date",), is_anyone_good_enough, "Leader Completeness"),
        ((f"{RAFT}.election.may_vote_for",), may_vote_twice, "reveals its vote too early"),
        (
            (f"{RAFT}.core.on_request_vote_reply",),
            count_votes_of_any_term,
            "Election Safety|Leader Completeness",
        ),
        ((f"{RAFT}.core.stand_for_election",), start_election, "with promises of"),
        ((f"{RAFT}.replication.may_commit",), may_commit_any_term, "Leader Completeness"),
        ((f"{RAFT}.log.RaftLog.matches",), matches_any_term, "Log Matching|durable on too few"),
        ((f"{RAFT}.log.RaftLog.missing",), missing_always, "Leader Completeness|too few"),
        (
            (f"{RAFT}.acceptance.verified_commit_index",),
            commit_unverified,
            "is outside of|State Machine Safety",
        ),
        ((f"{RAFT}.seen_requests.SeenRequests.admit",), admit_always, "is in the log twice"),
        ((f"{RAFT}.reads.is_confirmed",), confirm_at_once, "a read at .* misses"),
        ((f"{RAFT}.reads.may_serve_reads",), serve_at_once, "a read at .* misses"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_bug_is_convicted(
    monkeypatch: pytest.MonkeyPatch, places: tuple[str, ...], bug: object, conviction: str
) -> None:
    for place in places:
        monkeypatch.setattr(place, bug)

    with pytest.raises(AssertionError, match=conviction):
        live_many()
