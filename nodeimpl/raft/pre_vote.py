"""PreVote: nobody enters a new term who could not win it (thesis §9.6).

A node that was cut off for a while would otherwise come back with a high term, and depose a leader
whom all others follow. With PreVote it first asks whether it would get their votes, and changes
nothing, neither here nor there, until a quorum has said yes:

- a PreVote bears the *current* term of who asks, as every message does; the election would be held
  in the next. Whoever is asked does not enter that term, even if it is new;
- who hears a leader says no, whatever the logs are: thesis §9.6's third condition. Otherwise a
  node that only one link hides from the leader would depose it again and again;
- a promise binds nobody: the vote itself is given or refused by the rules of `election`.

A node that has a later term than the leader all the same (it crashed as a candidate, or came from
times without PreVote) gets no promises; its refusal of the leader's AppendEntries bears that term,
the leader enters it, and the next election takes place there.
"""

from nodeimpl.ids import Instant, NodeId
from nodeimpl.raft.check_quorum import hears_leader
from nodeimpl.raft.effects import Send
from nodeimpl.raft.election import is_up_to_date, may_stand, other_voters, start_election
from nodeimpl.raft.messages import PreVote, PreVoteReply
from nodeimpl.raft.quorum import is_quorum
from nodeimpl.raft.roles import PreCandidate
from nodeimpl.raft.state import RaftState
from nodeimpl.raft.transitions import become_pre_candidate, postpone_election


def stand_for_election(state: RaftState, now: Instant) -> None:
    """Do what an election timeout demands of a voter: ask for promises, if so configured."""
    if not may_stand(state):
        postpone_election(state, now)
        return
    if not state.config.pre_vote:
        start_election(state, now)
        return
    become_pre_candidate(state, now)
    request = PreVote(state.current_term, state.log.last_index, state.log.last_term)
    state.effects.extend(Send(voter, request) for voter in other_voters(state))
    stand_if_promised(state, now)


def on_pre_vote(state: RaftState, now: Instant, sender: NodeId, message: PreVote) -> None:
    """Say whether `sender` would get this node's vote in the term after its own."""
    granted = would_vote_for(state, now, message)
    state.effects.append(Send(sender, PreVoteReply(state.current_term, message.term, granted)))


def would_vote_for(state: RaftState, now: Instant, request: PreVote) -> bool:
    """Return whether a vote would be given: a new term, an up-to-date log, no leader around."""
    return (
        request.term >= state.current_term
        and is_up_to_date(state.log, request.last_log_index, request.last_log_term)
        and not hears_leader(state, now)
    )


def on_pre_vote_reply(
    state: RaftState, now: Instant, sender: NodeId, message: PreVoteReply
) -> None:
    """Count a promise; stand for election once a quorum has promised."""
    if not isinstance(state.role, PreCandidate) or message.asked_term != state.current_term:
        return  # an answer to a question that is settled
    if message.vote_granted and state.configuration.has_voter(sender):
        state.role.votes_granted.add(sender)
        stand_if_promised(state, now)


def stand_if_promised(state: RaftState, now: Instant) -> None:
    """Start an election if a quorum would vote for this node."""
    assert isinstance(state.role, PreCandidate), "promises are counted by a pre-candidate"
    if is_quorum(state.voter_sets, state.role.votes_granted):
        start_election(state, now)
