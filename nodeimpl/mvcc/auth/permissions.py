"""What a request needs, and whether who asks has it (etcd, etcdserver/apply_auth.go).

Judged when a command is carried out, and when a read is answered: what was permitted when it was
taken may be no longer.

Deviations, where etcd let through what it should not have: a transaction needs what every
operation of both its branches needs, those of nested transactions included (CVE-2026-33343), and
what its puts do to leases; a compaction needs to write all keys; leases, alarms and the list of
members need a user.
"""

from collections.abc import Iterable, Sequence
from typing import Final, assert_never, get_args

from nodeimpl.api.errors import (
    AUTH_OLD_REVISION,
    PERMISSION_DENIED,
    USER_EMPTY,
    ApiError,
)
from nodeimpl.api.requests import ApiRequest, AuthRequest
from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AuthRoleGetRequest,
    AuthUserGetRequest,
    CompactionRequest,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseLeasesRequest,
    LeaseRevokeRequest,
    LeaseTimeToLiveRequest,
    MemberListRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from nodeimpl.ids import LeaseId
from nodeimpl.mvcc.auth.book import AuthBook, Grants
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.key_ranges import KeyRange, key_range
from nodeimpl.mvcc.leases import LeaseBook

_OF_USERS: Final = get_args(AuthRequest)
"""Requests about users and roles."""

ALL_KEYS: Final = KeyRange(b"\0", None)
"""A key is never empty."""


class Asker:
    """Who asks, and what they may do."""

    __slots__ = ("_book", "_grants", "_leases", "user")

    def __init__(self, book: AuthBook, leases: LeaseBook, user: str) -> None:
        self._book = book
        self._leases = leases
        self.user = user
        self._grants: Grants = book.grants_of(user)

    def may(self, request: ApiRequest) -> bool:
        """Whether a request is permitted to who is not root."""
        match request:
            case PutRequest() | RangeRequest() | DeleteRangeRequest() | TxnRequest():
                return self._may_on_keys(request)
            case CompactionRequest():
                return self._grants.may_write(ALL_KEYS)
            case LeaseGrantRequest() | LeaseKeepAliveRequest() | MemberListRequest():
                return True
            case LeaseRevokeRequest() | LeaseTimeToLiveRequest() | LeaseLeasesRequest():
                return self._may_on_leases(request)
            case AlarmRequest():
                return request.action == AlarmRequest.GET
            case _:
                return self._may_see_users(request)

    def _may_on_leases(
        self, request: LeaseRevokeRequest | LeaseTimeToLiveRequest | LeaseLeasesRequest
    ) -> bool:
        """Whether who asks may end a lease, and so its keys; or see which keys it has."""
        match request:
            case LeaseRevokeRequest():
                return self._may_write_each(self._keys_of(request.ID))
            case LeaseTimeToLiveRequest():
                return not request.keys or self._may_read_each(self._keys_of(request.ID))
            case LeaseLeasesRequest():
                return all(self._may_read_each(self._keys_of(each)) for each in self._leases.by_id)
            case _:
                assert_never(request)

    def _may_see_users(self, request: AuthRequest) -> bool:
        """Whether who asks may: see themselves, and the roles they have. All else is root's."""
        match request:
            case AuthUserGetRequest():
                return request.name == self.user
            case AuthRoleGetRequest():
                user = self._book.user(self.user)
                return user is not None and request.role in user.roles
            case _:
                return False

    def _may_on_keys(
        self, request: PutRequest | RangeRequest | DeleteRangeRequest | TxnRequest
    ) -> bool:
        match request:
            case PutRequest():
                return self._may_put(request)
            case RangeRequest():
                return self._grants.may_read(key_range(request.key, request.range_end))
            case DeleteRangeRequest():
                keys = key_range(request.key, request.range_end)
                return self._grants.may_write(keys) and (
                    not request.prev_kv or self._grants.may_read(keys)
                )
            case TxnRequest():
                return self._may_txn(request)
            case _:
                assert_never(request)

    def _may_put(self, request: PutRequest) -> bool:
        """Whether a put is permitted: to change a key is to write it, to see it is to read it.

        Who ties a key to a lease decides when the lease's other keys may go, too (etcd,
        checkLeasePuts).
        """
        keys = key_range(request.key, b"")
        if not self._grants.may_write(keys):
            return False
        if request.prev_kv and not self._grants.may_read(keys):
            return False
        return not request.lease or self._may_write_each(self._keys_of(request.lease))

    def _may_txn(self, request: TxnRequest) -> bool:
        for compare in request.compare:
            if not self._grants.may_read(key_range(compare.key, compare.range_end)):
                return False
        return self._may_all(request.success) and self._may_all(request.failure)

    def _may_all(self, ops: Sequence[RequestOp]) -> bool:
        return all(self._may_op(op) for op in ops)

    def _may_op(self, op: RequestOp) -> bool:
        match op.WhichOneof("request"):
            case "request_range":
                return self._may_on_keys(op.request_range)
            case "request_put":
                return self._may_on_keys(op.request_put)
            case "request_delete_range":
                return self._may_on_keys(op.request_delete_range)
            case "request_txn":
                return self._may_on_keys(op.request_txn)
            case other:
                raise AssertionError(f"validation let an operation {other!r} through")

    def _keys_of(self, lease_id: int) -> Iterable[bytes]:
        lease = self._leases.by_id.get(LeaseId(lease_id))
        return () if lease is None else lease.keys

    def _may_write_each(self, keys: Iterable[bytes]) -> bool:
        return all(self._grants.may_write(key_range(key, b"")) for key in keys)

    def _may_read_each(self, keys: Iterable[bytes]) -> bool:
        return all(self._grants.may_read(key_range(key, b"")) for key in keys)


def objection(
    book: AuthBook, leases: LeaseBook, request: ApiRequest, identity: Identity | None
) -> ApiError | None:
    """Return why a request may not be carried out for who asks; None if it may."""
    if not book.enabled:
        return None
    error = identity_error(book, identity, is_of_users=isinstance(request, _OF_USERS))
    if error is not None or identity is None:
        return error or USER_EMPTY
    if book.is_root(identity.user) or Asker(book, leases, identity.user).may(request):
        return None
    return PERMISSION_DENIED


def identity_error(
    book: AuthBook, identity: Identity | None, *, is_of_users: bool = False
) -> ApiError | None:
    """Return what is wrong with who asks, while everybody must say who they are.

    Who manages users is asked who they are now, and may know older users than these (as etcd): or
    root could not make one change right after another, by way of a node that lags.
    """
    if identity is None or not identity.user:
        return USER_EMPTY
    if identity.auth_revision < book.revision and not is_of_users:
        return AUTH_OLD_REVISION
    if book.user(identity.user) is None:
        return PERMISSION_DENIED
    return None


def admin_error(book: AuthBook, identity: Identity | None) -> ApiError | None:
    """Return why who asks may not do what only root may; None if they may."""
    if not book.enabled:
        return None
    error = identity_error(book, identity)
    if error is not None or identity is None:
        return error or USER_EMPTY
    return None if book.is_root(identity.user) else PERMISSION_DENIED


def watch_error(book: AuthBook, user: str | None, keys: KeyRange) -> ApiError | None:
    """Return why a user may not watch the keys, or not any more; None if they may.

    A watch shows what the keys held before, too, and needs no more for it.
    """
    if not book.enabled:
        return None
    if not user:
        return USER_EMPTY
    if book.user(user) is None:
        return PERMISSION_DENIED
    if book.is_root(user) or book.grants_of(user).may_read(keys):
        return None
    return PERMISSION_DENIED
