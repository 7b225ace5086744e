"""What consensus asks of its driver. The order of the list is the contract.

Effects are carried out strictly in the order in which they were returned, across calls too: an
effect waits for every `Persist` before it. A crash may fall between any two. So a word that
depends on something durable needs only to stand behind its `Persist`:

    follower, entries accepted:   [Persist(entries), Send(AppendEntriesReply)]
    follower, vote granted:       [Persist(hard_state), Send(RequestVoteReply)]
    leader, command proposed:     [Send(AppendEntries) to peers, Persist(entries)]

The leader may send first (thesis §10.2.1): what it commits with its own entry counted is only
ever revealed by effects that stand behind that entry's `Persist`.
"""

import enum
from typing import TypeAlias

import msgspec

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.messages import Entry, HardState, Message


class Persist(msgspec.Struct, frozen=True, gc=False):
    """Make durable, in one write and one fsync, before anything that follows.

    An entry whose index is already in the log replaces it and all that stood behind it
    (truncation is implied). `hard_state` is None when it did not change.
    """

    hard_state: HardState | None
    entries: tuple[Entry, ...]


class Send(msgspec.Struct, frozen=True, gc=False):
    """Give `message` to the network; it may be lost, delayed, repeated or overtaken."""

    to: NodeId
    message: Message


class RoleName(enum.StrEnum):
    """A node's role, as seen from outside (Raft §5.1)."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Became(msgspec.Struct, frozen=True, gc=False):
    """The node's role, term or known leader changed."""

    role: RoleName
    term: Term
    leader: NodeId | None


class Commit(msgspec.Struct, frozen=True, gc=False):
    """`entries` are committed and follow the last ones so given without a gap: apply them."""

    entries: tuple[Entry, ...]


class ReadReady(msgspec.Struct, frozen=True, gc=False):
    """These reads may be answered once `read_index` has been applied (thesis §6.4)."""

    request_ids: tuple[RequestId, ...]
    read_index: LogIndex


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """These requests did not and will not enter the log from here.

    No leader is known, or, for reads, more than `reads_waiting_max` are waiting already.
    """

    request_ids: tuple[RequestId, ...]


RaftEffect: TypeAlias = Persist | Send | Became | Commit | ReadReady | Dropped
