"""What the log holds, what a node must not forget, and what peers say to each other.

Messages bear the paper's names (Raft Figure 2, thesis §6.4). A message is a value:
it is encoded with msgspec for real peers and passed as it is in simulation.
"""

import enum
from typing import TypeAlias

import msgspec

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term


class EntryKind(enum.IntEnum):
    """What an entry means to the node that applies it."""

    COMMAND = 0
    """`data` is a command of the replicated state machine."""
    NO_OP = 1
    """A new leader's first entry (thesis §6.4): it lets earlier terms commit."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One place in the replicated log."""

    term: Term
    index: LogIndex
    kind: EntryKind
    data: bytes


class HardState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What must be durable before any word that depends on it is sent (Raft Figure 2)."""

    current_term: Term
    voted_for: NodeId | None
    """The candidate that got this node's vote in `current_term`; None if none did."""


class RequestVote(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A candidate asks for a vote (Raft §5.2, §5.4.1)."""

    term: Term
    last_log_index: LogIndex
    last_log_term: Term


class RequestVoteReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A voter's answer; `term` is the voter's own."""

    term: Term
    vote_granted: bool


class AppendEntries(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """The leader replicates entries, spreads its commit index, and keeps its lead (Raft §5.3).

    `round` numbers the leader's heartbeat rounds and probes: an answer to round r proves that the
    sender was still followed after it started round r (thesis §6.4). Round 0 is a notice of the
    commit index, answered only to refuse it.
    """

    term: Term
    prev_log_index: LogIndex
    prev_log_term: Term
    entries: tuple[Entry, ...]
    commit_index: LogIndex
    round: int


class AppendEntriesReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A follower's answer; `term` is the follower's own.

    Accepted: `match_index` is the last index known to equal the leader's log.
    Refused: `match_index` is 0, and `conflict_index`, `conflict_term` tell the leader where to
    back off to (Raft §5.3, end): the first index of the conflicting term, or the index after the
    follower's last entry with `conflict_term` 0 when its log is too short.
    `round` is that of the message answered; 0 in the refusal of an earlier term's leader, as
    rounds count within a term.
    """

    term: Term
    accepted: bool
    match_index: LogIndex
    conflict_index: LogIndex
    conflict_term: Term
    round: int


class Proposal(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A follower forwards a command to the leader of `term`.

    Accepted at most once: only by the leader of that very term, which remembers the
    `(sender, request_id)` pairs it has seen in its term. So a duplicated message is harmless.
    """

    term: Term
    request_id: RequestId
    data: bytes


class ReadIndex(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A follower asks the leader of `term` for a read index (thesis §6.4)."""

    term: Term
    request_id: RequestId


class ReadIndexReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """The leader's read index: whoever has applied it may answer the read."""

    term: Term
    request_id: RequestId
    read_index: LogIndex


Message: TypeAlias = (
    RequestVote
    | RequestVoteReply
    | AppendEntries
    | AppendEntriesReply
    | Proposal
    | ReadIndex
    | ReadIndexReply
)
