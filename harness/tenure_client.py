"""Lining up for a lock or an office as etcd's clients do it (client/v3/concurrency).

Who wants it creates a key of its own under the name of what it wants, on its lease; the oldest of
these keys is whose turn it is, and all others wait until those before them are gone. A key that
goes, by its owner's wish or with its lease, is never older again when it comes back: so its
create_revision is a token that only rises from one tenure to the next.

Deviation: etcd's clients watch the key before theirs. Here they poll, by a transaction that shows
the own key and the oldest one at one revision, which is as good and is one call.
"""

from collections.abc import Generator
from typing import Final

import msgspec

from checkers.history import OpType
from harness.client import Call, Completion, Response, refused
from harness.errors import CallError, DefiniteError
from harness.padding import stored
from nodeimpl.api import rpc_pb2
from nodeimpl.api.errors import LEASE_NOT_FOUND
from nodeimpl.ids import MILLISECOND

SESSION_EXPIRED: Final = "session expired"
"""The error of who is not, or no longer, in line: the lease has ended, and the key with it."""
NOT_IN_TURN: Final = "others come first"
"""The error of who gave up waiting, and has left the line."""

POLL_NS: Final = 60 * MILLISECOND
"""Between two looks at the line."""
POLLS_MAX: Final = 25
"""After so many looks one who waits gives up."""
_KEEP_ALIVE_EVERY: Final = 4
"""Looks for which the own lease is kept alive once."""
_LEASE_MISSING: Final = str(refused(LEASE_NOT_FOUND))


class Place(msgspec.Struct, frozen=True):
    """A place in the line for `name`, of who has this lease."""

    name: str
    lease: int

    @property
    def key(self) -> str:
        """Return the key that stands for it, named as etcd's clients do."""
        return f"{self.name}/{self.lease:x}"


def lease_of(key: str) -> int:
    """Return the lease of the place whose key this is."""
    return int(key.rpartition("/")[2], 16)


def line_up(place: Place, value: str, timeout_ns: int) -> Generator[Call, Response, Completion]:
    """Wait for one's turn; return `ok` with the tenure, `fail` if it never came.

    Nothing is left behind by a `fail`: who gives up leaves the line first. Whether a key was made,
    or has gone, is unknown after a `CallError` that passes through; it ends with its lease.
    """
    try:
        response = yield Call(_joining(place, value), timeout_ns)
    except DefiniteError as error:
        if str(error) != _LEASE_MISSING:
            raise
        return Completion(OpType.FAIL, error=SESSION_EXPIRED)
    joined = _look(response)
    found: _Look | None = joined
    for poll in range(POLLS_MAX):
        if found is not None and (over := _outcome(place, joined, found)) is not None:
            return over
        if poll % _KEEP_ALIVE_EVERY == 0:
            yield from _keep_alive(place.lease, timeout_ns)
        found = yield from _look_again(place, timeout_ns)
    yield Call(if_still(place.key, joined.token, _leaving(place.key)), timeout_ns)
    return Completion(OpType.FAIL, error=NOT_IN_TURN)


class _Look(msgspec.Struct, frozen=True):
    """The line at `revision`."""

    revision: int
    token: int
    """The create_revision of the own key; 0 if it is not there."""
    is_first: bool


def _outcome(place: Place, joined: _Look, found: _Look) -> Completion | None:
    """Return how the waiting has ended; None if it goes on."""
    if not found.token:
        return Completion(OpType.FAIL, error=SESSION_EXPIRED)
    if not found.is_first:
        return None
    tenure = {"revision": found.revision, "key": place.key, "token": joined.token}
    return Completion(OpType.OK, tenure)


def _look_again(place: Place, timeout_ns: int) -> Generator[Call, Response, _Look | None]:
    """Look at the line after a while; None if that failed, which changes nothing."""
    try:
        response = yield Call(_looking(place), timeout_ns, delay_ns=POLL_NS)
    except CallError:
        return None
    return _look(response)


def _keep_alive(lease: int, timeout_ns: int) -> Generator[Call, Response, None]:
    try:
        yield Call(rpc_pb2.LeaseKeepAliveRequest(ID=lease), timeout_ns)
    except CallError:
        return  # The next look shows whether it matters.


def _joining(place: Place, value: str) -> rpc_pb2.TxnRequest:
    key = place.key.encode()
    put = rpc_pb2.PutRequest(key=key, value=stored(value), lease=place.lease)
    return rpc_pb2.TxnRequest(
        compare=[created_at(place.key, 0)],
        success=[rpc_pb2.RequestOp(request_put=put), *_looking(place).success],
        failure=_looking(place).success,
    )


def _looking(place: Place) -> rpc_pb2.TxnRequest:
    own = rpc_pb2.RangeRequest(key=place.key.encode())
    return rpc_pb2.TxnRequest(
        success=[
            rpc_pb2.RequestOp(request_range=own),
            rpc_pb2.RequestOp(request_range=oldest_of(place.name)),
        ]
    )


def _leaving(key: str) -> rpc_pb2.RequestOp:
    return rpc_pb2.RequestOp(
        request_delete_range=rpc_pb2.DeleteRangeRequest(key=key.encode()),
    )


def _look(response: Response) -> _Look:
    assert isinstance(response, rpc_pb2.TxnResponse), "a txn is answered with a txn"
    own, first = (each.response_range for each in response.responses[-2:])
    token = own.kvs[0].create_revision if own.kvs else 0
    oldest = first.kvs[0].create_revision if first.kvs else 0
    return _Look(response.header.revision, token, is_first=bool(token) and token == oldest)


def oldest_of(name: str) -> rpc_pb2.RangeRequest:
    """Return the request for the key of whose turn it is (etcd: WithFirstCreate)."""
    return rpc_pb2.RangeRequest(
        key=f"{name}/".encode(),
        range_end=f"{name}0".encode(),  # "0" comes right after "/"
        limit=1,
        sort_order=rpc_pb2.RangeRequest.ASCEND,
        sort_target=rpc_pb2.RangeRequest.CREATE,
    )


def created_at(key: str, revision: int) -> rpc_pb2.Compare:
    """Return the condition that the key was created then; 0: that there is none."""
    return rpc_pb2.Compare(
        key=key.encode(),
        target=rpc_pb2.Compare.CREATE,
        result=rpc_pb2.Compare.EQUAL,
        create_revision=revision,
    )


def if_still(key: str, token: int, *steps: rpc_pb2.RequestOp) -> rpc_pb2.TxnRequest:
    """Return the transaction that does something as long as this tenure lasts."""
    return rpc_pb2.TxnRequest(compare=[created_at(key, token)], success=steps)


def give_up(key: str, token: int, timeout_ns: int) -> Generator[Call, Response, Completion]:
    """End a tenure; `ok` even if it had ended before, for then it surely has."""
    response = yield Call(if_still(key, token, _leaving(key)), timeout_ns)
    return Completion(OpType.OK, {"revision": response.header.revision})


def text(received: bytes) -> str:
    """Return what is stored as text, whatever the store made of it."""
    return received.decode(errors="backslashreplace")
