"""How roles change: the only code that assigns `current_term` or `role` (Raft Figure 4).

             election timeout            votes from a quorum
FOLLOWER ------------------> CANDIDATE ------------------> LEADER
   ^                          |   ^  |                        |
   |      leader or later     |   +--+ election timeout       |
   +--------------------------+                               |
   +----------------------------------------------------------+
              later term, or no quorum answers (thesis §6.2)

With PreVote (thesis §9.6) the election timeout leads to PRE_CANDIDATE, within the term, and from
there the promise of votes from a quorum leads to CANDIDATE, in the next term.
"""

from typing import assert_never

from nodeimpl.ids import Instant, LogIndex, NodeId, Term
from nodeimpl.raft.effects import Became, RoleName
from nodeimpl.raft.progress import Progress
from nodeimpl.raft.quorum import is_quorum
from nodeimpl.raft.roles import Candidate, Follower, Leader, PreCandidate, Role
from nodeimpl.raft.state import RaftState, draw_election_deadline


def become_follower(state: RaftState, now: Instant, *, term: Term, leader: NodeId | None) -> None:
    """Follow in `term`; `leader` is None until its leader has been heard of.

    A later term ends any role (Raft §5.1); in the same term a candidate gives way to the leader
    (§5.2). The caller persists before it sends. The election deadline is left alone, as only the
    leader's messages and a granted vote postpone an election (§5.2), but for a leader that steps
    down: it had none.
    """
    assert term >= state.current_term, "the current term never falls (Raft §5.1)"
    if term == state.current_term:
        assert not isinstance(state.role, Leader), (
            f"node {state.node_id} leads term {term}, and so does {leader} (Election Safety)"
        )
        assert state.leader in {None, leader}, (
            f"term {term} is led by {state.leader} and by {leader} (Election Safety)"
        )
    if isinstance(state.role, Leader):
        postpone_election(state, now)
    if term > state.current_term:
        _enter_term(state, term, voted_for=None)
    state.role = Follower(leader)
    _announce(state)


def step_down(state: RaftState, now: Instant) -> None:
    """Lead no more, within the term: nobody else ever leads it (Election Safety, Raft §5.2)."""
    assert isinstance(state.role, Leader), "only a leader steps down"
    postpone_election(state, now)
    state.role = Follower(leader=None)
    _announce(state)


def become_pre_candidate(state: RaftState, now: Instant) -> None:
    """Ask for promises of votes in the next term; term and vote stay as they are (thesis §9.6)."""
    assert not isinstance(state.role, Leader), "a leader does not stand for election"
    state.role = PreCandidate(votes_granted={state.node_id})
    postpone_election(state, now)
    _announce(state)


def become_candidate(state: RaftState, now: Instant) -> None:
    """Enter the next term with a vote for oneself (Raft §5.2). The caller persists and asks."""
    assert not isinstance(state.role, Leader), "a leader does not stand for election"
    _enter_term(state, Term(state.current_term + 1), voted_for=state.node_id)
    state.role = Candidate(votes_granted={state.node_id})
    postpone_election(state, now)
    _announce(state)


def become_leader(state: RaftState, now: Instant) -> Leader:
    """Lead the current term; return the new role. The caller appends and sends (Raft §5.2)."""
    assert isinstance(state.role, Candidate), "only a candidate becomes leader"
    assert is_quorum(state.voter_sets, state.role.votes_granted), "a leader has won its election"
    next_index = LogIndex(state.log.last_index + 1)
    leader = Leader(
        progress={peer: Progress(next_index=next_index) for peer in state.peers},
        heartbeat_deadline=Instant(now + state.config.heartbeat_interval_ns),
        check_deadline=Instant(now + state.config.election_timeout_ns_max),
    )
    state.role = leader
    _announce(state)
    return leader


def hear_leader(state: RaftState, now: Instant) -> None:
    """Take note that the leader of the current term lives: no election for a while (Raft §5.2)."""
    state.leader_heard_at = now
    state.election_deadline = draw_election_deadline(state.config, state.random, now)


def postpone_election(state: RaftState, now: Instant) -> None:
    """Draw a new election timeout and wait for it from `now` on (Raft §5.2, randomised)."""
    state.election_deadline = draw_election_deadline(state.config, state.random, now)


def role_name(role: Role) -> RoleName:
    """Return the name of `role` as seen from outside."""
    match role:
        case Follower():
            return RoleName.FOLLOWER
        case PreCandidate():
            return RoleName.PRE_CANDIDATE
        case Candidate():
            return RoleName.CANDIDATE
        case Leader():
            return RoleName.LEADER
        case _:
            assert_never(role)


def _enter_term(state: RaftState, term: Term, *, voted_for: NodeId | None) -> None:
    assert term > state.current_term, "a vote may be cast once in a term (Raft §5.2)"
    state.current_term = term
    state.voted_for = voted_for
    state.hard_state_is_unsaved = True


def _announce(state: RaftState) -> None:
    """Tell observers, if there is something new to tell."""
    became = Became(role_name(state.role), state.current_term, state.leader)
    if became != state.announced:
        state.announced = became
        state.effects.append(became)
