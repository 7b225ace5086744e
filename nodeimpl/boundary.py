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
from nodeimpl.api.rpc_pb2 import WatchRequest
from nodeimpl.ids import NodeId, RequestId
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.backend import Applied, CommitPoint
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.mvcc.watch.responses import WatchReply
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


class ByToken(msgspec.Struct, frozen=True, gc=False):
    """Who asks shows a token, which an `AuthenticateResponse` gave them (metadata `token`)."""

    token: str


class ByCertificate(msgspec.Struct, frozen=True, gc=False):
    """Who asks has a certificate that the driver has verified; its common name names the user."""

    common_name: str


class ByClaims(msgspec.Struct, frozen=True, gc=False):
    """Who asks shows a token that says itself who they are; the driver has found it genuine."""

    user: str
    auth_revision: int
    """As of which the password was right; rights that have changed since make it void."""


Credentials: TypeAlias = ByToken | ByCertificate | ByClaims
"""How a client says who they are. Looked at only while authentication is enabled.

To let a user in, the driver compares the password with `node.store.auth.user(name).password` (a
bcrypt hash), away from the node, remembers `node.store.auth.revision` of that moment, and asks with
a `ClientRequest` of `Authenticate`; if that is answered with `AUTH_OLD_REVISION`, it begins again.
Passwords that are set arrive as `hashedPassword`, the driver having hashed them; a `password` in a
request that reaches the node is ignored.

What goes past the store (members, leadership, defragmentation, hashes, snapshots) the driver asks
`node.authorization.operator_error` about, and does for root only.
"""


class ClientRequest(msgspec.Struct, frozen=True):
    """A client asks. `tag` is the driver's own; the `Reply` bears it again."""

    tag: int
    body: ApiRequest | DescribeMember | Authenticate
    """What etcd's API knows, what the daemon has to say of a member, or whom it has recognised."""
    credentials: Credentials | None = None


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


class OpenWatchStream(msgspec.Struct, frozen=True, gc=False):
    """A client begins a stream of watches (one call of etcd's Watch), and may be sent so much.

    `stream` is the driver's own name for it, used once; every `WatchReply` bears it. Responses
    take their `ByteSize()` of the room; only a `WatchStreamDrained` gives some back. A node begins
    no response with events or progress while there is none, reads history later instead, and so
    exceeds the room by one such response at most. Answers to the client's own requests and the
    ends of its watchers come all the same: hand on no request while there is no room.
    """

    stream: int
    room_bytes: int
    credentials: Credentials | None = None
    """Who watches; looked at whenever a watcher is created on the stream."""


class WatchStreamRequest(msgspec.Struct, frozen=True):
    """The client of an open stream asks: to create a watcher, to cancel one, for progress."""

    stream: int
    body: WatchRequest


class WatchStreamDrained(msgspec.Struct, frozen=True, gc=False):
    """So many bytes of responses have gone on to the client: they take no room any more."""

    stream: int
    taken_bytes: int


class CloseWatchStream(msgspec.Struct, frozen=True, gc=False):
    """The stream is over, whoever ended it: nothing is sent on it after this input."""

    stream: int


class Wake(msgspec.Struct, frozen=True, gc=False):
    """The node's `deadline` has come. Waking too early is harmless."""


WatchInput: TypeAlias = OpenWatchStream | WatchStreamRequest | WatchStreamDrained | CloseWatchStream
"""What concerns one stream of watches. A stream that is not open, or not any more, is ignored."""

Input: TypeAlias = Receive | Requests | ChangeMembers | MoveLeader | WatchInput | Wake


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
    | WatchReply
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
    "Authenticate",
    "Became",
    "ByCertificate",
    "ByClaims",
    "ByToken",
    "ChangeMembers",
    "ClientRequest",
    "CloseWatchStream",
    "Commit",
    "CommitBackend",
    "ConfigurationChanged",
    "Credentials",
    "Effect",
    "Input",
    "LeaderMoved",
    "MembersChanged",
    "MoveLeader",
    "OpenWatchStream",
    "Persist",
    "Receive",
    "Reply",
    "RequestId",
    "Requests",
    "Restored",
    "Send",
    "Trim",
    "Wake",
    "WatchInput",
    "WatchReply",
    "WatchStreamDrained",
    "WatchStreamRequest",
]
