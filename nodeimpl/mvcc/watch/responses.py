"""What a stream's client is sent, as etcd says it (v3rpc/watch.go)."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from nodeimpl.api.errors import ApiError, GrpcCode
from nodeimpl.api.kv_pb2 import Event
from nodeimpl.api.rpc_pb2 import WatchResponse
from nodeimpl.ids import Revision

NO_WATCHER: Final = -1
"""The watch id of what concerns no watcher, or all of a stream."""

EMPTY_RANGE: Final = "mvcc: watcher range is empty"
DUPLICATE_ID: Final = "mvcc: duplicate watch ID provided on the WatchStream"

_CODE_NAMES: Final = {
    GrpcCode.INVALID_ARGUMENT: "InvalidArgument",
    GrpcCode.PERMISSION_DENIED: "PermissionDenied",
    GrpcCode.RESOURCE_EXHAUSTED: "ResourceExhausted",
    GrpcCode.UNAUTHENTICATED: "Unauthenticated",
}
"""As Go's gRPC prints them; clients look for the words."""


class WatchReply(msgspec.Struct, frozen=True):
    """Send this to the client of `stream`. It takes `body.ByteSize()` bytes of the room there."""

    stream: int
    body: WatchResponse


def reason_of(error: ApiError) -> str:
    """Return the reason of a cancellation that is an error (Go's gRPC, status.Error)."""
    return f"rpc error: code = {_CODE_NAMES[error.code]} desc = {error.message}"


def created(revision: Revision, watch_id: int) -> WatchResponse:
    """Return the answer to a create request that was taken."""
    response = WatchResponse(watch_id=watch_id, created=True)
    response.header.revision = revision
    return response


def refused(revision: Revision, reason: str) -> WatchResponse:
    """Return the answer to a create request that was not."""
    response = WatchResponse(watch_id=NO_WATCHER, created=True, canceled=True, cancel_reason=reason)
    response.header.revision = revision
    return response


def canceled(revision: Revision, watch_id: int, reason: str = "") -> WatchResponse:
    """Return the end of a watcher that its client asked for, or that has the given reason."""
    response = WatchResponse(watch_id=watch_id, canceled=True, cancel_reason=reason)
    response.header.revision = revision
    return response


def compacted(compact_revision: Revision, watch_id: int) -> WatchResponse:
    """Return the end of a watcher whose next revision is compacted.

    Its header bears no revision (as etcd), for the watcher has not come to any.
    """
    response = WatchResponse(watch_id=watch_id, canceled=True, compact_revision=compact_revision)
    response.header.SetInParent()
    return response


def progress(revision: Revision, watch_id: int) -> WatchResponse:
    """Return the word that everything up to `revision` has been delivered."""
    response = WatchResponse(watch_id=watch_id)
    response.header.revision = revision
    return response


def delivery(
    revision: Revision, watch_id: int, events: Sequence[Event], like: WatchResponse | None = None
) -> WatchResponse:
    """Return a response with events; `like` is one with the same for another watcher, if known.

    To copy it takes a third of the time.
    """
    response = WatchResponse()
    if like is not None:
        response.CopyFrom(like)
    else:
        response.header.revision = revision
        response.events.extend(events)
    response.watch_id = watch_id
    return response


def fragments(whole: WatchResponse, bytes_max: int) -> Iterator[WatchResponse]:
    """Yield a response in pieces below `bytes_max`, or of one event; all but the last say so.

    Here alone may a revision be split (etcd, v3rpc/watch.go: sendFragments).
    """
    if whole.ByteSize() < bytes_max or len(whole.events) < 2:
        yield whole
        return
    piece = _piece_of(whole)
    for event in whole.events:
        piece.events.append(event)
        if len(piece.events) > 1 and piece.ByteSize() >= bytes_max:
            del piece.events[-1]
            yield piece
            piece = _piece_of(whole)
            piece.events.append(event)
    piece.fragment = False
    yield piece


def _piece_of(whole: WatchResponse) -> WatchResponse:
    piece = WatchResponse(watch_id=whole.watch_id, fragment=True)
    piece.header.CopyFrom(whole.header)
    return piece
