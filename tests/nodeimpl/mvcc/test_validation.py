"""The checks before a request enters the log (etcd, v3rpc/key.go)."""

import pytest

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
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.validation import request_error


def put(key: bytes) -> RequestOp:
    return RequestOp(request_put=PutRequest(key=key))


def delete(key: bytes, range_end: bytes = b"") -> RequestOp:
    return RequestOp(request_delete_range=DeleteRangeRequest(key=key, range_end=range_end))


def get(key: bytes) -> RequestOp:
    return RequestOp(request_range=RangeRequest(key=key))


def both(success: list[RequestOp], failure: list[RequestOp]) -> RequestOp:
    return RequestOp(request_txn=TxnRequest(success=success, failure=failure))


def nested(*success: RequestOp) -> RequestOp:
    return both(list(success), [])


def txn(*success: RequestOp) -> TxnRequest:
    return TxnRequest(success=success)


def error(request: ApiRequest, **config: int) -> ApiError | None:
    return request_error(request, StoreConfig(**config))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(RangeRequest(), EMPTY_KEY, id="range without a key"),
        pytest.param(RangeRequest(range_end=b"\0"), EMPTY_KEY, id="range from no key"),
        pytest.param(RangeRequest(key=b"\0"), None, id="range of the least key"),
        pytest.param(
            RangeRequest.FromString(b"\x0a\x01k\x28\x03"), INVALID_SORT_OPTION, id="order 3"
        ),
        pytest.param(
            RangeRequest.FromString(b"\x0a\x01k\x30\x05"), INVALID_SORT_OPTION, id="target 5"
        ),
        pytest.param(PutRequest(value=b"v"), EMPTY_KEY, id="put without a key"),
        pytest.param(PutRequest(key=b"k", ignore_value=True), None, id="put keeping the value"),
        pytest.param(
            PutRequest(key=b"k", value=b"v", ignore_value=True), VALUE_PROVIDED, id="two values"
        ),
        pytest.param(
            PutRequest(key=b"k", lease=1, ignore_lease=True), LEASE_PROVIDED, id="two leases"
        ),
        pytest.param(DeleteRangeRequest(), EMPTY_KEY, id="delete without a key"),
        pytest.param(CompactionRequest(revision=-7), None, id="compaction of anything"),
        pytest.param(TxnRequest(), None, id="empty transaction"),
        pytest.param(TxnRequest(compare=[Compare()]), EMPTY_KEY, id="compare without a key"),
        pytest.param(txn(put(b"")), EMPTY_KEY, id="put without a key in a transaction"),
        pytest.param(
            TxnRequest(failure=[delete(b"")]), EMPTY_KEY, id="delete without a key in a failure"
        ),
        pytest.param(txn(nested(get(b""))), EMPTY_KEY, id="range without a key, nested"),
        pytest.param(txn(RequestOp()), KEY_NOT_FOUND, id="operation that is none"),
    ],
)
def test_a_request_must_make_sense_by_itself(
    request_: ApiRequest, expected: ApiError | None
) -> None:
    assert error(request_) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(txn(get(b"a"), get(b"b")), None, id="two of two"),
        pytest.param(txn(get(b"a"), get(b"b"), get(b"c")), TOO_MANY_OPS, id="three of two"),
        pytest.param(
            TxnRequest(failure=[get(b"a"), get(b"b"), get(b"c")]), TOO_MANY_OPS, id="failures"
        ),
        pytest.param(
            TxnRequest(compare=[Compare(key=b"a")] * 3), TOO_MANY_OPS, id="compares count alike"
        ),
        pytest.param(
            TxnRequest(
                compare=[Compare(key=b"a")] * 2,
                success=[get(b"a"), get(b"b")],
                failure=[get(b"a"), get(b"b")],
            ),
            None,
            id="each list has its own room",
        ),
        pytest.param(txn(nested(get(b"a"))), None, id="a nested one has the room left"),
        pytest.param(
            txn(nested(get(b"a"), get(b"b"))), TOO_MANY_OPS, id="and no more than the room left"
        ),
        pytest.param(txn(get(b"a"), nested(get(b"b"))), TOO_MANY_OPS, id="no room left"),
        pytest.param(
            txn(get(b""), get(b"b"), get(b"c")), TOO_MANY_OPS, id="the count is checked first"
        ),
    ],
)
def test_operations_are_limited(request_: TxnRequest, expected: ApiError | None) -> None:
    assert error(request_, txn_ops_max=2) == expected


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(txn(put(b"a"), put(b"a")), id="two puts"),
        pytest.param(txn(put(b"a"), delete(b"a")), id="a put and a delete"),
        pytest.param(txn(delete(b"a"), put(b"a")), id="a delete and a put"),
        pytest.param(txn(put(b"b"), delete(b"a", b"c")), id="a put in a deleted range"),
        pytest.param(txn(put(b"b"), delete(b"a", b"\0")), id="a put and a delete from a key on"),
        pytest.param(txn(put(b"a"), nested(put(b"a"))), id="a put and a nested one"),
        pytest.param(txn(nested(put(b"a")), nested(put(b"a"))), id="two nested puts"),
        pytest.param(txn(delete(b"a"), nested(put(b"a"))), id="a nested put of a deleted key"),
        pytest.param(txn(put(b"a"), nested(delete(b"a"))), id="a nested delete of a put key"),
        pytest.param(txn(nested(delete(b"a")), nested(put(b"a"))), id="nested delete, then put"),
        pytest.param(txn(nested(put(b"a"), put(b"a"))), id="two puts in a nested one"),
        pytest.param(
            txn(put(b"a"), both([], [put(b"a")])), id="a put in a branch perhaps not taken"
        ),
        pytest.param(TxnRequest(failure=[put(b"a"), put(b"a")]), id="two puts in a failure"),
    ],
)
def test_a_key_may_not_be_written_twice(request_: TxnRequest) -> None:
    assert error(request_) == DUPLICATE_KEY


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(TxnRequest(success=[put(b"a")], failure=[put(b"a")]), id="two branches"),
        pytest.param(txn(both([put(b"a")], [put(b"a")])), id="two nested branches"),
        pytest.param(txn(put(b"c"), delete(b"a", b"c")), id="a put at the end of a range"),
        pytest.param(txn(delete(b"a"), delete(b"a", b"c")), id="two deletes"),
        pytest.param(txn(put(b"b"), delete(b"c", b"a")), id="a range that is empty"),
        pytest.param(txn(put(b"a"), get(b"a"), get(b"a")), id="reads"),
        pytest.param(txn(nested(put(b"a")), nested(delete(b"a"))), id="nested put, then delete"),
    ],
)
def test_what_cannot_clash_is_taken(request_: TxnRequest) -> None:
    assert error(request_) is None


def test_a_request_is_limited_in_bytes() -> None:
    request = PutRequest(key=b"k", value=b"v" * 10)  # Two bytes of framing for each field.
    assert error(request, request_bytes_max=15) is None
    assert error(request, request_bytes_max=14) == REQUEST_TOO_LARGE


def test_a_transaction_that_writes_is_limited_in_bytes() -> None:
    assert error(txn(put(b"k" * 20)), request_bytes_max=20) == REQUEST_TOO_LARGE


def test_a_read_is_not_limited_in_bytes() -> None:
    assert error(txn(get(b"k" * 20)), request_bytes_max=20) is None
    assert error(RangeRequest(key=b"k" * 20), request_bytes_max=20) is None
