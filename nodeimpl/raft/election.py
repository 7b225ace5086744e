"""Leader election (Raft §5.2), restricted to candidates with all committed entries (§5.4.1).

Deviation: an unanswered RequestVote is not repeated within a term (Raft §5.1 retries RPCs). The
next election timeout asks again, in a later term; a lost vote costs one timeout, never safety.
"""

from nodeimpl.ids import Instant, LogIndex, NodeId, Term
from nodeimpl.raft.effects import Send
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import RequestVote, RequestVoteReply
from nodeimpl.raft.quorum import is_quorum
from nodeimpl.raft.replication import start_replication
from nodeimpl.raft.roles import Candidate
from nodeimpl.raft.state import RaftState, persist
from nodeimpl.raft.transitions import become_candidate, become_leader, postpone_election


def start_election(state: RaftState, now: Instant, *, leadership_transfer: bool = False) -> None:
    """Stand for election in the next term (Raft §5.2; Figure 2, Candidates).

    The vote for oneself is durable before anyone is asked, so a restarted candidate cannot vote
    for another in the same term, and before a lone voter counts it.
    """
    become_candidate(state, now)
    persist(state)
    request = RequestVote(
        state.current_term, state.log.last_index, state.log.last_term, leadership_transfer
    )
    state.effects.extend(Send(voter, request) for voter in other_voters(state))
    lead_if_elected(state, now)


def may_stand(state: RaftState) -> bool:
    """Return whether this node is a voter, or was one until members that are not committed.

    Until C_new is committed, who it removes may be the only one with all entries, and no other
    could win: "a server that is not part of its own latest configuration should still start new
    elections" (thesis §4.2.2). It leads without counting itself, and then steps down.
    """
    for held in reversed(state.configurations):
        if held.configuration.has_voter(state.node_id):
            return True
        if held.index <= state.commit_index:
            return False
    return False


def other_voters(state: RaftState) -> list[NodeId]:
    """Return whose votes count besides one's own, ascending; learners are not asked (§4.2.1)."""
    return [peer for peer in state.peers if state.configuration.has_voter(peer)]


def on_request_vote(state: RaftState, now: Instant, sender: NodeId, message: RequestVote) -> None:
    """Vote, or refuse to (Raft Figure 2, RequestVote RPC). Later terms are already entered.

    A repeated request of the candidate that has the vote is granted again: the answer may have
    been lost.
    """
    granted = may_vote_for(state, sender, message)
    if granted:
        if state.voted_for is None:
            state.voted_for = sender
            state.hard_state_is_unsaved = True
        postpone_election(state, now)
    persist(state)
    state.effects.append(Send(sender, RequestVoteReply(state.current_term, granted)))


def may_vote_for(state: RaftState, candidate: NodeId, request: RequestVote) -> bool:
    """Return whether Figure 2 allows a vote: right term, vote still free, log up to date."""
    return (
        request.term == state.current_term
        and state.voted_for in {None, candidate}
        and is_up_to_date(state.log, request.last_log_index, request.last_log_term)
    )


def is_up_to_date(log: RaftLog, last_log_index: LogIndex, last_log_term: Term) -> bool:
    """Return whether a candidate's log is at least as up-to-date as `log` (Raft §5.4.1).

    The later last term wins; of equal last terms, the longer log.
    """
    if last_log_term != log.last_term:
        return last_log_term > log.last_term
    return last_log_index >= log.last_index


def on_request_vote_reply(
    state: RaftState, now: Instant, sender: NodeId, message: RequestVoteReply
) -> None:
    """Count a vote of the current term; lead on a majority (Raft §5.2)."""
    if not isinstance(state.role, Candidate) or message.term != state.current_term:
        return  # an answer to an election that is over
    if message.vote_granted and state.configuration.has_voter(sender):
        state.role.votes_granted.add(sender)
        lead_if_elected(state, now)


def lead_if_elected(state: RaftState, now: Instant) -> None:
    """Become leader if a majority of the voters granted their votes; of both sets, if joint."""
    assert isinstance(state.role, Candidate), "votes are counted by a candidate"
    if is_quorum(state.voter_sets, state.role.votes_granted):
        become_leader(state, now)
        start_replication(state, now)
