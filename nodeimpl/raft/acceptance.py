"""Log replication by the follower (Raft §5.3; Figure 2, AppendEntries RPC, receiver)."""

import msgspec

from nodeimpl.ids import Instant, LogIndex, NodeId, Term
from nodeimpl.raft.configuration_log import follow_log
from nodeimpl.raft.effects import Send
from nodeimpl.raft.log import NO_INDEX, NO_TERM, RaftLog
from nodeimpl.raft.messages import AppendEntries, AppendEntriesReply, Entry
from nodeimpl.raft.replication import NO_ROUND, commit_to
from nodeimpl.raft.state import RaftState, persist
from nodeimpl.raft.transitions import become_follower, hear_leader


def on_append_entries(
    state: RaftState, now: Instant, sender: NodeId, message: AppendEntries
) -> None:
    """Accept or refuse a leader's entries, by the numbers of Figure 2. Later terms are entered.

    The answer to an earlier leader names no round. It bears the current term, which the same node
    may lead by the time it arrives, and would confirm a round that this leadership has not started.

    The answer stands behind the `Persist` of what it acknowledges, its term included. What is
    committed follows the answer: applying takes time, and the leader waits.
    """
    if message.term < state.current_term:  # 1. an earlier leader: tell it of the current term
        _refuse(state, sender, NO_ROUND, NO_INDEX, NO_TERM)
        return
    if state.leader != sender:
        become_follower(state, now, term=message.term, leader=sender)
    hear_leader(state, now)
    log = state.log
    if message.prev_log_index < log.prefix_index:
        message = behind_prefix(log, message)
    if not log.matches(message.prev_log_index, message.prev_log_term):  # 2.
        _refuse(state, sender, message.round, *conflict(log, message.prev_log_index))
        return
    entries = log.missing(message.entries)
    if entries:  # 3. and 4.
        replace_suffix(state, entries)
    persist(state, entries)
    match_index = LogIndex(message.prev_log_index + len(message.entries))
    if message.round != NO_ROUND:
        accept(state, sender, match_index, message.round)
    commit_index = verified_commit_index(message.commit_index, match_index)  # 5.
    if commit_index > state.commit_index:
        commit_to(state, commit_index)


def accept(state: RaftState, leader: NodeId, match_index: LogIndex, round_: int) -> None:
    """Tell the leader that this log equals its own up to `match_index`, durably."""
    reply = AppendEntriesReply(
        term=state.current_term,
        accepted=True,
        match_index=match_index,
        conflict_index=NO_INDEX,
        conflict_term=NO_TERM,
        round=round_,
    )
    state.effects.append(Send(leader, reply))


def behind_prefix(log: RaftLog, message: AppendEntries) -> AppendEntries:
    """Return the part of `message` that lies behind the prefix this log has trimmed (Raft §7).

    What was trimmed is committed, so the leader's log holds it too (Leader Completeness): nothing
    up to `prefix_index` needs to be compared.
    """
    return msgspec.structs.replace(
        message,
        prev_log_index=log.prefix_index,
        prev_log_term=log.prefix_term,
        entries=message.entries[log.prefix_index - message.prev_log_index :],
    )


def replace_suffix(state: RaftState, entries: tuple[Entry, ...]) -> None:
    """Drop what conflicts with `entries`, then append them (Figure 2, 3. and 4.).

    Only a conflict truncates. An AppendEntries that was overtaken by later ones brings nothing
    that is missing, and must not cut off what the later ones brought.
    """
    first_index = entries[0].index
    if first_index <= state.log.last_index:
        assert first_index > state.commit_index, (
            f"node {state.node_id} would truncate from {first_index}, but has committed up to "
            f"{state.commit_index} (Leader Completeness, Raft §5.4)"
        )
        state.log.truncate(first_index)
    state.log.append(entries)
    follow_log(state, entries)


def verified_commit_index(leader_commit: LogIndex, match_index: LogIndex) -> LogIndex:
    """Return what may be committed: what the leader has, as far as it was compared (Figure 2, 5.).

    Behind `match_index` there may still be entries that the leader does not have.
    """
    return min(leader_commit, match_index)


def conflict(log: RaftLog, prev_log_index: LogIndex) -> tuple[LogIndex, Term]:
    """Return where the leader may back off to, an index and a term (Raft §5.3, end).

    The first index of the conflicting term, and that term; or, where there is no entry at
    `prev_log_index`, the index after the last one, and 0.
    """
    if prev_log_index > log.last_index:
        return LogIndex(log.last_index + 1), NO_TERM
    term = log.term_at(prev_log_index)
    first_index = log.first_index_of_term(term)
    assert first_index is not None, "the log has an entry of this term"
    return first_index, term


def _refuse(
    state: RaftState,
    sender: NodeId,
    round_: int,
    conflict_index: LogIndex,
    conflict_term: Term,
) -> None:
    persist(state)
    reply = AppendEntriesReply(
        term=state.current_term,
        accepted=False,
        match_index=NO_INDEX,
        conflict_index=conflict_index,
        conflict_term=conflict_term,
        round=round_,
    )
    state.effects.append(Send(sender, reply))
