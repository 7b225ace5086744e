"""A lock, and what it guards, as etcd calls.

The lock is etcd's recipe (`harness.tenure_client`). What it guards are sets, each a list in one key
that its holder reads, and puts back longer: by a plain put (`unguarded`), which comes too late if
the lock was lost meanwhile, or by one that takes effect only in the tenure it belongs to
(`guarded`). docs/HISTORY_FORMAT.md, Locks, has the shape of each operation.
"""

import msgspec

from checkers.history import CAS_MISMATCH, Op, OpType
from harness.client import Call, Completion, Dialogue
from harness.errors import CallError, DefiniteError
from harness.lease_client import READS, SESSIONS, LeaseClient
from harness.set_client import list_in, longer_list
from harness.tenure_client import Place, give_up, if_still, line_up
from nodeimpl.api import rpc_pb2


class Arguments(msgspec.Struct, frozen=True):
    """What an operation on a lock is given."""

    lock: str
    lease: int = 0
    key: str = ""
    token: int = 0
    set: str = ""
    value: object = None


class LockClient(msgspec.Struct, frozen=True):
    """`acquire` and `release`, `guarded` and `unguarded` additions to sets, `read` of a set."""

    timeout_ns: int
    """For every call."""

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        if op.f in SESSIONS:
            return LeaseClient(self.timeout_ns).begin(op)
        if op.f == "read":
            return self._read(op)
        given = msgspec.convert(op.value, Arguments)
        match op.f:
            case "acquire":
                return line_up(Place(given.lock, given.lease), "", self.timeout_ns)
            case "release":
                return give_up(given.key, given.token, self.timeout_ns)
            case "guarded" | "unguarded":
                return self._add(given, is_guarded=op.f == "guarded")
            case _:
                raise AssertionError(f"no operation of a lock: {op.f!r}")

    def has_effect(self, op: Op) -> bool:
        """See `Client`."""
        return op.f not in READS and op.f != "read"

    def _read(self, op: Op) -> Dialogue:
        assert op.key is not None, "a read is of one set"
        response = yield Call(rpc_pb2.RangeRequest(key=op.key.encode()), self.timeout_ns)
        return Completion(OpType.OK, list_in(response))

    def _add(self, given: Arguments, *, is_guarded: bool) -> Dialogue:
        key = given.set.encode()
        try:
            seen = yield Call(rpc_pb2.RangeRequest(key=key), self.timeout_ns)
        except CallError as error:  # Nothing has been written so far.
            return Completion(OpType.FAIL, error=str(error))
        longer = longer_list(key, seen, given.value)
        request = rpc_pb2.TxnRequest(success=[longer])
        if is_guarded:
            request = if_still(given.key, given.token, longer)
        try:
            done = yield Call(request, self.timeout_ns)
        except DefiniteError as error:
            return Completion(OpType.FAIL, error=str(error))
        assert isinstance(done, rpc_pb2.TxnResponse), "a txn is answered with a txn"
        if not done.succeeded:
            return Completion(OpType.FAIL, error=CAS_MISMATCH)
        return Completion(OpType.OK, {"revision": done.header.revision})
