"""Planted bugs in who may do what (etcd, auth/store.go and etcdserver/apply_auth.go)."""

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import PutRequest, RequestOp, TxnRequest
from nodeimpl.mvcc.auth.book import AuthBook, Grants
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.auth.permissions import Asker, objection
from nodeimpl.mvcc.key_ranges import KeyRange, key_range
from nodeimpl.mvcc.leases import LeaseBook
from nodeimpl.mvcc.txn import is_read_only

_may_op = Asker._may_op
_may_put = Asker._may_put
_changed = AuthBook.changed


def _may_nest(asker: Asker, op: RequestOp) -> bool:
    return op.HasField("request_txn") or _may_op(asker, op)


def _may_what_succeeds(asker: Asker, request: TxnRequest) -> bool:
    for compare in request.compare:
        if not asker._grants.may_read(key_range(compare.key, compare.range_end)):
            return False
    return asker._may_all(request.success)


def _may_compare(asker: Asker, request: TxnRequest) -> bool:
    return asker._may_all(request.success) and asker._may_all(request.failure)


def _may_put_and_see(asker: Asker, request: PutRequest) -> bool:
    blind = PutRequest()
    blind.CopyFrom(request)
    blind.prev_kv = False
    return _may_put(asker, blind)


def _may_read_the_start(grants: Grants, keys: KeyRange) -> bool:
    return keys.start in grants._readable


def _changed_unnoticed(book: AuthBook) -> None:
    """Count the change, and go by what was worked out before it."""
    remembered = dict(book._grants)
    _changed(book)
    book._grants.update(remembered)


def _write_no_status(book: AuthBook) -> None:
    del book


def _no_objection_to_reading(
    book: AuthBook, leases: LeaseBook, request: ApiRequest, identity: Identity | None
) -> ApiError | None:
    if isinstance(request, TxnRequest) and is_read_only(request):
        return None
    return objection(book, leases, request, identity)


MUTANTS = (
    Mutant(
        name="nested-txn-not-authorised",
        workloads=("auth",),
        breaks="etcd CVE-2026-33343: a transaction needs what the transactions within it need",
        patches=(patch(Asker._may_op, _may_nest),),
    ),
    Mutant(
        name="failure-branch-not-authorised",
        workloads=("auth",),
        breaks="etcd, apply_auth.go: both branches need their rights, for either may be taken",
        patches=(patch(Asker._may_txn, _may_what_succeeds),),
    ),
    Mutant(
        name="compare-not-authorised",
        workloads=("auth",),
        breaks="etcd, apply_auth.go: a compare tells of its keys, so they must be readable",
        patches=(patch(Asker._may_txn, _may_compare),),
    ),
    Mutant(
        name="prev-kv-without-the-right-to-read",
        workloads=("auth",),
        breaks="etcd, apply_auth.go: a put that shows what was there before reads it",
        patches=(patch(Asker._may_put, _may_put_and_see),),
    ),
    Mutant(
        name="range-authorised-by-its-start",
        workloads=("auth",),
        breaks="etcd, range_perm_cache.go: every key of a range must be permitted, not its first",
        patches=(patch(Grants.may_read, _may_read_the_start),),
    ),
    Mutant(
        name="revoked-right-remembered",
        workloads=("auth",),
        breaks="etcd, auth/store.go: what was worked out of a user's roles ends with every change",
        patches=(patch(AuthBook.changed, _changed_unnoticed),),
    ),
    Mutant(
        name="authentication-not-remembered",
        workloads=("auth",),
        breaks="etcd, auth/store.go: that everybody is asked outlives a restart",
        patches=(patch(AuthBook._write_status, _write_no_status),),
    ),
    Mutant(
        name="read-only-txn-not-authorised",
        workloads=("auth",),
        breaks="etcd, v3_server.go: a transaction of reads needs their rights, though it does not "
        "go through the log",
        patches=(patch(objection, _no_objection_to_reading),),
    ),
)
