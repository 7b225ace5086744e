"""What the log holds, what a node must not forget, and what peers say to each other.

Messages bear the paper's names (Raft Figure 2, thesis §3.10, §6.4, §9.6). A message is a value:
it is encoded with msgspec for real peers and passed as it is in simulation.
"""

import enum
from typing import TypeAlias

import msgspec

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.spool import StateBytes


class EntryKind(enum.IntEnum):
    """What an entry means to the node that applies it."""

    COMMAND = 0
    """`data` is a command of the replicated state machine."""
    NO_OP = 1
    """A new leader's first entry (thesis §6.4): it lets earlier terms commit."""
    CONFIGURATION = 2
    """`data` names the members (`configuration`); it is in force as soon as it is in the log."""


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


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The state machine's state, and which prefix of the log it is the outcome of (Raft §7)."""

    last_included_index: LogIndex
    last_included_term: Term
    configuration: bytes
    """The members as of `last_included_index`, encoded; empty for those a node's own
    configuration names."""
    data: StateBytes
    """The state. Consensus does not know what it means."""


class PreVote(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A node asks whether it would get a vote in the term after `term`, its own (thesis §9.6).

    Whoever is asked changes nothing of its state, its term included: otherwise asking would
    disrupt as much as standing for election does.
    """

    term: Term
    last_log_index: LogIndex
    last_log_term: Term


class PreVoteReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """An answer to a PreVote; `term` is the voter's own, which may be lower or higher."""

    term: Term
    asked_term: Term
    """The term of the PreVote answered."""
    vote_granted: bool


class RequestVote(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A candidate asks for a vote (Raft §5.2, §5.4.1)."""

    term: Term
    last_log_index: LogIndex
    last_log_term: Term
    leadership_transfer: bool = False
    """The leader itself asked for this election: it may be disrupted (thesis §4.2.3)."""


class RequestVoteReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A voter's answer; `term` is the voter's own."""

    term: Term
    vote_granted: bool


class TimeoutNow(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """The leader of `term` asks a voter to stand for election at once (thesis §3.10)."""

    term: Term


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


class InstallSnapshot(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """The leader sends a part of its state to a follower that is too far behind (Raft Figure 13).

    `round` as in AppendEntries; every chunk has its own, and a repeated one the same again.
    `first_round` is that of the first chunk, and names the snapshot among those of its leader.
    """

    term: Term
    first_round: int
    last_included_index: LogIndex
    last_included_term: Term
    configuration: bytes
    """Of the snapshot, not of now; see `Snapshot`."""
    offset: int
    """Where in the state `data` belongs."""
    data: bytes
    done: bool
    """Whether the state ends with this chunk."""
    round: int


class InstallSnapshotReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A follower's answer to a chunk, unless it needs no more: then it is an AppendEntriesReply.

    `offset` is where the next chunk must begin: what the follower has of this snapshot. `round` is
    that of the chunk answered; 0 in the answer to an earlier term's leader.
    """

    term: Term
    offset: int
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


class Inquiry(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A node asks the leader of `term` what only a leader can answer; no entry comes of it.

    Consensus does not know what the data means. The same question may come more than once.
    """

    term: Term
    request_id: RequestId
    data: bytes


class InquiryReply(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """An answer to an Inquiry; `term` is that of who answers, at the time."""

    term: Term
    request_id: RequestId
    data: bytes


Message: TypeAlias = (
    PreVote
    | PreVoteReply
    | RequestVote
    | RequestVoteReply
    | TimeoutNow
    | AppendEntries
    | AppendEntriesReply
    | InstallSnapshot
    | InstallSnapshotReply
    | Proposal
    | ReadIndex
    | ReadIndexReply
    | Inquiry
    | InquiryReply
)
