"""The checks made before a request enters the log (etcd, v3rpc/key.go).

They look at the request alone, never at replicated state, so that every node says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nodeimpl.api.errors import (
    DUPLICATE_KEY,
    EMPTY_KEY,
    INVALID_SORT_OPTION,
    KEY_NOT_FOUND,
    LEASE_PROVIDED,
    REQUEST_TOO_LARGE,
    TOO_MANY_OPS,
    VALUE_PROVIDED,
    ApiError,
)
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import (
    DeleteRangeRequest,
    LeaseGrantRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.mvcc.key_ranges import KeySet, key_range
from nodeimpl.mvcc.lease_commands import grant_error
from nodeimpl.mvcc.txn import is_read_only

# An enum of proto3 is open: any number may arrive.
_SORT_ORDERS = frozenset(RangeRequest.SortOrder.values())
_SORT_TARGETS = frozenset(RangeRequest.SortTarget.values())


def request_error(
    request: ApiRequest | DescribeMember | Authenticate, config: StoreConfig
) -> ApiError | None:
    """Return why the request cannot be taken; None if it can."""
    match request:
        case RangeRequest():
            return _range_error(request)
        case PutRequest():
            return _put_error(request) or _size_error(request, config)
        case DeleteRangeRequest():
            return _delete_error(request) or _size_error(request, config)
        case TxnRequest():
            return (
                _txn_error(request, config.txn_ops_max)
                or overlap_error(request)
                or _size_error(request, config)
            )
        case LeaseGrantRequest():
            return grant_error(request)
        case _:
            return None  # It is checked against what there is.


def _size_error(
    request: PutRequest | DeleteRangeRequest | TxnRequest, config: StoreConfig
) -> ApiError | None:
    """Check what would enter the log. etcd counts its envelope too, some twenty bytes."""
    if request.ByteSize() <= config.request_bytes_max:
        return None
    if isinstance(request, TxnRequest) and is_read_only(request):
        return None
    return REQUEST_TOO_LARGE


def _range_error(request: RangeRequest) -> ApiError | None:
    if not request.key:
        return EMPTY_KEY
    if request.sort_order in _SORT_ORDERS and request.sort_target in _SORT_TARGETS:
        return None
    return INVALID_SORT_OPTION


def _put_error(request: PutRequest) -> ApiError | None:
    if not request.key:
        return EMPTY_KEY
    if request.ignore_value and request.value:
        return VALUE_PROVIDED
    if request.ignore_lease and request.lease:
        return LEASE_PROVIDED
    return None


def _delete_error(request: DeleteRangeRequest) -> ApiError | None:
    return None if request.key else EMPTY_KEY


def _txn_error(request: TxnRequest, ops_max: int) -> ApiError | None:
    """Check a transaction's lists; a nested one has the room its parent leaves (as etcd)."""
    op_count = max(len(request.compare), len(request.success), len(request.failure))
    if op_count > ops_max:
        return TOO_MANY_OPS
    for compare in request.compare[:]:
        if not compare.key:
            return EMPTY_KEY
    for ops in (request.success[:], request.failure[:]):
        for op in ops:
            error = _op_error(op, ops_max - op_count)
            if error is not None:
                return error
    return None


def _op_error(op: RequestOp, ops_max: int) -> ApiError | None:
    match op.WhichOneof("request"):
        case "request_range":
            return _range_error(op.request_range)
        case "request_put":
            return _put_error(op.request_put)
        case "request_delete_range":
            return _delete_error(op.request_delete_range)
        case "request_txn":
            return _txn_error(op.request_txn, ops_max)
        case _:
            return KEY_NOT_FOUND  # An operation that is none (as etcd).


@dataclass(slots=True)
class _Written:
    """What a list of operations may write, whichever branches are taken."""

    puts: set[bytes] = field(default_factory=set)
    deletes: KeySet = field(default_factory=KeySet)


def overlap_error(request: TxnRequest) -> ApiError | None:
    """Return `DUPLICATE_KEY` if a branch may put a key twice, or put it and delete it.

    Two branches of which only one is taken may write the same key. A delete may come after a put
    of a nested transaction (as etcd): nothing fails by it.

    Deviation: etcd takes a delete's `range_end` of one zero byte literally here and so lets a put
    pass beside a delete of all keys; with `ignore_value` it then stops in the middle of the
    transaction. We take it for what it means.
    """
    for ops in (request.success[:], request.failure[:]):
        if not _is_single(ops) and _written_by(ops) is None:
            return DUPLICATE_KEY
    return None


def _is_single(ops: Sequence[RequestOp]) -> bool:
    """Whether there is at most one operation, with nothing it could overlap with."""
    return not ops or (len(ops) == 1 and not ops[0].HasField("request_txn"))


def _written_by(ops: Sequence[RequestOp]) -> _Written | None:
    """Return what the operations may write; None if they may overlap.

    In etcd's order: this list's deletes, then nested transactions one by one, then its puts.
    """
    written = _Written()
    for op in ops:
        if op.HasField("request_delete_range"):
            delete = op.request_delete_range
            written.deletes.add(key_range(delete.key, delete.range_end))
    for op in ops:
        if op.HasField("request_txn") and not _add_nested(written, op.request_txn):
            return None
    for op in ops:
        if op.HasField("request_put") and not _add_puts(written, {op.request_put.key}):
            return None
    return written


def _add_nested(written: _Written, txn: TxnRequest) -> bool:
    """Add what a nested transaction may write; False if that may overlap with what is there."""
    success, failure = _written_by(txn.success), _written_by(txn.failure)
    if success is None or failure is None:
        return False
    if not _add_puts(written, success.puts | failure.puts):
        return False
    written.deletes.update(success.deletes)
    written.deletes.update(failure.deletes)
    return True


def _add_puts(written: _Written, keys: set[bytes]) -> bool:
    """Add puts; False if one may overlap with what is there."""
    if not written.puts.isdisjoint(keys) or any(key in written.deletes for key in keys):
        return False
    written.puts |= keys
    return True
