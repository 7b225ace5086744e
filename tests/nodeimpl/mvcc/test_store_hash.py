"""The hash of what a store holds at a revision (etcd, api: HashKV)."""

import pytest

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import CompactionRequest, DeleteRangeRequest, PutRequest
from nodeimpl.config import StoreConfig
from nodeimpl.ids import Revision
from nodeimpl.mvcc.rows import put_row
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.store_hash import StoreHash
from nodeimpl.storage.memory_backend import MemoryBackend


def filled(*, batch_rows: int = 1) -> Store:
    """K is put at 2, 3, 4; gone is put at 5 and deleted at 6; l is put at 7."""
    store = Store(MemoryBackend(), StoreConfig(compaction_batch_rows=batch_rows))
    store.apply(PutRequest(key=b"k", value=b"2"))
    store.apply(PutRequest(key=b"k", value=b"3"))
    store.apply(PutRequest(key=b"k", value=b"4"))
    store.apply(PutRequest(key=b"gone"))
    store.apply(DeleteRangeRequest(key=b"gone"))
    store.apply(PutRequest(key=b"l"))
    return store


def hash_at(store: Store, revision: int) -> StoreHash:
    found = store.hash_at(Revision(revision))
    assert isinstance(found, StoreHash)
    return found


def test_zero_means_the_present() -> None:
    store = filled()
    assert hash_at(store, 0) == hash_at(store, 7)
    assert (hash_at(store, 0).revision, hash_at(store, 0).compact_revision) == (7, -1)


def test_a_new_store_has_a_hash() -> None:
    store = Store(MemoryBackend(), StoreConfig())
    assert hash_at(store, 0) == StoreHash(Revision(1), Revision(-1), 0)


def test_every_revision_has_its_own() -> None:
    store = filled()
    assert len({hash_at(store, revision).hash for revision in range(1, 8)}) == 7


def test_the_future_has_no_hash() -> None:
    assert filled().hash_at(Revision(8)) == FUTURE_REVISION


def test_what_was_compacted_has_no_hash_but_the_revision_compacted_has() -> None:
    store = filled()
    store.apply(CompactionRequest(revision=4))
    assert store.hash_at(Revision(3)) == COMPACTED
    assert hash_at(store, 4).compact_revision == 4


def test_later_changes_leave_the_hash_of_a_revision() -> None:
    store = filled()
    before = hash_at(store, 4)
    store.apply(DeleteRangeRequest(key=b"k"))
    assert hash_at(store, 4) == before


@pytest.mark.parametrize("compacted", range(2, 8))
def test_removal_leaves_every_hash(compacted: int) -> None:
    store = filled(batch_rows=1)
    store.apply(CompactionRequest(revision=compacted))
    scheduled = [hash_at(store, revision) for revision in range(compacted, 8)]
    while store.compact_step():
        assert [hash_at(store, revision) for revision in range(compacted, 8)] == scheduled
    assert [hash_at(store, revision) for revision in range(compacted, 8)] == scheduled


def test_stores_compacted_at_the_same_revision_on_different_ways_have_the_same() -> None:
    straight, winding = filled(), filled(batch_rows=2)
    straight.apply(CompactionRequest(revision=6))
    for revision in (2, 4, 6):
        winding.apply(CompactionRequest(revision=revision))
        winding.compact_step()
    assert hash_at(straight, 7) == hash_at(winding, 7)


@pytest.mark.parametrize("main", [4, 7])
def test_a_row_spoilt_in_the_backend_shows(main: int) -> None:
    healthy, spoilt = filled(), filled()
    for store in (healthy, spoilt):
        store.apply(CompactionRequest(revision=4))
    row = put_row(Revision(main), 0)
    kv = KeyValue.FromString(spoilt.state.backend.get(row) or b"")
    kv.value = b"spoilt"
    spoilt.state.backend.put(row, kv.SerializeToString())
    assert spoilt.hash() == healthy.hash()
    assert hash_at(spoilt, 0).hash != hash_at(healthy, 0).hash


def test_a_row_that_should_have_stayed_shows() -> None:
    healthy, spoilt = filled(), filled()
    spoilt.state.backend.delete(put_row(Revision(4), 0))
    assert hash_at(spoilt, 0).hash != hash_at(healthy, 0).hash
