"""Linearizable reads without a log entry: ReadIndex (thesis §6.4).

1. The leader must have committed an entry of its own term, or it may not know the latest commit
   index (its no-op sees to that); reads wait for it.
2. The read index is the commit index when a heartbeat round is started for the read.
3. Once a majority has answered that round, or a later one, in the same term, no other leader can
   have committed anything before the round was started: the read index is not stale.
4. Whoever has applied the log up to the read index may answer the read.

Reads that arrive while a round is on its way wait together for the next one.

Why late and repeated messages are harmless. Acknowledgements carry round numbers, which never fall
within a leadership and end with it (the role is replaced), so an old acknowledgement can only
confirm rounds that were started before it was sent; etcd kept a queue of contexts instead, and a
repeated context dequeued a read that nobody had confirmed (etcd #20418). Answers carry the name of
a batch, unique among all nodes and incarnations, that stands for a fixed set of reads: an answer
was confirmed after the batch was first asked, so it is right whenever it comes, and a second one
finds the batch gone.
"""

from collections.abc import Sequence

from nodeimpl.ids import Instant, NodeId, RequestId
from nodeimpl.raft.effects import Dropped, ReadReady, Send
from nodeimpl.raft.messages import ReadIndex, ReadIndexReply
from nodeimpl.raft.quorum import quorum_round
from nodeimpl.raft.replication import send_heartbeats
from nodeimpl.raft.roles import Leader, ReadRequest, ReadRound
from nodeimpl.raft.state import RaftState, ReadBatch


def read(state: RaftState, now: Instant, request_ids: Sequence[RequestId]) -> None:
    """Ask for a read index for this node's reads, as one batch.

    They are dropped if no leader is known or too many reads wait; a read may always be dropped.
    """
    leader = state.leader
    if leader is None or state.reads_count + len(request_ids) > state.config.reads_waiting_max:
        state.effects.append(Dropped(tuple(request_ids)))
        return
    batch = ReadBatch(request_ids=tuple(request_ids), asked_term=state.current_term, asked_at=now)
    state.reads[request_ids[0]] = batch
    state.reads_count += len(request_ids)
    _ask(state, leader, request_ids[0])
    advance_reads(state, now)


def ask_again(state: RaftState, now: Instant) -> None:
    """Ask a new leader for what the last one did not answer, and any leader that seems deaf.

    A batch is asked once of every leader, and again after an election timeout, as its message or
    the answer may have been lost. The batches are in the order last asked, so the first that need
    not be asked again ends the search.
    """
    leader = state.leader
    if leader is None:
        return
    while state.reads:
        name, batch = next(iter(state.reads.items()))
        if not _is_overdue(state, leader, batch, now):
            break
        batch.asked_term = state.current_term
        batch.asked_at = now
        state.reads[name] = state.reads.pop(name)  # now the last one asked
        _ask(state, leader, name)
    advance_reads(state, now)


def on_read_index(state: RaftState, now: Instant, sender: NodeId, message: ReadIndex) -> None:
    """Let a follower's read wait for a round, if this node leads the very term it was sent to.

    Otherwise, or if too many wait, it is passed over: the follower asks again.
    """
    leader = state.role
    if not isinstance(leader, Leader) or message.term != state.current_term:
        return
    if len(leader.reads_open) < state.config.reads_waiting_max:
        leader.reads_open.append(ReadRequest(sender, message.request_id))
        advance_reads(state, now)


def on_read_index_reply(state: RaftState, message: ReadIndexReply) -> None:
    """Release a batch of this node, unless that has been done. Its term does not matter (above)."""
    batch = state.reads.pop(message.request_id, None)
    if batch is not None:
        state.reads_count -= len(batch.request_ids)
        state.effects.append(ReadReady(batch.request_ids, message.read_index))


def advance_reads(state: RaftState, now: Instant) -> None:
    """Answer the reads whose round is confirmed; start a round for those that wait (leader)."""
    leader = state.role
    if not isinstance(leader, Leader):
        return
    if leader.reads_confirming is None:
        if not leader.reads_open:
            return
        _start_round(state, leader, now)
    confirming = leader.reads_confirming
    if confirming is not None and is_confirmed(state, leader, confirming.round):
        leader.reads_confirming = None
        _answer(state, confirming)
        _start_round(state, leader, now)


def may_serve_reads(state: RaftState) -> bool:
    """Return whether this leader has committed an entry of its own term (thesis §6.4, step 1)."""
    return state.log.term_at(state.commit_index) == state.current_term


def is_confirmed(state: RaftState, leader: Leader, round_: int) -> bool:
    """Return whether a majority still followed this leader after it had started `round_`."""
    acked_round = {peer: progress.acked_round for peer, progress in leader.progress.items()}
    acked_round[state.node_id] = leader.round
    return quorum_round(state.voter_sets, acked_round) >= round_


def _start_round(state: RaftState, leader: Leader, now: Instant) -> None:
    if leader.reads_open and may_serve_reads(state):
        requests, leader.reads_open = leader.reads_open, []
        leader.reads_confirming = ReadRound(
            round=send_heartbeats(state, now), read_index=state.commit_index, requests=requests
        )


def _answer(state: RaftState, confirmed: ReadRound) -> None:
    local: list[RequestId] = []
    for origin, name in confirmed.requests:
        if origin != state.node_id:
            reply = ReadIndexReply(state.current_term, name, confirmed.read_index)
            state.effects.append(Send(origin, reply))
            continue
        batch = state.reads.pop(name, None)
        if batch is not None:  # it may have been answered by the last leader, late
            state.reads_count -= len(batch.request_ids)
            local.extend(batch.request_ids)
    if local:
        state.effects.append(ReadReady(tuple(local), confirmed.read_index))


def _ask(state: RaftState, leader: NodeId, name: RequestId) -> None:
    if isinstance(state.role, Leader):
        state.role.reads_open.append(ReadRequest(state.node_id, name))
    else:
        state.effects.append(Send(leader, ReadIndex(state.current_term, name)))


def _is_overdue(state: RaftState, leader: NodeId, batch: ReadBatch, now: Instant) -> bool:
    if batch.asked_term != state.current_term:
        return True
    if leader == state.node_id:
        return False  # it waits in the leader's own queue, which loses nothing
    return now >= batch.asked_at + state.config.election_timeout_ns_min
