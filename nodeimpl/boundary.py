"""All that enters and leaves a node, on one page.

`Node.handle(now, given) -> list[Effect]` is the whole interface between a node and the world. The
driver (the simulator's host, or the server's event loop) carries effects out strictly in the order
in which they were returned, across calls too, and each waits for every `Persist` and
`CommitBackend` before it. A crash may fall between any two.
"""

from typing import TypeAlias

import msgspec

from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.ids import NodeId, RequestId
from nodeimpl.mvcc.backend import Applied, CommitPoint
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.raft.configuration import Change, Configuration
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Persist,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.messages import Message


class Receive(msgspec.Struct, frozen=True, gc=False):
    """A peer's message arrived."""

    sender: NodeId
    message: Message


class ClientRequest(msgspec.Struct, frozen=True):
    """A client asks. `tag` is the driver's own; the `Reply` bears it again."""

    tag: int
    body: ApiRequest | DescribeMember
    """What etcd's API knows, or what the daemon has to say of a member."""


class Requests(msgspec.Struct, frozen=True):
    """Client requests that arrived together: they share one append and one fsync."""

    requests: tuple[ClientRequest, ...]


class ChangeMembers(msgspec.Struct, frozen=True, gc=False):
    """An operator asks the leader to change the members; the `AdminReply` bears `tag` again."""

    tag: int
    change: Change


class MoveLeader(msgspec.Struct, frozen=True, gc=False):
    """An operator asks the leader to hand over to `target`; the `AdminReply` bears `tag` again."""

    tag: int
    target: NodeId


class Wake(msgspec.Struct, frozen=True, gc=False):
    """The node's `deadline` has come. Waking too early is harmless."""


Input: TypeAlias = Receive | Requests | ChangeMembers | MoveLeader | Wake


class Reply(msgspec.Struct, frozen=True):
    """The answer to the client's request with this `tag`."""

    tag: int
    body: ApiResponse | ApiError


class MembersChanged(msgspec.Struct, frozen=True, gc=False):
    """The change is committed; these are the members."""

    configuration: Configuration


class LeaderMoved(msgspec.Struct, frozen=True, gc=False):
    """This node leads, as was asked for."""

    leader: NodeId


class AdminReply(msgspec.Struct, frozen=True, gc=False):
    """The answer to the operator's `ChangeMembers` or `MoveLeader` with this `tag`."""

    tag: int
    body: MembersChanged | LeaderMoved | ApiError


class CommitBackend(msgspec.Struct, frozen=True, gc=False):
    """Make the backend durable up to this point, its applied index included."""

    point: CommitPoint
    applied: Applied
    """What the bytes are the outcome of then, for observers."""
    store_hash: int
    """Stores that are the outcome of the same log have the same; for observers."""


Effect: TypeAlias = (
    Persist
    | Trim
    | Send
    | Reply
    | AdminReply
    | CommitBackend
    | Became
    | ConfigurationChanged
    | Commit
    | Restored
)
"""`Became`, `ConfigurationChanged`, `Commit` and `Restored` ask for nothing: they tell observers
what the node did."""

__all__ = [
    "AdminReply",
    "ApiRequest",
    "ApiResponse",
    "Became",
    "ChangeMembers",
    "ClientRequest",
    "Commit",
    "CommitBackend",
    "ConfigurationChanged",
    "Effect",
    "Input",
    "LeaderMoved",
    "MembersChanged",
    "MoveLeader",
    "Persist",
    "Receive",
    "Reply",
    "RequestId",
    "Requests",
    "Restored",
    "Send",
    "Trim",
    "Wake",
]
