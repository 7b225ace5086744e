"""Transactions (etcd, learning/api: transaction; etcdserver/txn/txn.go)."""

import pytest

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, KEY_NOT_FOUND, LEASE_NOT_FOUND
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    ResponseHeader,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.txn import is_read_only, is_serializable
from nodeimpl.storage.memory_backend import MemoryBackend

EQUAL, NOT_EQUAL = Compare.EQUAL, Compare.NOT_EQUAL
GREATER, LESS = Compare.GREATER, Compare.LESS


@pytest.fixture
def store() -> Store:
    """One key k: created at 2, changed at 3, so of version 2; its value is m. l: made at 4."""
    store = Store(MemoryBackend(), StoreConfig())
    store.apply(PutRequest(key=b"k", value=b"first"))
    store.apply(PutRequest(key=b"k", value=b"m"))
    store.apply(PutRequest(key=b"l", value=b"m"))
    return store


def put(key: bytes, value: bytes = b"") -> RequestOp:
    return RequestOp(request_put=PutRequest(key=key, value=value))


def delete(key: bytes, range_end: bytes = b"") -> RequestOp:
    return RequestOp(request_delete_range=DeleteRangeRequest(key=key, range_end=range_end))


def get(key: bytes, revision: int = 0) -> RequestOp:
    return RequestOp(request_range=RangeRequest(key=key, revision=revision))


def nested(
    *, compare: list[Compare] | None = None, success: list[RequestOp], failure: list[RequestOp]
) -> RequestOp:
    return RequestOp(
        request_txn=TxnRequest(compare=compare or [], success=success, failure=failure)
    )


def apply(store: Store, request: TxnRequest) -> TxnResponse:
    response = store.apply(request)
    assert isinstance(response, TxnResponse)
    return response


def holds(store: Store, compare: Compare) -> bool:
    return apply(store, TxnRequest(compare=[compare])).succeeded


def values(store: Store, key: bytes) -> list[bytes]:
    response = store.read(RangeRequest(key=key))
    assert isinstance(response, RangeResponse)
    return [kv.value for kv in response.kvs]


@pytest.mark.parametrize(
    ("result", "other", "expected"),
    [
        (EQUAL, 2, True),
        (EQUAL, 1, False),
        (NOT_EQUAL, 1, True),
        (NOT_EQUAL, 2, False),
        (GREATER, 1, True),
        (GREATER, 2, False),
        (LESS, 3, True),
        (LESS, 2, False),
    ],
)
def test_the_key_stands_left_of_the_relation(
    store: Store, result: Compare.CompareResult, other: int, *, expected: bool
) -> None:
    compare = Compare(key=b"k", target=Compare.VERSION, result=result, version=other)
    assert holds(store, compare) is expected


@pytest.mark.parametrize(
    "compare",
    [
        Compare(key=b"k", target=Compare.VERSION, version=2),
        Compare(key=b"k", target=Compare.CREATE, create_revision=2),
        Compare(key=b"k", target=Compare.MOD, mod_revision=3),
        Compare(key=b"k", target=Compare.VALUE, value=b"m"),
        Compare(key=b"k", target=Compare.LEASE, lease=0),
    ],
    ids=["version", "create", "mod", "value", "lease"],
)
def test_every_target_is_compared_with_its_own_field(store: Store, compare: Compare) -> None:
    assert holds(store, compare)


def test_a_compare_sees_the_last_revision(store: Store) -> None:
    assert holds(store, Compare(key=b"l", target=Compare.MOD, mod_revision=4))


@pytest.mark.parametrize(
    ("result", "other", "expected"),
    [
        (EQUAL, b"m", True),
        (NOT_EQUAL, b"m", False),
        (GREATER, b"lz", True),
        (GREATER, b"m", False),
        (LESS, b"ma", True),
        (LESS, b"m", False),
    ],
)
def test_values_compare_as_bytes(
    store: Store, result: Compare.CompareResult, other: bytes, *, expected: bool
) -> None:
    compare = Compare(key=b"k", target=Compare.VALUE, result=result, value=other)
    assert holds(store, compare) is expected


@pytest.mark.parametrize(
    "compare",
    [
        Compare(key=b"absent", target=Compare.VERSION, version=0),
        Compare(key=b"absent", target=Compare.CREATE, create_revision=0),
        Compare(key=b"absent", target=Compare.MOD, result=LESS, mod_revision=1),
        Compare(key=b"x", range_end=b"z", target=Compare.VERSION, version=0),
    ],
    ids=["version", "create", "mod", "range"],
)
def test_what_does_not_exist_has_version_and_revisions_0(store: Store, compare: Compare) -> None:
    assert holds(store, compare)


@pytest.mark.parametrize("result", [EQUAL, NOT_EQUAL, GREATER, LESS])
def test_what_does_not_exist_has_no_value_to_compare(
    store: Store, result: Compare.CompareResult
) -> None:
    compare = Compare(key=b"absent", target=Compare.VALUE, result=result, value=b"")
    assert not holds(store, compare)


def test_a_range_compare_must_hold_for_every_key(store: Store) -> None:
    both = Compare(key=b"k", range_end=b"m", target=Compare.VALUE, value=b"m")
    assert holds(store, both)
    one = Compare(key=b"k", range_end=b"\0", target=Compare.VERSION, version=2)
    assert not holds(store, one)


def test_all_compares_must_hold(store: Store) -> None:
    true = Compare(key=b"k", target=Compare.VERSION, version=2)
    false = Compare(key=b"k", target=Compare.VERSION, version=1)
    assert not apply(store, TxnRequest(compare=[true, false])).succeeded


def test_no_compares_hold(store: Store) -> None:
    assert apply(store, TxnRequest()).succeeded


def test_a_relation_nobody_named_holds_always(store: Store) -> None:
    compare = Compare.FromString(b"\x08\x09\x1a\x01k")  # result = 9
    assert holds(store, compare)


def test_only_the_chosen_branch_is_carried_out(store: Store) -> None:
    compare = Compare(key=b"k", target=Compare.VALUE, value=b"other")
    response = apply(
        store,
        TxnRequest(compare=[compare], success=[put(b"k", b"yes")], failure=[put(b"k", b"no")]),
    )
    assert not response.succeeded
    assert values(store, b"k") == [b"no"]


def test_a_transaction_writes_one_revision(store: Store) -> None:
    response = apply(store, TxnRequest(success=[put(b"a"), delete(b"k"), put(b"b")]))
    assert store.revision == 5
    assert response.header.revision == 5
    assert [op.response_put.header.revision for op in response.responses] == [5, 0, 5]


def test_reads_see_the_writes_before_them_and_not_those_after(store: Store) -> None:
    request = TxnRequest(success=[get(b"a"), put(b"a", b"new"), get(b"a"), delete(b"k"), get(b"k")])
    response = apply(store, request)
    reads = [op.response_range for op in response.responses]
    assert [kv.value for kv in reads[0].kvs] == []
    assert [kv.value for kv in reads[2].kvs] == [b"new"]
    assert [kv.value for kv in reads[4].kvs] == []


def test_headers_within_say_the_revision_as_it_was_at_that_place(store: Store) -> None:
    response = apply(store, TxnRequest(success=[get(b"a"), put(b"a"), get(b"a")]))
    assert response.responses[0].response_range.header.revision == 4
    assert response.responses[2].response_range.header.revision == 5


def test_an_old_revision_is_read_within_a_transaction(store: Store) -> None:
    response = apply(store, TxnRequest(success=[put(b"k", b"new"), get(b"k", revision=4)]))
    assert [kv.value for kv in response.responses[1].response_range.kvs] == [b"m"]


def test_reads_alone_leave_the_revision(store: Store) -> None:
    response = apply(store, TxnRequest(success=[get(b"k"), get(b"l")]))
    assert (store.revision, response.header.revision) == (4, 4)


def test_deleting_nothing_leaves_the_revision(store: Store) -> None:
    response = apply(store, TxnRequest(success=[delete(b"absent"), delete(b"x", b"z")]))
    assert (store.revision, response.header.revision) == (4, 4)


def test_keys_put_by_one_transaction_share_create_and_mod_revision(store: Store) -> None:
    apply(store, TxnRequest(success=[put(b"a", b"1"), put(b"b", b"2"), put(b"c", b"3")]))
    response = store.read(RangeRequest(key=b"a", range_end=b"d"))
    assert isinstance(response, RangeResponse)
    assert list(response.kvs) == [
        KeyValue(key=b"a", value=b"1", create_revision=5, mod_revision=5, version=1),
        KeyValue(key=b"b", value=b"2", create_revision=5, mod_revision=5, version=1),
        KeyValue(key=b"c", value=b"3", create_revision=5, mod_revision=5, version=1),
    ]


def test_nested_compares_see_the_state_before_the_transaction(store: Store) -> None:
    was_absent = Compare(key=b"a", target=Compare.VERSION, version=0)
    inner = nested(compare=[was_absent], success=[get(b"a")], failure=[])
    response = apply(store, TxnRequest(success=[put(b"a", b"new"), inner]))
    answer = response.responses[1].response_txn
    assert answer.succeeded
    assert [kv.value for kv in answer.responses[0].response_range.kvs] == [b"new"]


def test_the_header_of_a_nested_answer_is_empty(store: Store) -> None:
    response = apply(store, TxnRequest(success=[nested(success=[put(b"a")], failure=[])]))
    answer = response.responses[0].response_txn
    assert answer.HasField("header")
    assert answer.header == ResponseHeader()
    assert response.header.revision == 5


def test_a_nested_transaction_writes_the_same_revision(store: Store) -> None:
    inner = nested(success=[put(b"b")], failure=[])
    apply(store, TxnRequest(success=[put(b"a"), inner, put(b"c")]))
    assert store.revision == 5


def test_a_key_can_be_put_and_deleted_in_one_revision(store: Store) -> None:
    # Validation lets a nested put stand before a nested delete, as etcd's does.
    first = nested(success=[put(b"a")], failure=[])
    then = nested(success=[delete(b"a")], failure=[])
    request = TxnRequest(success=[first, then])
    assert store.check(request) is None
    response = apply(store, request)
    assert response.responses[1].response_txn.responses[0].response_delete_range.deleted == 1
    assert values(store, b"a") == []
    assert store.revision == 5


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (get(b"k", revision=5), FUTURE_REVISION),  # The one it is about to write, too.
        (RequestOp(request_put=PutRequest(key=b"z", ignore_value=True)), KEY_NOT_FOUND),
        (RequestOp(request_put=PutRequest(key=b"k", lease=9)), LEASE_NOT_FOUND),
        (
            RequestOp(request_put=PutRequest(key=b"z", lease=9, ignore_value=True)),
            KEY_NOT_FOUND,  # Unlike a put alone, which names the lease first.
        ),
    ],
    ids=["future revision", "no value to keep", "no lease", "neither"],
)
def test_an_error_leaves_nothing_done(store: Store, step: RequestOp, error: object) -> None:
    request = TxnRequest(success=[put(b"a"), nested(success=[step], failure=[])])
    assert store.apply(request) == error
    assert store.revision == 4
    assert values(store, b"a") == []


def test_puts_are_looked_at_before_ranges(store: Store) -> None:
    leased = RequestOp(request_put=PutRequest(key=b"k", lease=7))
    refused = [nested(success=[leased], failure=[])]

    assert store.apply(TxnRequest(success=[get(b"k", 9), *refused])) == LEASE_NOT_FOUND


def test_an_error_in_the_branch_not_taken_is_none(store: Store) -> None:
    request = TxnRequest(success=[put(b"a")], failure=[get(b"k", revision=99)])
    assert apply(store, request).succeeded


def test_a_compacted_revision_cannot_be_read_within_a_transaction(store: Store) -> None:
    store.apply(CompactionRequest(revision=3))
    assert store.read(TxnRequest(success=[get(b"k", revision=2)])) == COMPACTED


def test_a_negative_revision_is_compacted_within_a_transaction(store: Store) -> None:
    # txn.go, checkRange: only 0 means now. Alone, a range at -2 reads the present.
    assert store.read(TxnRequest(success=[get(b"k", revision=-2)])) == COMPACTED
    assert isinstance(store.read(RangeRequest(key=b"k", revision=-2)), RangeResponse)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (TxnRequest(), True),
        (TxnRequest(success=[get(b"k")], failure=[get(b"l")]), True),
        (TxnRequest(success=[get(b"k"), put(b"k")]), False),
        (TxnRequest(failure=[delete(b"k")]), False),
        (TxnRequest(success=[nested(success=[get(b"k")], failure=[])]), False),
    ],
    ids=["empty", "ranges", "a put", "a delete", "nested"],
)
def test_what_counts_as_read_only(request_: TxnRequest, *, expected: bool) -> None:
    assert is_read_only(request_) is expected


def test_a_transaction_is_serializable_if_all_its_ranges_are() -> None:
    serializable = RequestOp(request_range=RangeRequest(key=b"k", serializable=True))
    assert is_serializable(TxnRequest(success=[serializable], failure=[serializable]))
    assert not is_serializable(TxnRequest(success=[serializable], failure=[get(b"k")]))
    assert not is_serializable(TxnRequest(success=[put(b"k")]))
