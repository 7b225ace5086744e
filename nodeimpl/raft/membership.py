"""Membership changes by joint consensus, with learners (Raft §6; thesis §4.2, §4.3).

The members are entries of the log (`configuration_log`); here is what the leader does about them.

A change of voters is two entries: C_old,new, and C_new, which the leader appends of itself once the
first is committed, be it the leader that began the change or a later one. One change at a time:
the next is refused until C_new is committed.

Who counts when:

- a learner is sent entries, and neither votes nor counts (thesis §4.2.1). It is promoted once what
  it lacks fits into one AppendEntries;
- a leader that is removed leads on, without counting itself, until C_new is committed, and then
  steps down (Raft §6, §4.2.2);
- a node stands for election if its log makes it a voter, or did until an entry that is not
  committed (`election.may_stand`). Asked for a vote any node gives one: it may lack the entry by
  which it votes, and the candidate knows whose votes count;
- messages are heeded whoever sends them: a new node does not know yet who leads it (thesis §4.1).
  What keeps removed nodes from disturbing is `check_quorum`'s stickiness, and PreVote.
"""

from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    ConfigurationEntry,
    Objection,
    encode_configuration_entry,
    final_configuration,
    next_configuration,
    objection,
)
from nodeimpl.raft.configuration_log import adopt
from nodeimpl.raft.messages import Entry, EntryKind
from nodeimpl.raft.progress import Progress, ProgressState
from nodeimpl.raft.quorum import is_quorum
from nodeimpl.raft.replication import advance_commit_index, leader_role, send_entries
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import ConfigurationAt, RaftState, persist
from nodeimpl.raft.transitions import step_down


def objection_to_change(state: RaftState, change: Change) -> Objection | None:
    """Return why this node does not begin `change`; None if it may."""
    leader = state.role
    if not isinstance(leader, Leader):
        return Objection.NOT_LEADER
    if not is_settled(state, leader):
        return Objection.CHANGE_UNDER_WAY
    configuration = state.configuration
    found = objection(configuration, change, learners_max=state.config.learners_max)
    if found is not None:
        return found
    if not all(is_caught_up(state, leader, learner) for learner in change.promoted):
        return Objection.LEARNER_NOT_READY
    if not _could_commit(state, leader, next_configuration(configuration, change)):
        return Objection.UNHEALTHY
    return None


def change_membership(state: RaftState, request_id: RequestId, change: Change) -> None:
    """Begin a change that nothing speaks against: append C_old,new, or C_new for learners only."""
    found = objection_to_change(state, change)
    assert found is None, f"the caller has asked for objections: {found}"
    _append(state, leader_role(state), request_id, next_configuration(state.configuration, change))


def is_settled(state: RaftState, leader: Leader) -> bool:
    """Return whether no change, and no leadership transfer, is under way, for all a leader knows.

    A leader that has committed nothing in its term yet cannot know.
    """
    return (
        not state.configuration.is_joint
        and state.configurations[-1].index <= state.commit_index
        and state.log.term_at(state.commit_index) == state.current_term
        and leader.transfer is None
    )


def is_caught_up(state: RaftState, leader: Leader, learner: NodeId) -> bool:
    """Return whether one AppendEntries would bring `learner` to the end of the log (§4.2.1).

    Then a new voter holds back no commit for longer than a round trip. etcd asks for nine tenths of
    the leader's log instead, which in a long log can be a lot to miss.
    """
    progress = leader.progress[learner]
    lacking = state.log.last_index - progress.match_index
    return (
        progress.state is ProgressState.REPLICATE
        and progress.is_active
        and lacking <= state.config.append_entries_max
    )


def advance_membership(state: RaftState, now: Instant) -> bool:
    """Go on with a change whose last entry is committed: append C_new, or step down if removed.

    Return whether a change is under way still, of this node or of the leader it follows.
    """
    while state.configurations[-1].index <= state.commit_index:
        leader = state.role
        if not state.configuration.is_joint:
            if isinstance(leader, Leader) and not state.is_voter:  # Raft §6, second issue
                step_down(state, now)
            return False
        if not isinstance(leader, Leader):
            return True
        joint = state.configurations[-1]
        _append(state, leader, joint.request_id, final_configuration(joint.configuration))
    return True


def _append(
    state: RaftState, leader: Leader, request_id: RequestId, configuration: Configuration
) -> None:
    index = LogIndex(state.log.last_index + 1)
    data = encode_configuration_entry(ConfigurationEntry(request_id, configuration))
    entry = Entry(state.current_term, index, EntryKind.CONFIGURATION, data)
    state.log.append((entry,))
    state.configurations.append(ConfigurationAt(index, request_id, configuration))
    adopt(state)
    # A new member's log is a guess; the next heartbeat tests it.
    leader.progress = {
        peer: leader.progress.get(peer) or Progress(next_index=index) for peer in state.peers
    }
    for peer, progress in leader.progress.items():
        send_entries(state, leader, peer, progress)
    persist(state, (entry,))
    advance_commit_index(state, leader)


def _could_commit(state: RaftState, leader: Leader, configuration: Configuration) -> bool:
    """Return whether majorities of `configuration` have answered lately (etcd: health check)."""
    active = {peer for peer, progress in leader.progress.items() if progress.is_active}
    active.add(state.node_id)
    return is_quorum(configuration.voter_sets, active)
