"""Where etcd's versions differ, or do what no store should: requests that are not compared there.

Each is a rule about requests, for the versions it holds in, with the reason. Everything that no
rule names must be equal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.systems.versions import Version
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import (
    RangeRequest,
    RequestOp,
    TxnRequest,
)

EVER = Version(99, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One rule."""

    what: str
    until: Version
    """The first version in which it holds no more."""
    names: Callable[[ApiRequest], bool]
    """Whether this very request, not what is nested in it, is one of them."""


def has_unknown_sorting(request: ApiRequest) -> bool:
    return isinstance(request, RangeRequest) and (
        request.sort_order not in RangeRequest.SortOrder.values()
        or request.sort_target not in RangeRequest.SortTarget.values()
    )


def deletes_all_beside_puts(request: ApiRequest) -> bool:
    return isinstance(request, TxnRequest) and any(
        any(_deletes_all(op) for op in _flat(ops)) and any(_puts(op) for op in _flat(ops))
        for ops in (request.success[:], request.failure[:])
    )


DIFFERENCES = (
    Difference(
        what="3.4 and 3.5 do not check sort options: an unknown target is a nil dereference that "
        "ends the daemon, an unknown order is ignored; 3.6 refuses both, and so do we",
        until=Version(3, 6, 0),
        names=has_unknown_sorting,
    ),
    Difference(
        what="a delete of all keys (range_end one zero byte) beside a put: etcd takes that "
        "range_end literally when it looks for overlaps, lets the put pass, and with "
        "ignore_value it stops in the middle of the transaction; we refuse the overlap "
        "(nodeimpl.mvcc.validation: overlap_error)",
        until=EVER,
        names=deletes_all_beside_puts,
    ),
)


BROKEN_AT_COMPACTION = Version(3, 5, 0)
"""Watches that start at the very revision compacted lose a delete made there in 3.4.23, seen, and
in no 3.5 that was tried (etcd #18089)."""


def is_excused(request: ApiRequest, version: Version) -> bool:
    """Whether a rule of this version names the request or anything in it."""
    return any(
        version < difference.until and any(difference.names(part) for part in parts(request))
        for difference in DIFFERENCES
    )


def parts(request: ApiRequest) -> Iterator[ApiRequest]:
    """Yield the request and all that is nested in it."""
    yield request
    if isinstance(request, TxnRequest):
        for op in (*request.success, *request.failure):
            if (nested := _request_of(op)) is not None:
                yield from parts(nested)


def _request_of(op: RequestOp) -> ApiRequest | None:
    match op.WhichOneof("request"):
        case "request_range":
            return op.request_range
        case "request_put":
            return op.request_put
        case "request_delete_range":
            return op.request_delete_range
        case "request_txn":
            return op.request_txn
        case _:
            return None


def _flat(ops: list[RequestOp]) -> Iterator[RequestOp]:
    for op in ops:
        yield op
        if op.HasField("request_txn"):
            yield from _flat([*op.request_txn.success, *op.request_txn.failure])


def _deletes_all(op: RequestOp) -> bool:
    return op.HasField("request_delete_range") and op.request_delete_range.range_end == b"\0"


def _puts(op: RequestOp) -> bool:
    return op.HasField("request_put")
