"""Planted bugs in how entries are replicated and committed (Raft §5.3, §5.4.2)."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.acceptance import accept, on_append_entries, verified_commit_index
from nodeimpl.raft.log import RaftLog
from nodeimpl.raft.messages import AppendEntries, AppendEntriesReply, Entry
from nodeimpl.raft.progress import Progress
from nodeimpl.raft.quorum import quorum_index
from nodeimpl.raft.replication import (
    commit_to,
    leader_role,
    may_commit,
    on_append_entries_reply,
    send_heartbeats,
    start_replication,
)
from nodeimpl.raft.seen_requests import SeenRequests
from nodeimpl.raft.state import RaftState


def _missing_is_all(log: RaftLog, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    del log
    return entries


def _missing_is_behind_the_end(log: RaftLog, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.index > log.last_index)


def _matches_any_term(log: RaftLog, index: LogIndex, term: Term) -> bool:
    del term
    return log.prefix_index <= index <= log.last_index


def _leader_commit_as_it_is(leader_commit: LogIndex, match_index: LogIndex) -> LogIndex:
    del match_index
    return leader_commit


def _commit_as_far_as_there_is(state: RaftState, index: LogIndex) -> None:
    """Commit to the end of the log where the leader's commit index lies behind it."""
    reachable = min(index, state.log.last_index)
    if reachable > state.commit_index:
        commit_to(state, reachable)


def _may_commit_any_term(
    log: RaftLog, index: LogIndex, commit_index: LogIndex, current_term: Term
) -> bool:
    del log, current_term
    return index > commit_index


def _index_of_minority(
    voter_sets: Sequence[Collection[NodeId]], match_index: Mapping[NodeId, LogIndex]
) -> LogIndex:
    """Return what one voter less than a majority has stored."""
    stored = [sorted(match_index[voter] for voter in voters) for voters in voter_sets]
    return min(ascending[-max(1, len(ascending) // 2)] for ascending in stored)


def _all_sent_was_stored(progress: Progress, match_index: LogIndex, round_: int) -> bool:
    del match_index
    return _accepted(progress, LogIndex(progress.next_index - 1), round_)


_accepted = Progress.accepted


def _accept_to_the_end(
    state: RaftState, leader: NodeId, match_index: LogIndex, round_: int
) -> None:
    accept(state, leader, max(match_index, state.log.last_index), round_)


def _count_reply_of_any_term(state: RaftState, sender: NodeId, message: AppendEntriesReply) -> None:
    current = msgspec.structs.replace(message, term=state.current_term)
    on_append_entries_reply(state, sender, current)


def _follow_any_leader(
    state: RaftState, now: Instant, sender: NodeId, message: AppendEntries
) -> None:
    on_append_entries(state, now, sender, msgspec.structs.replace(message, term=state.current_term))


def _start_without_no_op(state: RaftState, now: Instant) -> None:
    leader = leader_role(state)
    for progress in leader.progress.values():
        progress.probe_round = leader.round + 1
    send_heartbeats(state, now)


def _admit_always(seen: SeenRequests, request_id: RequestId) -> bool:
    del seen, request_id
    return True


MUTANTS = (
    Mutant(
        name="truncation-on-stale-append",
        breaks="Raft Figure 2, AppendEntries 3: only a conflict truncates; an AppendEntries that "
        "was overtaken cuts off what later ones brought and the leader counts as stored",
        patches=(patch(RaftLog.missing, _missing_is_all),),
    ),
    Mutant(
        name="conflict-not-truncated",
        breaks="Raft Figure 2, AppendEntries 3: an existing entry that conflicts with a new one is "
        "deleted with all that follow; kept, it is acknowledged in the new one's place",
        patches=(patch(RaftLog.missing, _missing_is_behind_the_end),),
    ),
    Mutant(
        name="no-consistency-check",
        breaks="Raft §5.3: a follower refuses entries unless the one before them is of the same "
        "term; without the check logs with different pasts are joined",
        patches=(patch(RaftLog.matches, _matches_any_term),),
    ),
    Mutant(
        name="commit-beyond-verified",
        breaks="Raft Figure 2, AppendEntries 5: min(leaderCommit, index of last new entry); behind "
        "that the follower may hold entries that the leader never had",
        patches=(
            patch(verified_commit_index, _leader_commit_as_it_is),
            patch(commit_to, _commit_as_far_as_there_is),
        ),
    ),
    Mutant(
        name="figure-8",
        breaks="Raft §5.4.2, Figure 8: an entry of an earlier term is not committed by counting "
        "replicas; a majority may hold it and a later leader still overwrite it",
        patches=(patch(may_commit, _may_commit_any_term),),
        scenario="figure-8",
    ),
    Mutant(
        name="commit-by-minority",
        breaks="Raft §5.3: an entry is committed once a majority has stored it; one node less, and "
        "a majority without it elects a leader without it",
        patches=(patch(quorum_index, _index_of_minority),),
    ),
    Mutant(
        name="sent-counts-as-stored",
        breaks="Raft Figure 2, matchIndex: the highest entry known to be replicated; what was sent "
        "behind the acknowledged entry may be lost yet",
        patches=(patch(Progress.accepted, _all_sent_was_stored),),
    ),
    Mutant(
        name="whole-log-acknowledged",
        breaks="Raft Figure 2, matchIndex: a follower acknowledges what it was sent and what "
        "precedes it; behind that its log may hold entries that the leader never had",
        patches=(patch(accept, _accept_to_the_end),),
    ),
    Mutant(
        name="reply-of-earlier-term-counted",
        breaks="Raft §5.1: a message of an earlier term is stale; what a follower acknowledged to "
        "an earlier leadership may have been truncated since",
        patches=(patch(on_append_entries_reply, _count_reply_of_any_term),),
        scenario="held-acknowledgements",
    ),
    Mutant(
        name="deposed-leader-followed",
        breaks="Raft Figure 2, AppendEntries 1: reply false if term < currentTerm; a deposed "
        "leader that is still obeyed makes two leaders of one term",
        patches=(patch(on_append_entries, _follow_any_leader),),
    ),
    Mutant(
        name="no-no-op",
        breaks="Raft §8: a leader commits a no-op at the start of its term; without it what "
        "earlier terms left, and every read, wait for somebody to write",
        patches=(patch(start_replication, _start_without_no_op),),
    ),
    Mutant(
        name="proposal-appended-twice",
        breaks="Raft §8: a command is executed once; a forwarded proposal that the network "
        "delivers twice takes effect twice",
        patches=(patch(SeenRequests.admit, _admit_always),),
    ),
)
