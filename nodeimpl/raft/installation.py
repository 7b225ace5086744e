"""The state sent by the leader, as its follower takes it in (Raft §7; Figure 13, receiver).

The chunks of one snapshot of one leader are collected in order. Complete, they are handed out as
`Restore`; once the state machine has taken them over, `snapshot_restored` lets the log begin
behind them. Nothing is told to the leader before the new state is asked to be made durable.

A crash may come when the state is durable and the log does not begin behind it yet; recovery does
what was left undone (`nodeimpl.storage.recovery`).
"""

from collections.abc import Callable

from nodeimpl.ids import Instant, NodeId
from nodeimpl.raft.acceptance import accept
from nodeimpl.raft.configuration_log import follow_snapshot
from nodeimpl.raft.effects import Restore, Restored, Send, Trim
from nodeimpl.raft.messages import InstallSnapshot, InstallSnapshotReply, Snapshot
from nodeimpl.raft.replication import NO_ROUND, commit_to
from nodeimpl.raft.roles import Follower, IncomingSnapshot
from nodeimpl.raft.state import RaftState, persist
from nodeimpl.raft.transitions import become_follower, hear_leader
from nodeimpl.spool import Spool


def on_install_snapshot(
    state: RaftState, now: Instant, sender: NodeId, message: InstallSnapshot
) -> None:
    """Take a chunk, by the numbers of Figure 13. Later terms are already entered."""
    if message.term < state.current_term:  # 1. an earlier leader: tell it of the current term
        _ask_for(state, sender, 0, NO_ROUND)
        return
    if state.leader != sender:
        become_follower(state, now, term=message.term, leader=sender)
    hear_leader(state, now)
    persist(state)
    follower = state.role
    assert isinstance(follower, Follower), "who hears the leader of its term follows it"
    if is_needless(state, message):
        follower.incoming = None
        _accept_needless(state, sender, message)
        return
    incoming, is_taken = _collect(follower, message, state.new_spool)  # 2. to 5.
    if message.done and is_taken:
        state.effects.append(
            Restore(
                Snapshot(
                    incoming.last_included_index,
                    incoming.last_included_term,
                    incoming.configuration,
                    incoming.data,
                )
            )
        )
    else:
        _ask_for(state, sender, len(incoming.data), message.round)


def snapshot_restored(state: RaftState, *, is_restored: bool) -> None:
    """Let the log begin behind the snapshot (Figure 13, 7.), or ask for its bytes anew.

    They are asked for anew if the state machine could not make sense of them.
    """
    follower = state.role
    assert isinstance(follower, Follower), "no role ends between the question and the answer"
    assert follower.leader is not None, "a snapshot came from a leader"
    assert follower.incoming is not None, "a snapshot was handed out"
    incoming, follower.incoming = follower.incoming, None
    index, term = incoming.last_included_index, incoming.last_included_term
    if not is_restored:
        _ask_for(state, follower.leader, 0, incoming.round)
        return
    state.log.restart(index, term)
    state.commit_index = index
    state.effects.append(Restored(index, term))
    follow_snapshot(state, index, incoming.configuration)
    state.effects.append(Trim(index, term))
    accept(state, follower.leader, index, incoming.round)


def is_needless(state: RaftState, message: InstallSnapshot) -> bool:
    """Return whether this node has all that the snapshot stands for, in its log or applied.

    The first by Log Matching, the second because what is committed is the same everywhere.
    """
    index, term = message.last_included_index, message.last_included_term
    return index <= state.commit_index or state.log.matches(index, term)


def is_chunk_next(incoming: IncomingSnapshot, message: InstallSnapshot) -> bool:
    """Return whether the chunk begins where what has arrived of its snapshot ends."""
    return message.first_round == incoming.first_round and message.offset == len(incoming.data)


def _accept_needless(state: RaftState, sender: NodeId, message: InstallSnapshot) -> None:
    """Say that the prefix is here (Figure 13, 6.); what a snapshot stands for is committed."""
    index = message.last_included_index
    accept(state, sender, index, message.round)
    if index > state.commit_index:
        commit_to(state, index)


def _collect(
    follower: Follower, message: InstallSnapshot, new_spool: Callable[[], Spool]
) -> tuple[IncomingSnapshot, bool]:
    """Add the chunk to what has arrived, if it belongs there next; return that, and whether.

    A later snapshot takes the place of an earlier one; chunks of an earlier one come too late.
    """
    incoming = follower.incoming
    if incoming is None or incoming.first_round < message.first_round:
        incoming = follower.incoming = IncomingSnapshot(
            first_round=message.first_round,
            last_included_index=message.last_included_index,
            last_included_term=message.last_included_term,
            configuration=message.configuration,
            data=new_spool(),
            round=message.round,
        )
    is_taken = is_chunk_next(incoming, message)
    if is_taken:
        incoming.data.extend(message.data)
        incoming.round = message.round
    return incoming, is_taken


def _ask_for(state: RaftState, leader: NodeId, offset: int, round_: int) -> None:
    reply = InstallSnapshotReply(state.current_term, offset, round_)
    state.effects.append(Send(leader, reply))
