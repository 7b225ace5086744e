"""Log compaction: trimming, and the state sent in place of what was trimmed (Raft §7).

The follower's side is in `installation`. The snapshot is the state machine itself, which its node
makes durable from time to time (`nodeimpl.mvcc.backend`), so taking one costs nothing: what is
called a snapshot here is only ever made for a follower that needs one.

How the state travels: in chunks, one unanswered at a time, each with a round of its own. An answer
says where the next chunk must begin, so a follower that restarted, or that has most of the state
from before a pause, decides itself. A chunk or an answer that was lost is made up for by sending
the same chunk again, once in a heartbeat interval; a follower that has been silent for an election
timeout is probed again, as one that has just been heard of.

What is trimmed: all but `catch_up_entries` of what the state machine holds, whenever that is at
least `snapshot_entries`, and nothing behind a snapshot that is under way. Otherwise a follower
could find, once it is installed, that it needs the next (etcd server: "pause compaction").
"""

from nodeimpl.ids import Instant, LogIndex, NodeId
from nodeimpl.raft.effects import NeedSnapshot, Send, Trim
from nodeimpl.raft.messages import InstallSnapshot, InstallSnapshotReply, Snapshot
from nodeimpl.raft.progress import Progress, ProgressState, Transfer
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.state import RaftState


def trim(state: RaftState, saved_index: LogIndex) -> None:
    """Forget what the state machine holds durably, up to `saved_index`, if it is worth it (§7).

    "Durably" as effects are: by what was asked for before this call.
    """
    assert saved_index <= state.commit_index, "only what is committed is applied"
    prefix_index = trimmable_index(state, saved_index)
    if prefix_index - state.log.prefix_index < state.config.snapshot_entries:
        return
    state.log.trim(prefix_index)
    state.effects.append(Trim(prefix_index, state.log.prefix_term))
    if isinstance(state.role, Leader):
        _probe_again(state, state.role)


def trimmable_index(state: RaftState, saved_index: LogIndex) -> LogIndex:
    """Return up to where the log may be forgotten; less than 1 if nothing of it may be."""
    index = saved_index - state.config.catch_up_entries
    if isinstance(state.role, Leader):
        for progress in state.role.progress.values():
            if progress.transfer is not None:
                index = min(index, progress.transfer.snapshot.last_included_index)
    return LogIndex(index)


def need_snapshot(state: RaftState, progress: Progress) -> None:
    """Send this follower the state: it needs entries that were trimmed (Raft §7)."""
    progress.await_snapshot()
    state.effects.append(NeedSnapshot())


def send_snapshot(state: RaftState, now: Instant, snapshot: Snapshot) -> None:
    """Begin to send `snapshot` to all who wait for one."""
    leader = state.role
    assert isinstance(leader, Leader), "no role ends between the question and the answer"
    assert state.log.matches(snapshot.last_included_index, snapshot.last_included_term), (
        f"a snapshot that ends at {snapshot.last_included_index}@{snapshot.last_included_term} "
        "is of another log"
    )
    for peer, progress in leader.progress.items():
        if progress.state is ProgressState.SNAPSHOT and progress.transfer is None:
            leader.round += 1
            transfer = Transfer(
                snapshot=snapshot,
                first_round=leader.round,
                offset=0,
                round=leader.round,
                sent_at=now,
                answered_at=now,
            )
            progress.send_snapshot(transfer)
            _send_chunk(state, peer, transfer)


def on_install_snapshot_reply(
    state: RaftState, now: Instant, sender: NodeId, message: InstallSnapshotReply
) -> None:
    """Send the chunk that the follower asks for, if this is the first answer to the last one.

    A follower that has the whole state says so in an AppendEntriesReply, and so does one that
    turns out not to need it.
    """
    leader = state.role
    if not isinstance(leader, Leader) or message.term != state.current_term:
        return
    progress = leader.progress.get(sender)
    if progress is None:
        return  # not a member of the configuration
    progress.acked_round = max(progress.acked_round, message.round)
    transfer = progress.transfer
    if transfer is None or message.round != transfer.round:
        return
    leader.round += 1
    transfer.round = leader.round
    transfer.offset = message.offset
    transfer.sent_at = transfer.answered_at = now
    _send_chunk(state, sender, transfer)


def resume_replication(state: RaftState, progress: Progress) -> None:
    """Send entries again if the follower turns out to hold what this log begins behind."""
    if progress.match_index >= state.log.prefix_index:
        progress.resume()


def repeat_chunk(
    state: RaftState, now: Instant, peer: NodeId, progress: Progress, round_: int
) -> None:
    """Send again what may have been lost, or give up on who is silent.

    Called before a heartbeat of `round_` is sent, which then probes the follower given up.
    """
    transfer = progress.transfer
    assert transfer is not None, "a chunk is out"
    if now - transfer.answered_at >= state.config.election_timeout_ns_max:
        progress.probe(state.log.first_index, round_)
    elif now - transfer.sent_at >= state.config.heartbeat_interval_ns:
        transfer.sent_at = now
        _send_chunk(state, peer, transfer)


def _probe_again(state: RaftState, leader: Leader) -> None:
    """Ask followers for which trimmed entries come next where they are, with the next heartbeat."""
    for progress in leader.progress.values():
        if progress.next_index <= state.log.prefix_index:
            leader.round += 1
            progress.probe(state.log.first_index, leader.round)


def _send_chunk(state: RaftState, peer: NodeId, transfer: Transfer) -> None:
    snapshot = transfer.snapshot
    size = state.config.snapshot_chunk_bytes
    # One byte more tells whether this is the end.
    part = snapshot.data[transfer.offset : transfer.offset + size + 1]
    message = InstallSnapshot(
        term=state.current_term,
        first_round=transfer.first_round,
        last_included_index=snapshot.last_included_index,
        last_included_term=snapshot.last_included_term,
        configuration=snapshot.configuration,
        offset=transfer.offset,
        data=bytes(part[:size]),
        done=len(part) <= size,
        round=transfer.round,
    )
    state.effects.append(Send(peer, message))
