"""Revisions, versions and single commands (etcd, learning/data_model and learning/api)."""

import pytest

from nodeimpl.api.errors import KEY_NOT_FOUND, LEASE_NOT_FOUND
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.requests import ApiResponse, KvRequest
from nodeimpl.api.rpc_pb2 import (
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
    TxnRequest,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend


@pytest.fixture
def store() -> Store:
    return Store(MemoryBackend(), StoreConfig())


def apply(store: Store, request: KvRequest) -> ApiResponse:
    response = store.apply(request)
    assert isinstance(response, ApiResponse)
    return response


def put(store: Store, key: bytes, value: bytes = b"") -> None:
    apply(store, PutRequest(key=key, value=value))


def delete(store: Store, key: bytes) -> None:
    apply(store, DeleteRangeRequest(key=key))


def get(store: Store, key: bytes, revision: int = 0) -> list[KeyValue]:
    response = store.read(RangeRequest(key=key, revision=revision))
    assert isinstance(response, RangeResponse)
    return list(response.kvs)


def header(revision: int) -> ResponseHeader:
    return ResponseHeader(revision=revision)


def test_a_new_store_is_at_revision_1(store: Store) -> None:
    assert store.revision == 1


def test_a_new_store_has_never_been_compacted(store: Store) -> None:
    assert store.compact_revision == -1


def test_a_put_makes_the_next_revision_and_says_which(store: Store) -> None:
    assert store.apply(PutRequest(key=b"k")) == PutResponse(header=header(2))
    assert store.revision == 2


def test_a_first_put_creates_the_key_with_version_1(store: Store) -> None:
    put(store, b"k", b"v")
    assert get(store, b"k") == [
        KeyValue(key=b"k", value=b"v", create_revision=2, mod_revision=2, version=1)
    ]


def test_a_second_put_keeps_create_revision_and_counts_the_version(store: Store) -> None:
    put(store, b"k", b"old")
    put(store, b"other")
    put(store, b"k", b"new")
    assert get(store, b"k") == [
        KeyValue(key=b"k", value=b"new", create_revision=2, mod_revision=4, version=2)
    ]


def test_a_delete_resets_the_version(store: Store) -> None:
    put(store, b"k")
    put(store, b"k")
    delete(store, b"k")
    put(store, b"k", b"again")
    assert get(store, b"k") == [
        KeyValue(key=b"k", value=b"again", create_revision=5, mod_revision=5, version=1)
    ]


def test_a_deleted_key_does_not_exist(store: Store) -> None:
    put(store, b"k")
    delete(store, b"k")
    assert get(store, b"k") == []


def test_a_deleted_key_exists_at_an_earlier_revision(store: Store) -> None:
    put(store, b"k", b"v")
    delete(store, b"k")
    assert [kv.value for kv in get(store, b"k", revision=2)] == [b"v"]


def test_an_empty_value_is_a_value(store: Store) -> None:
    put(store, b"k", b"")
    assert [kv.version for kv in get(store, b"k")] == [1]


def test_deleting_nothing_leaves_the_revision(store: Store) -> None:
    put(store, b"k")
    response = store.apply(DeleteRangeRequest(key=b"absent"))
    assert response == DeleteRangeResponse(header=header(2), deleted=0)
    assert store.revision == 2


def test_a_range_is_deleted_at_one_revision(store: Store) -> None:
    for key in (b"a", b"b", b"c"):
        put(store, key)
    response = store.apply(DeleteRangeRequest(key=b"a", range_end=b"c"))
    assert response == DeleteRangeResponse(header=header(5), deleted=2)
    assert store.revision == 5


def test_previous_values_come_with_a_delete_that_asks(store: Store) -> None:
    put(store, b"a", b"1")
    put(store, b"b", b"2")
    response = store.apply(DeleteRangeRequest(key=b"a", range_end=b"\0", prev_kv=True))
    assert isinstance(response, DeleteRangeResponse)
    assert [(kv.key, kv.value, kv.mod_revision) for kv in response.prev_kvs] == [
        (b"a", b"1", 2),
        (b"b", b"2", 3),
    ]


def test_the_previous_value_comes_with_a_put_that_asks(store: Store) -> None:
    put(store, b"k", b"old")
    response = store.apply(PutRequest(key=b"k", value=b"new", prev_kv=True))
    assert response == PutResponse(
        header=header(3),
        prev_kv=KeyValue(key=b"k", value=b"old", create_revision=2, mod_revision=2, version=1),
    )


def test_no_previous_value_comes_when_there_was_none(store: Store) -> None:
    response = store.apply(PutRequest(key=b"k", prev_kv=True))
    assert isinstance(response, PutResponse)
    assert not response.HasField("prev_kv")


def test_a_put_that_ignores_its_value_keeps_the_old_one(store: Store) -> None:
    put(store, b"k", b"kept")
    apply(store, PutRequest(key=b"k", ignore_value=True))
    assert [(kv.value, kv.version) for kv in get(store, b"k")] == [(b"kept", 2)]


@pytest.mark.parametrize(
    "request_",
    [PutRequest(key=b"k", ignore_value=True), PutRequest(key=b"k", ignore_lease=True)],
    ids=["ignore_value", "ignore_lease"],
)
def test_there_must_be_something_to_keep(store: Store, request_: PutRequest) -> None:
    assert store.apply(request_) == KEY_NOT_FOUND
    assert store.revision == 1


def test_a_lease_that_was_never_granted_is_not_found(store: Store) -> None:
    assert store.apply(PutRequest(key=b"k", lease=7)) == LEASE_NOT_FOUND
    assert store.revision == 1


def test_a_put_names_the_missing_lease_before_the_missing_key(store: Store) -> None:
    request = PutRequest(key=b"k", lease=7, ignore_value=True)
    assert store.apply(request) == LEASE_NOT_FOUND


def test_a_range_can_be_applied_as_a_command(store: Store) -> None:
    put(store, b"k")
    request = RangeRequest(key=b"k")
    assert store.apply(request) == store.read(request)


def test_a_transaction_that_may_write_is_no_read(store: Store) -> None:
    request = TxnRequest()
    request.failure.add().request_put.key = b"k"
    with pytest.raises(AssertionError, match="goes through the log"):
        store.read(request)


def test_a_store_takes_up_where_its_backend_ends() -> None:
    backend = MemoryBackend()
    first = Store(backend, StoreConfig())
    put(first, b"k", b"1")
    delete(first, b"k")
    put(first, b"k", b"2")
    second = Store(backend, StoreConfig())
    assert (second.revision, second.hash()) == (4, first.hash())
    assert get(second, b"k") == get(first, b"k")
    assert get(second, b"k", revision=2) == get(first, b"k", revision=2)


def test_a_crash_takes_the_store_back_to_the_commit() -> None:
    backend = MemoryBackend()
    store = Store(backend, StoreConfig())
    put(store, b"kept")
    backend.commit(backend.seal(Applied(LogIndex(1), Term(1))))
    put(store, b"lost")
    backend.crash()
    survivor = Store(backend, StoreConfig())
    assert (survivor.revision, backend.applied.index) == (2, 1)
    assert get(survivor, b"lost") == []


def test_stores_that_saw_the_same_have_the_same_hash() -> None:
    one, other = Store(MemoryBackend(), StoreConfig()), Store(MemoryBackend(), StoreConfig())
    put(one, b"k", b"v")
    put(other, b"k", b"v")
    assert one.hash() == other.hash()


def test_stores_that_saw_the_same_in_another_order_have_other_hashes() -> None:
    one, other = Store(MemoryBackend(), StoreConfig()), Store(MemoryBackend(), StoreConfig())
    put(one, b"k", b"v")
    put(one, b"l", b"v")
    put(other, b"l", b"v")
    put(other, b"k", b"v")
    assert one.hash() != other.hash()


def test_a_delete_changes_the_hash(store: Store) -> None:
    put(store, b"k")
    before = store.hash()
    delete(store, b"k")
    assert store.hash() != before


def test_reads_and_empty_commands_leave_the_hash(store: Store) -> None:
    put(store, b"k")
    before = store.hash()
    get(store, b"k")
    delete(store, b"absent")
    assert store.hash() == before
