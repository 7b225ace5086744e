"""Log replication by the leader (Raft §5.3) and its commit rule (§5.4.2).

The follower's side is in `acceptance`. The leader sends before it persists (thesis §10.2.1):
nothing it commits with its own entry counted is revealed before that entry is durable, because
effects are carried out in order and the commit stands behind the `Persist`.

What travels when:

- entries as soon as they are proposed, while the follower's window has room; later ones wait and
  travel together once an answer comes;
- the commit index with whatever is sent; when nothing else will carry it soon, in a *notice*: an
  empty AppendEntries of round 0, which is not answered;
- a heartbeat to every peer at every interval, and at once for a read (`reads`).
"""

from typing import Final

from nodeimpl.ids import Instant, LogIndex, NodeId, Term
from nodeimpl.raft.effects import Commit, Send
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import AppendEntries, AppendEntriesReply, Entry, EntryKind
from nodeimpl.raft.progress import Progress, ProgressState
from nodeimpl.raft.quorum import quorum_index
from nodeimpl.raft.roles import Leader
from nodeimpl.raft.snapshots import need_snapshot, repeat_chunk, resume_replication
from nodeimpl.raft.state import RaftState, persist

NO_ROUND: Final = 0
"""Stands in a notice, which is not answered unless it must be refused, and in the answer to an
earlier leader: that one's rounds are not the rounds of the term the answer bears."""


def start_replication(state: RaftState, now: Instant) -> None:
    """Append a no-op and send it to all (Raft §8: the leader learns what is committed).

    The first AppendEntries of a term is also its first heartbeat and the first probe of every
    follower's log.
    """
    leader = leader_role(state)
    leader.round += 1
    for progress in leader.progress.values():
        progress.probe_round = leader.round
    no_op = Entry(state.current_term, LogIndex(state.log.last_index + 1), EntryKind.NO_OP, b"")
    state.log.append((no_op,))
    for peer, progress in leader.progress.items():
        _send_probe(state, leader, peer, progress)
    leader.heartbeat_deadline = Instant(now + state.config.heartbeat_interval_ns)
    leader.plan()
    persist(state, (no_op,))
    advance_commit_index(state, leader)


def append_commands(state: RaftState, commands: list[bytes]) -> None:
    """Append `commands` to the leader's log, one entry each, and replicate them (§5.3).

    One call is one `Persist`, however many commands it brings.
    """
    leader = leader_role(state)
    term = state.current_term
    first_index = state.log.last_index + 1
    entries = tuple(
        Entry(term, LogIndex(index), EntryKind.COMMAND, command)
        for index, command in enumerate(commands, first_index)
    )
    state.log.append(entries)
    for peer, progress in leader.progress.items():
        send_entries(state, leader, peer, progress)
    persist(state, entries)
    if state.commits_alone:
        advance_commit_index(state, leader)


def send_heartbeats(state: RaftState, now: Instant) -> int:
    """Start the next round: an empty AppendEntries to every peer (§5.2); return its number.

    Each is checked against the entry before `next_index`, so its answer tells whether all that was
    sent has arrived.
    """
    leader = leader_role(state)
    leader.round = round_ = leader.round + 1
    leader.heartbeat_deadline = Instant(now + state.config.heartbeat_interval_ns)
    leader.plan()
    message: AppendEntries | None = None
    for peer, progress in leader.progress.items():
        if progress.transfer is not None:
            repeat_chunk(state, now, peer, progress, round_)
        prev_log_index = progress.next_index - 1
        if message is None or message.prev_log_index != prev_log_index:
            message = _append_entries(state, progress.next_index, (), round_)
        progress.commit_index_sent = state.commit_index
        state.effects.append(Send(peer, message))
    return round_


def on_append_entries_reply(state: RaftState, sender: NodeId, message: AppendEntriesReply) -> None:
    """Take a follower's answer into account (Raft §5.3; Figure 2, Leaders).

    Answers of earlier terms are ignored: that follower answered another leadership.
    """
    leader = state.role
    if not isinstance(leader, Leader) or message.term != state.current_term:
        return
    progress = leader.progress.get(sender)
    if progress is None:
        return  # not a member of the configuration
    progress.acked_round = max(progress.acked_round, message.round)
    if not message.accepted:
        _back_off(state, leader, sender, message)
        return
    rose = progress.accepted(message.match_index, message.round)
    if progress.state is ProgressState.SNAPSHOT:
        resume_replication(state, progress)
    if rose and message.match_index > state.commit_index:
        advance_commit_index(state, leader)
    send_entries(state, leader, sender, progress)


def advance_commit_index(state: RaftState, leader: Leader) -> bool:
    """Commit what a majority has stored, if the rule allows; return whether it did (§5.3)."""
    match_index = {peer: progress.match_index for peer, progress in leader.progress.items()}
    match_index[state.node_id] = state.log.last_index
    index = quorum_index(state.voter_sets, match_index)
    if not may_commit(state.log, index, state.commit_index, state.current_term):
        return False
    commit_to(state, index)
    return True


def may_commit(log: RaftLog, index: LogIndex, commit_index: LogIndex, current_term: Term) -> bool:
    """Return whether a leader may commit up to `index`, which a majority has stored.

    Only an entry of the leader's own term is committed by counting; entries before it are then
    committed with it (Raft §5.4.2; Figure 8 shows what goes wrong otherwise).
    """
    return index > commit_index and log.term_at(index) == current_term


def commit_to(state: RaftState, index: LogIndex) -> None:
    """Hand out all that is committed up to `index` and has not been handed out yet."""
    assert index > state.commit_index, "the commit index never falls"
    first_index = LogIndex(state.commit_index + 1)
    state.effects.append(Commit(state.log.between(first_index, index)))
    state.commit_index = index


def send_entries(state: RaftState, leader: Leader, peer: NodeId, progress: Progress) -> None:
    """Send what `peer` lacks, as far as its window has room (thesis §10.2.1)."""
    window = state.config.appends_in_flight_max
    while progress.next_index <= state.log.last_index and progress.has_room(window):
        entries = _batch(state, progress.next_index)
        message = _append_entries(state, progress.next_index, entries, leader.round)
        progress.sent(entries[-1].index)
        progress.commit_index_sent = state.commit_index
        state.effects.append(Send(peer, message))


def send_notices(state: RaftState) -> None:
    """Tell of a new commit index whoever has nothing on its way that will lead to telling him.

    A follower that forwarded a request waits for it. The entry before `next_index` is known to be
    there, so only a follower in a later term refuses a notice.
    """
    leader = state.role
    if not isinstance(leader, Leader):
        return
    for peer, progress in leader.progress.items():
        if progress.commit_index_sent < state.commit_index and progress.is_idle():
            progress.commit_index_sent = state.commit_index
            message = _append_entries(state, progress.next_index, (), NO_ROUND)
            state.effects.append(Send(peer, message))


def backed_off_next_index(log: RaftLog, conflict_index: LogIndex, conflict_term: Term) -> LogIndex:
    """Return where the logs may meet, after a refusal (Raft §5.3, end).

    A follower whose log is too short (`conflict_term` 0) is sent what follows its last entry. If
    the leader has the conflicting term, the logs agree up to the last entry of that term here (a
    term has one leader, which never replaced its entries); otherwise they can at best agree before
    the first entry of that term there.
    """
    last_index_here = log.last_index_of_term(conflict_term)
    if last_index_here is None:
        return conflict_index
    return LogIndex(last_index_here + 1)


def _back_off(
    state: RaftState, leader: Leader, sender: NodeId, message: AppendEntriesReply
) -> None:
    """Probe further back after a refusal, unless it is an answer to a probe long abandoned.

    What comes before the log can be sent as a snapshot only; while one is on its way, a refusal
    says that it has not been installed yet.
    """
    progress = leader.progress[sender]
    if progress.is_stale_refusal(message.round) or progress.state is ProgressState.SNAPSHOT:
        return
    guess = backed_off_next_index(state.log, message.conflict_index, message.conflict_term)
    next_index = max(progress.match_index + 1, min(guess, progress.next_index - 1))
    if next_index <= state.log.prefix_index:
        need_snapshot(state, progress)
        return
    leader.round += 1
    progress.probe(LogIndex(next_index), leader.round)
    _send_probe(state, leader, sender, progress)


def _send_probe(state: RaftState, leader: Leader, peer: NodeId, progress: Progress) -> None:
    """Test `next_index`. The probe brings entries, so that a right guess costs no round trip."""
    entries = _batch(state, progress.next_index)
    message = _append_entries(state, progress.next_index, entries, leader.round)
    progress.commit_index_sent = state.commit_index
    state.effects.append(Send(peer, message))


def _batch(state: RaftState, first_index: LogIndex) -> tuple[Entry, ...]:
    return state.log.batch(
        first_index,
        entries_max=state.config.append_entries_max,
        bytes_max=state.config.append_bytes_max,
    )


def _append_entries(
    state: RaftState, next_index: LogIndex, entries: tuple[Entry, ...], round_: int
) -> AppendEntries:
    prev_log_index = LogIndex(next_index - 1)
    prev_log_term = state.log.term_at(prev_log_index)
    return AppendEntries(
        state.current_term, prev_log_index, prev_log_term, entries, state.commit_index, round_
    )


def leader_role(state: RaftState) -> Leader:
    """Return the role of a node that leads; it is an error to ask another."""
    assert isinstance(state.role, Leader), f"node {state.node_id} does not lead"
    return state.role
