"""Leaders that are heard, and leaders that nobody hears (thesis §6.2, end, and §4.2.3).

Two rules that need each other, both under `RaftConfig.check_quorum`:

- **CheckQuorum.** A leader that a quorum has not answered for an election timeout steps down: its
  clients shall ask elsewhere, and its followers shall not be held back by heartbeats of a leader
  that cannot commit.
- **Stickiness.** Who has heard from a leader within the minimum election timeout, and the leader
  itself, ignores a RequestVote of a later term, and does not even enter that term. So a node that
  was cut off, or removed from the configuration, cannot depose a leader whom a quorum follows.

Stickiness alone would keep a leader in office that is heard but hears nothing.

The lease that we do not use. After a round that a quorum answered, stickiness keeps that quorum
from electing another leader for the minimum election timeout, counted from when the round was
*started*, less the drift between any two clocks; for so long the leader could answer reads on its
own (thesis §6.4.1). It holds only while clocks keep their rate, a paused leader may not answer
with what it read before the pause, and a leadership transfer breaks it at once. We answer no read
by lease: a nemesis that bends clocks would be right to convict us. ReadIndex (`reads`) costs one
round, shared by all reads that wait, and depends on no clock.
"""

from nodeimpl.ids import Instant
from nodeimpl.raft.messages import RequestVote
from nodeimpl.raft.quorum import is_quorum
from nodeimpl.raft.replication import leader_role
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import RaftState
from nodeimpl.raft.transitions import step_down


def check_quorum(state: RaftState, now: Instant) -> bool:
    """Step down unless a quorum has answered since the last look; return whether this node leads.

    A follower counts if it has answered a new round since the last look (thesis §6.2: "a
    successful round of heartbeats to a majority"). Looks are the maximum election timeout apart:
    by then a follower that hears nothing has stood for election.
    """
    leader = leader_role(state)
    leader.check_deadline = Instant(now + state.config.election_timeout_ns_max)
    leader.plan()
    answering = {peer for peer, progress in leader.progress.items() if progress.look()}
    answering.add(state.node_id)
    if state.config.check_quorum and not is_quorum(state.voter_sets, answering):
        step_down(state, now)
        return False
    return True


def is_ignored(state: RaftState, now: Instant, request: RequestVote) -> bool:
    """Return whether stickiness forbids to look at a RequestVote of a later term (§4.2.3)."""
    return (
        state.config.check_quorum and not request.leadership_transfer and hears_leader(state, now)
    )


def hears_leader(state: RaftState, now: Instant) -> bool:
    """Return whether a leader was heard within the minimum election timeout; it hears itself."""
    if isinstance(state.role, Leader):
        return True
    return (
        state.leader is not None
        and now < state.leader_heard_at + state.config.election_timeout_ns_min
    )
