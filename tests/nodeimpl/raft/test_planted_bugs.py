"""The properties bite: each planted bug is convicted within a few lives of `chaos`.

A bug replaces one decision of the core by a wrong one for the length of a test, which is possible
because each decision of the paper is one small function, looked up in its module when it is called.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Final

import msgspec
import pytest

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Change, Configuration, next_configuration
from nodeimpl.raft.configuration_log import follow_log
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import Persist, RaftEffect, Send
from nodeimpl.raft.election import is_up_to_date, lead_if_elected, may_stand, start_election
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import (
    AppendEntriesReply,
    Entry,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from nodeimpl.raft.progress import Progress
from nodeimpl.raft.quorum import is_quorum, quorum_index
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


def stand_without_asking(state: RaftState, now: Instant) -> None:
    if may_stand(state):
        start_election(state, now)


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


def switch_at_once(configuration: Configuration, change: Change) -> Configuration:
    return msgspec.structs.replace(next_configuration(configuration, change), outgoing=None)


def ask_the_new_voters_only(
    voter_sets: Sequence[Collection[NodeId]], agreeing: Collection[NodeId]
) -> bool:
    return is_quorum(voter_sets[:1], agreeing)


def count_the_new_voters_only(
    voter_sets: Sequence[Collection[NodeId]], match_index: Mapping[NodeId, LogIndex]
) -> LogIndex:
    return quorum_index(voter_sets[:1], match_index)


def settled_always(state: RaftState, leader: Leader) -> bool:
    del leader
    return not state.configuration.is_joint


def follow_only_what_is_appended(state: RaftState, entries: tuple[Entry, ...]) -> None:
    kept = list(state.configurations)
    follow_log(state, entries)
    later = [held for held in state.configurations if held not in kept]
    state.configurations[:] = [*kept, *later]


def stay_when_removed(state: RaftState, now: Instant) -> None:
    del state, now


def stand_only_as_a_voter(state: RaftState) -> bool:
    return state.is_voter


def hand_over_at_once(state: RaftState, target: Progress) -> bool:
    del state, target
    return True


def take_over_unasked(state: RaftState, now: Instant, sender: NodeId, message: TimeoutNow) -> None:
    del sender, message
    if not isinstance(state.role, Leader):
        start_election(state, now, leadership_transfer=True)


LEARNERS_VOTE: Final = property(lambda configuration: (configuration.members,))


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
            "leads term .* with votes of",
        ),
        ((f"{RAFT}.core.stand_for_election",), stand_without_asking, "with promises of|no leader"),
        ((f"{RAFT}.replication.may_commit",), may_commit_any_term, "Completeness|Machine Safety"),
        ((f"{RAFT}.log.RaftLog.matches",), matches_any_term, "Log Matching|too few|Machine Safety"),
        ((f"{RAFT}.log.RaftLog.missing",), missing_always, "Leader Completeness|too few"),
        (
            (f"{RAFT}.acceptance.verified_commit_index",),
            commit_unverified,
            "is outside of|State Machine Safety",
        ),
        ((f"{RAFT}.seen_requests.SeenRequests.admit",), admit_always, "is in the log twice"),
        ((f"{RAFT}.membership.next_configuration",), switch_at_once, "Joint Consensus"),
        (
            (f"{RAFT}.election.is_quorum", f"{RAFT}.transitions.is_quorum"),
            ask_the_new_voters_only,
            "leads term .* with votes of",
        ),
        ((f"{RAFT}.replication.quorum_index",), count_the_new_voters_only, "on too few"),
        (
            (f"{RAFT}.configuration.Configuration.voter_sets",),
            LEARNERS_VOTE,
            "on too few|Leader Completeness|Election Safety",
        ),
        ((f"{RAFT}.membership.is_settled",), settled_always, "changed members at"),
        (
            (f"{RAFT}.acceptance.follow_log",),
            follow_only_what_is_appended,
            "configurations since",
        ),
        ((f"{RAFT}.membership.step_down",), stay_when_removed, "and leaves it at that"),
        (
            (f"{RAFT}.pre_vote.may_stand",),
            stand_only_as_a_voter,
            "no leader has brought the logs together",
        ),
        ((f"{RAFT}.transfer.is_ready",), hand_over_at_once, "take over .* lacks entries"),
        ((f"{RAFT}.core.on_timeout_now",), take_over_unasked, "with promises of|is no voter"),
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
