"""Planted bugs in who is elected (Raft §5.2, §5.4.1)."""

from collections.abc import Collection, Sequence

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.ids import Instant, LogIndex, NodeId, Term
from nodeimpl.raft.election import (
    is_up_to_date,
    lead_if_elected,
    may_vote_for,
    on_request_vote_reply,
)
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import RequestVote, RequestVoteReply
from nodeimpl.raft.quorum import is_quorum, quorum_size
from nodeimpl.raft.roles import Candidate
from nodeimpl.raft.state import RaftState


def _is_anyone_up_to_date(log: RaftLog, last_log_index: LogIndex, last_log_term: Term) -> bool:
    del log, last_log_index, last_log_term
    return True


def _is_log_as_long(log: RaftLog, last_log_index: LogIndex, last_log_term: Term) -> bool:
    del last_log_term
    return last_log_index >= log.last_index


def _may_vote_again(state: RaftState, candidate: NodeId, request: RequestVote) -> bool:
    del candidate
    return request.term == state.current_term and is_up_to_date(
        state.log, request.last_log_index, request.last_log_term
    )


def _count_repeated_vote(
    state: RaftState, now: Instant, sender: NodeId, message: RequestVoteReply
) -> None:
    """Count replies: the second of one voter is booked for a voter who has said nothing."""
    role = state.role
    if (
        isinstance(role, Candidate)
        and message.vote_granted
        and message.term == state.current_term
        and sender in role.votes_granted
    ):
        voters = sorted({voter for voters in state.voter_sets for voter in voters})
        silent = [voter for voter in voters if voter not in role.votes_granted]
        role.votes_granted.update(silent[:1])
        lead_if_elected(state, now)
        return
    on_request_vote_reply(state, now, sender, message)


def _count_vote_of_any_term(
    state: RaftState, now: Instant, sender: NodeId, message: RequestVoteReply
) -> None:
    if isinstance(state.role, Candidate) and message.vote_granted:
        state.role.votes_granted.add(sender)
        lead_if_elected(state, now)


def _is_half(voter_sets: Sequence[Collection[NodeId]], agreeing: Collection[NodeId]) -> bool:
    return all(
        sum(voter in agreeing for voter in voters) >= quorum_size(voters) - 1
        for voters in voter_sets
    )


MUTANTS = (
    Mutant(
        name="no-election-restriction",
        breaks="Raft §5.4.1: a voter refuses a candidate whose log is behind its own; without that "
        "a leader lacks committed entries, and overwrites them",
        patches=(patch(is_up_to_date, _is_anyone_up_to_date),),
    ),
    Mutant(
        name="longer-log-wins",
        breaks="Raft §5.4.1: the later last term decides before the length; a long log of stale "
        "entries wins over a shorter one that holds what was committed",
        patches=(patch(is_up_to_date, _is_log_as_long),),
        scenario="long-stale-log",
    ),
    Mutant(
        name="two-votes-in-a-term",
        breaks="Raft §5.2: a node votes for one candidate in a term at most; voting for each who "
        "asks elects two leaders in one term",
        patches=(patch(may_vote_for, _may_vote_again),),
    ),
    Mutant(
        name="duplicate-votes-counted",
        breaks="Raft §5.2: a majority of voters, not of replies; a vote that the network delivers "
        "twice counts twice, and a minority elects",
        patches=(patch(on_request_vote_reply, _count_repeated_vote),),
    ),
    Mutant(
        name="stale-votes-counted",
        breaks="Raft §5.2: votes from a majority in the same term; a vote of an earlier election, "
        "arriving late, is no vote in this one",
        patches=(patch(on_request_vote_reply, _count_vote_of_any_term),),
    ),
    Mutant(
        name="half-is-a-majority",
        breaks="Raft §5.2: any two majorities share a voter; one vote less, and two disjoint sets "
        "elect two leaders in one term",
        patches=(patch(is_quorum, _is_half),),
    ),
)
