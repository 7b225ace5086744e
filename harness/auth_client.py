"""Operations of users as etcd calls: who they are, what is granted to them, and what they try.

What an invoke and its `ok` completion carry is described in docs/HISTORY_FORMAT.md, Users. Each
user has a role of the same name, and says who they are by a certificate.
"""

from collections.abc import Generator, Sequence
from typing import Final, TypeAlias, assert_never

import msgspec

from checkers.authorisation import ROOT, Asked, Grant
from checkers.history import Op, OpType
from harness.client import Call, Completion, Dialogue, Response, refused
from harness.errors import DefiniteError
from nodeimpl.api import rpc_pb2
from nodeimpl.api.auth_pb2 import Permission, UserAddOptions
from nodeimpl.api.errors import ROLE_EXISTS, USER_EXISTS
from nodeimpl.api.requests import ApiRequest

_DONE_BEFORE: Final = (str(refused(USER_EXISTS)), str(refused(ROLE_EXISTS)))


class Attempt(msgspec.Struct, frozen=True, tag_field="do", tag="simple"):
    """A request for one key or an interval."""

    kind: str
    """`get`, `put` or `delete`."""
    key: str
    range_end: str | None = None
    prev_kv: bool = False


class TxnAttempt(msgspec.Struct, frozen=True, tag_field="do", tag="txn"):
    """A transaction; its compares hold of keys that exist, or do not."""

    compare: tuple[str, ...]
    success: tuple["Attempt | TxnAttempt", ...]
    failure: tuple["Attempt | TxnAttempt", ...]


AnyAttempt: TypeAlias = Attempt | TxnAttempt


class AuthClient(msgspec.Struct, frozen=True):
    """Makes users, grants and revokes, and tries things in users' names."""

    timeout_ns: int
    """For every call."""
    users: tuple[str, ...]

    def begin(self, op: Op) -> Dialogue:
        """See `Client`."""
        match op.f:
            case "enable":
                return self._enable()
            case "grant":
                return self._once(_granting(msgspec.convert(op.value, Grant)), ROOT)
            case "revoke":
                return self._once(_revoking(msgspec.convert(op.value, Grant)), ROOT)
            case "as-user":
                asked = msgspec.convert(op.value, Asked)
                attempt: AnyAttempt = msgspec.convert(asked.request, AnyAttempt)
                return self._once(message_of(attempt), asked.user)
            case other:
                raise AssertionError(f"no operation of users: {other!r}")

    def has_effect(self, op: Op) -> bool:  # noqa: ARG002 - the protocol's signature
        """See `Client`."""
        return True

    def _once(self, request: ApiRequest, user: str) -> Dialogue:
        yield Call(request, self.timeout_ns, user)
        return Completion(OpType.OK)

    def _enable(self) -> Dialogue:
        """Make root and the users, as far as there are none, and have everybody asked."""
        yield from self._make(ROOT)
        for user in self.users:
            yield from self._unless_done(rpc_pb2.AuthRoleAddRequest(name=user))
            yield from self._make(user)
        yield Call(rpc_pb2.AuthEnableRequest(), self.timeout_ns, ROOT)
        return Completion(OpType.OK)

    def _make(self, user: str) -> Generator[Call, Response, None]:
        options = UserAddOptions(no_password=True)
        yield from self._unless_done(rpc_pb2.AuthUserAddRequest(name=user, options=options))
        granting = rpc_pb2.AuthUserGrantRoleRequest(user=user, role=user)
        yield Call(granting, self.timeout_ns, ROOT)

    def _unless_done(self, request: ApiRequest) -> Generator[Call, Response, None]:
        try:
            yield Call(request, self.timeout_ns, ROOT)
        except DefiniteError as error:
            if str(error) not in _DONE_BEFORE:
                raise


def message_of(attempt: AnyAttempt) -> ApiRequest:
    """Return the request that an attempt is."""
    match attempt:
        case TxnAttempt():
            return rpc_pb2.TxnRequest(
                compare=[
                    rpc_pb2.Compare(
                        key=key.encode(),
                        target=rpc_pb2.Compare.VERSION,
                        result=rpc_pb2.Compare.GREATER,
                    )
                    for key in attempt.compare
                ],
                success=_ops(attempt.success),
                failure=_ops(attempt.failure),
            )
        case Attempt(kind="get"):
            return _range(attempt)
        case Attempt(kind="put"):
            return _put(attempt)
        case Attempt(kind="delete"):
            return _delete(attempt)
        case Attempt(kind=kind):
            raise AssertionError(f"no request is a {kind!r}")
        case _:
            assert_never(attempt)


def needs_of(attempt: AnyAttempt) -> tuple[list[list[str | None]], list[list[str | None]]]:
    """Return the intervals of which an attempt shows, and of which it may change, something."""
    reads: list[list[str | None]] = []
    writes: list[list[str | None]] = []
    match attempt:
        case TxnAttempt():
            reads += [[key, None] for key in attempt.compare]
            for step in (*attempt.success, *attempt.failure):
                more_reads, more_writes = needs_of(step)
                reads += more_reads
                writes += more_writes
        case Attempt():
            interval = [attempt.key, attempt.range_end]
            if attempt.kind == "get" or attempt.prev_kv:
                reads.append(interval)
            if attempt.kind != "get":
                writes.append(interval)
        case _:
            assert_never(attempt)
    return reads, writes


def _ops(steps: Sequence[AnyAttempt]) -> list[rpc_pb2.RequestOp]:
    return [_op(step) for step in steps]


def _op(step: AnyAttempt) -> rpc_pb2.RequestOp:
    message = message_of(step)
    match message:
        case rpc_pb2.TxnRequest():
            return rpc_pb2.RequestOp(request_txn=message)
        case rpc_pb2.RangeRequest():
            return rpc_pb2.RequestOp(request_range=message)
        case rpc_pb2.PutRequest():
            return rpc_pb2.RequestOp(request_put=message)
        case rpc_pb2.DeleteRangeRequest():
            return rpc_pb2.RequestOp(request_delete_range=message)
        case _:
            raise AssertionError(f"no step of a transaction: {message}")


def _range(attempt: Attempt) -> rpc_pb2.RangeRequest:
    return rpc_pb2.RangeRequest(
        key=attempt.key.encode(), range_end=(attempt.range_end or "").encode()
    )


def _put(attempt: Attempt) -> rpc_pb2.PutRequest:
    return rpc_pb2.PutRequest(key=attempt.key.encode(), prev_kv=attempt.prev_kv)


def _delete(attempt: Attempt) -> rpc_pb2.DeleteRangeRequest:
    return rpc_pb2.DeleteRangeRequest(
        key=attempt.key.encode(),
        range_end=(attempt.range_end or "").encode(),
        prev_kv=attempt.prev_kv,
    )


def _granting(grant: Grant) -> ApiRequest:
    kind = Permission.READWRITE
    if not grant.write:
        kind = Permission.READ
    elif not grant.read:
        kind = Permission.WRITE
    permission = Permission(permType=kind, key=grant.key.encode())
    return rpc_pb2.AuthRoleGrantPermissionRequest(name=grant.user, perm=permission)


def _revoking(grant: Grant) -> ApiRequest:
    return rpc_pb2.AuthRoleRevokePermissionRequest(role=grant.user, key=grant.key.encode())
