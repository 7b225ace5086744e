"""What consensus asks of its driver. The order of the list is the contract.

Effects are carried out strictly in the order in which they were returned, across calls too: an
effect waits for every `Persist` before it. A crash may fall between any two. So a word that
depends on something durable needs only to stand behind its `Persist`:

    follower, entries accepted:   [Persist(entries), Send(AppendEntriesReply)]
    follower, vote granted:       [Persist(hard_state), Send(RequestVoteReply)]
    leader, command proposed:     [Send(AppendEntries) to peers, Persist(entries)]
    follower, snapshot installed: [(state durable), Restored, Trim, Send(AppendEntriesReply)]

The leader may send first (thesis §10.2.1): what it commits with its own entry counted is only
ever revealed by effects that stand behind that entry's `Persist`.
"""

import enum
from typing import TypeAlias

import msgspec

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Configuration
from nodeimpl.raft.messages import Entry, HardState, Message, Snapshot


class Persist(msgspec.Struct, frozen=True, gc=False):
    """Make durable, in one write and one fsync, before anything that follows.

    An entry whose index is already in the log replaces it and all that stood behind it
    (truncation is implied). `hard_state` is None when it did not change.
    """

    hard_state: HardState | None
    entries: tuple[Entry, ...]


class Trim(msgspec.Struct, frozen=True, gc=False):
    """Forget the log up to `prefix_index`, an entry of `prefix_term` (Raft §7).

    The state machine holds the outcome of that prefix, and stands before this as a durable one.
    Entries behind `prefix_index` stay if the log holds this very entry; otherwise none do, as the
    state machine came from another node. It need not be durable before what follows, but must be
    written before any `Persist` that follows.
    """

    prefix_index: LogIndex
    prefix_term: Term


class Send(msgspec.Struct, frozen=True, gc=False):
    """Give `message` to the network; it may be lost, delayed, repeated or overtaken."""

    to: NodeId
    message: Message


class RoleName(enum.StrEnum):
    """A node's role, as seen from outside (Raft §5.1)."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    """Asks whether it would be elected; not one of the paper's (thesis §9.6)."""
    CANDIDATE = "candidate"
    LEADER = "leader"


class Became(msgspec.Struct, frozen=True, gc=False):
    """The node's role, term or known leader changed."""

    role: RoleName
    term: Term
    leader: NodeId | None


class ConfigurationChanged(msgspec.Struct, frozen=True, gc=False):
    """These members are in force from now on: the log's latest, of the entry at `index` (Raft §6).

    It need not be committed, and an earlier one comes back if its entry is truncated.
    """

    index: LogIndex
    configuration: Configuration


class Commit(msgspec.Struct, frozen=True, gc=False):
    """`entries` are committed and follow the last ones so given without a gap: apply them."""

    entries: tuple[Entry, ...]


class NeedSnapshot(msgspec.Struct, frozen=True, gc=False):
    """A follower needs entries that were trimmed: give the state machine's state as bytes.

    Answered by `Raft.snapshot_ready` before anything else is asked of consensus.
    """


class Restore(msgspec.Struct, frozen=True, gc=False):
    """Put this state in the place of the state machine's own (Raft Figure 13, 8.).

    Answered by `Raft.snapshot_restored` before anything else is asked of consensus; the state must
    be asked to be made durable before the effects which that returns.
    """

    snapshot: Snapshot


class Restored(msgspec.Struct, frozen=True, gc=False):
    """The state machine holds the outcome of the log up to `index`, and went through none of it.

    `Commit` effects continue behind it.
    """

    index: LogIndex
    term: Term


class ReadReady(msgspec.Struct, frozen=True, gc=False):
    """These reads may be answered once `read_index` has been applied (thesis §6.4)."""

    request_ids: tuple[RequestId, ...]
    read_index: LogIndex


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """These requests did not and will not enter the log from here.

    No leader is known, or this node is handing its leadership over, or, for reads, more than
    `reads_waiting_max` are waiting already. Inquiries are dropped so, too.
    """

    request_ids: tuple[RequestId, ...]


class Inquired(msgspec.Struct, frozen=True, gc=False):
    """This node leads, and `origin`, perhaps itself, asks: `Raft.answer` answers, or nobody does.

    The same question may come again, and after this node has ceased to lead its answer still goes
    to who asked.
    """

    origin: NodeId
    request_id: RequestId
    data: bytes


class InquiryAnswered(msgspec.Struct, frozen=True, gc=False):
    """A leader has answered what this node asked under `request_id`. Comes once."""

    request_id: RequestId
    data: bytes


RaftEffect: TypeAlias = (
    Persist
    | Trim
    | Send
    | Became
    | ConfigurationChanged
    | Commit
    | NeedSnapshot
    | Restore
    | Restored
    | ReadReady
    | Dropped
    | Inquired
    | InquiryAnswered
)
