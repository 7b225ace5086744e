"""Operations on leases, and on the keys that live by them, as etcd calls.

What an invoke and its `ok` completion carry is described in docs/HISTORY_FORMAT.md, Leases. A
keep-alive is one operation, though etcd sends many on one stream.
"""

from typing import Final, TypeAlias

import msgspec

from checkers.history import Op, OpType
from harness.client import Call, Completion, Dialogue, Response, refused
from harness.errors import DefiniteError
from harness.padding import shown, stored
from nodeimpl.api import kv_pb2, rpc_pb2
from nodeimpl.api.errors import LEASE_EXISTS, LEASE_NOT_FOUND
from nodeimpl.api.requests import ApiRequest

LEASE_MISSING: Final = "lease not found"
"""The error of an operation that was carried out and found no such lease."""
LEASE_TAKEN: Final = "lease exists"
"""The error of a grant that was carried out and found its id taken."""

READS: Final = frozenset({"get", "range", "lease-time-to-live", "leases"})
"""Operations that change nothing. A keep-alive does: it puts off an end."""

SESSIONS: Final = frozenset({"lease-grant", "lease-keep-alive", "lease-revoke"})
"""What clients do with a lease that they hold something by."""

_DEFINITE: Final = {
    str(refused(LEASE_NOT_FOUND)): LEASE_MISSING,
    str(refused(LEASE_EXISTS)): LEASE_TAKEN,
}

Json: TypeAlias = dict[str, object]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What any of the operations is given."""

    key: str = ""
    range_end: str = ""
    value: str = ""
    serializable: bool = False
    lease: int = 0
    id: int = 0
    ttl: int = 0
    keys: bool = False


class LeaseClient(msgspec.Struct, frozen=True):
    """Grants, revokes, keeps alive and asks for leases; puts, deletes and reads keys."""

    timeout_ns: int
    """For every call."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        arguments = msgspec.convert(op.value if op.value is not None else {}, Arguments)
        try:
            response = yield Call(request_of(op.f, arguments), self.timeout_ns)
        except DefiniteError as error:
            found = _DEFINITE.get(str(error))
            if found is None:
                raise
            return Completion(OpType.FAIL, error=found)
        return Completion(OpType.OK, result_of(response, arguments))

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return op.f not in READS


def request_of(  # noqa: C901, PLR0911 (one return per operation)
    f: str, given: Arguments
) -> ApiRequest:
    """Return the request that does `f`."""
    match f:
        case "put":
            return rpc_pb2.PutRequest(
                key=given.key.encode(), value=stored(given.value), lease=given.lease
            )
        case "get" | "range":
            return rpc_pb2.RangeRequest(
                key=given.key.encode(),
                range_end=given.range_end.encode(),
                serializable=given.serializable,
            )
        case "delete":
            return rpc_pb2.DeleteRangeRequest(key=given.key.encode())
        case "lease-grant":
            return rpc_pb2.LeaseGrantRequest(TTL=given.ttl, ID=given.id)
        case "lease-revoke":
            return rpc_pb2.LeaseRevokeRequest(ID=given.id)
        case "lease-keep-alive":
            return rpc_pb2.LeaseKeepAliveRequest(ID=given.id)
        case "lease-time-to-live":
            return rpc_pb2.LeaseTimeToLiveRequest(ID=given.id, keys=given.keys)
        case "leases":
            return rpc_pb2.LeaseLeasesRequest()
        case _:
            raise AssertionError(f"no operation on leases: {f!r}")


def result_of(response: Response, given: Arguments) -> Json:
    """Return what a history holds of the answer."""
    result: Json = {"revision": response.header.revision}
    match response:
        case rpc_pb2.RangeResponse():
            kvs = [_key_value(kv) for kv in response.kvs]
            return result | {"kvs": kvs, "count": response.count, "more": response.more}
        case rpc_pb2.DeleteRangeResponse():
            return result | {"deleted": response.deleted}
        case rpc_pb2.LeaseGrantResponse() | rpc_pb2.LeaseKeepAliveResponse():
            return result | {"id": response.ID, "ttl": response.TTL}
        case rpc_pb2.LeaseTimeToLiveResponse():
            times = {"id": response.ID, "ttl": response.TTL, "granted_ttl": response.grantedTTL}
            keys = [_text(key) for key in response.keys]
            return result | times | ({"keys": keys} if given.keys else {})
        case rpc_pb2.LeaseLeasesResponse():
            return result | {"leases": [lease.ID for lease in response.leases]}
        case _:
            return result


def _text(received: bytes) -> str:
    """Return what is stored as text, whatever the store made of it."""
    return received.decode(errors="backslashreplace")


def _key_value(kv: kv_pb2.KeyValue) -> Json:
    return {
        "key": _text(kv.key),
        "value": shown(kv.value),
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
        "lease": kv.lease,
    }
