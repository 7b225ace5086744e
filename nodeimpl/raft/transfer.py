"""Leadership transfer: the leader lets a voter of its choice take over at once (thesis §3.10).

1. The leader accepts no proposals any more, or the target might never catch up.
2. It brings the target's log up to its own, by replication as always.
3. It sends TimeoutNow. The target stands for election without waiting for a timeout and without
   asking for promises, and its RequestVote says that the leader wants it so: whoever hears the
   leader votes all the same (thesis §4.2.3).

The leader steps down when it hears of the target's term. If that has not happened within an
election timeout, the transfer is given up and proposals are accepted again. The target may win all
the same, later: an election is safe at any time.

TimeoutNow is not repeated: one that is lost costs the transfer, which may be asked for again.
"""

from nodeimpl.ids import Instant, NodeId
from nodeimpl.raft.configuration import Objection
from nodeimpl.raft.effects import Send
from nodeimpl.raft.election import may_stand, start_election
from nodeimpl.raft.messages import TimeoutNow
from nodeimpl.raft.progress import Progress
from nodeimpl.raft.replication import leader_role
from nodeimpl.raft.roles import Leader, LeadershipTransfer
from nodeimpl.raft.state import RaftState


def objection_to_transfer(state: RaftState, target: NodeId) -> Objection | None:
    """Return why leadership is not handed to `target`; None if it may be, or `target` leads."""
    if not isinstance(state.role, Leader):
        return Objection.NOT_LEADER
    if target not in state.configuration.members:
        return Objection.NOT_MEMBER
    if not state.configuration.has_voter(target):
        return Objection.NO_VOTER
    return None


def start_transfer(state: RaftState, now: Instant, target: NodeId) -> None:
    """Begin to hand leadership to `target`; a transfer to another target is given up for it."""
    found = objection_to_transfer(state, target)
    assert found is None, f"the caller has asked for objections: {found}"
    leader = leader_role(state)
    leader.transfer = None
    if target != state.node_id:
        deadline = Instant(now + state.config.election_timeout_ns_max)
        leader.transfer = LeadershipTransfer(target=target, deadline=deadline)
        state.is_changing = True
    leader.plan()


def advance_transfer(state: RaftState, now: Instant) -> bool:
    """Send TimeoutNow once the target has all entries; give up when the time is over.

    Return whether a transfer is under way still.
    """
    leader = state.role
    if not isinstance(leader, Leader) or leader.transfer is None:
        return False
    transfer = leader.transfer
    progress = leader.progress.get(transfer.target)
    if now >= transfer.deadline or progress is None:
        leader.transfer = None
        leader.plan()
        return False
    if not transfer.is_announced and is_ready(state, progress):
        transfer.is_announced = True
        state.effects.append(Send(transfer.target, TimeoutNow(state.current_term)))
    return True


def is_ready(state: RaftState, target: Progress) -> bool:
    """Return whether the target has all entries (thesis §3.10, step 2)."""
    return target.match_index == state.log.last_index


def on_timeout_now(state: RaftState, now: Instant, sender: NodeId, message: TimeoutNow) -> None:
    """Stand for election at once, if the leader of the current term asks a voter to."""
    if message.term == state.current_term and state.leader == sender and may_stand(state):
        start_election(state, now, leadership_transfer=True)
