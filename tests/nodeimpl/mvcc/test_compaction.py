"""Compaction and its errors (etcd, learning/data_model; api: Compact)."""

import pytest

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.rows import CHANGES_END, CHANGES_START
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def store(backend: MemoryBackend) -> Store:
    """K is put at 2, 3, 4; gone is put at 5 and deleted at 6; l is put at 7."""
    store = Store(backend, StoreConfig())
    store.apply(PutRequest(key=b"k", value=b"2"))
    store.apply(PutRequest(key=b"k", value=b"3"))
    store.apply(PutRequest(key=b"k", value=b"4"))
    store.apply(PutRequest(key=b"gone"))
    store.apply(DeleteRangeRequest(key=b"gone"))
    store.apply(PutRequest(key=b"l"))
    return store


def schedule(store: Store, revision: int) -> None:
    assert isinstance(store.apply(CompactionRequest(revision=revision)), CompactionResponse)


def compact(store: Store, revision: int) -> None:
    """Schedule a compaction and remove its rows, all of them in one batch."""
    schedule(store, revision)
    assert not store.compact_step()


def values(store: Store, revision: int) -> list[tuple[bytes, bytes]]:
    response = store.read(RangeRequest(key=b"\0", range_end=b"\0", revision=revision))
    assert isinstance(response, RangeResponse)
    return [(kv.key, kv.value) for kv in response.kvs]


def change_count(backend: MemoryBackend) -> int:
    return len(list(backend.scan(CHANGES_START, CHANGES_END)))


def test_a_compaction_is_no_change(store: Store) -> None:
    before = store.hash()
    response = store.apply(CompactionRequest(revision=3, physical=True))
    assert response == CompactionResponse(header=ResponseHeader(revision=7))
    assert (store.revision, store.compact_revision, store.hash()) == (7, 3, before)


def test_revisions_before_the_compaction_cannot_be_read(store: Store) -> None:
    compact(store, 4)
    assert store.read(RangeRequest(key=b"k", revision=3)) == COMPACTED


def test_the_revision_compacted_and_later_ones_read_as_before(store: Store) -> None:
    before = {revision: values(store, revision) for revision in (3, 4, 5, 6, 7)}
    compact(store, 3)
    assert {revision: values(store, revision) for revision in (3, 4, 5, 6, 7)} == before


@pytest.mark.parametrize(
    ("revision", "left"),
    [
        (2, 6),  # Only the put at 2 stands at 2 or before, and it holds there.
        (4, 4),  # The puts at 2 and 3 go.
        (5, 4),
        (6, 3),  # The put of gone goes; its tombstone holds at 6.
        (7, 2),  # The tombstone goes: k and l are left.
    ],
)
def test_superseded_changes_leave_the_backend(
    store: Store, backend: MemoryBackend, revision: int, left: int
) -> None:
    compact(store, revision)
    assert change_count(backend) == left


def test_what_was_compacted_cannot_be_compacted_again(store: Store) -> None:
    compact(store, 3)
    assert store.apply(CompactionRequest(revision=3)) == COMPACTED
    assert store.apply(CompactionRequest(revision=2)) == COMPACTED


def test_the_future_cannot_be_compacted(store: Store) -> None:
    assert store.apply(CompactionRequest(revision=8)) == FUTURE_REVISION
    assert store.compact_revision == -1


def test_revision_0_can_be_compacted_once(store: Store) -> None:
    compact(store, 0)
    assert store.apply(CompactionRequest(revision=0)) == COMPACTED


def test_a_negative_revision_was_always_compacted(store: Store) -> None:
    assert store.apply(CompactionRequest(revision=-1)) == COMPACTED


def test_a_restart_remembers_the_compaction(store: Store, backend: MemoryBackend) -> None:
    compact(store, 6)
    restarted = Store(backend, StoreConfig())
    assert (restarted.revision, restarted.compact_revision) == (7, 6)
    assert restarted.hash() == store.hash()
    assert values(restarted, 6) == values(store, 6)
    assert restarted.read(RangeRequest(key=b"k", revision=5)) == COMPACTED


def test_a_restart_keeps_version_and_create_revision_of_a_compacted_key(
    store: Store, backend: MemoryBackend
) -> None:
    compact(store, 7)
    restarted = Store(backend, StoreConfig())
    restarted.apply(PutRequest(key=b"k"))
    response = restarted.read(RangeRequest(key=b"k"))
    assert isinstance(response, RangeResponse)
    assert [(kv.create_revision, kv.version) for kv in response.kvs] == [(2, 4)]


def test_a_compaction_not_committed_is_undone_by_a_crash(
    store: Store, backend: MemoryBackend
) -> None:
    backend.commit(backend.seal(Applied(LogIndex(6), Term(1))))
    before = values(store, 3)
    compact(store, 7)
    backend.crash()
    restarted = Store(backend, StoreConfig())
    assert restarted.compact_revision == -1
    assert values(restarted, 3) == before


def test_stores_of_equal_revision_have_equal_hashes_whatever_they_compacted(store: Store) -> None:
    other = Store(MemoryBackend(), StoreConfig())
    other.apply(PutRequest(key=b"k", value=b"2"))
    other.apply(PutRequest(key=b"k", value=b"3"))
    compact(other, 3)
    other.apply(PutRequest(key=b"k", value=b"4"))
    other.apply(PutRequest(key=b"gone"))
    other.apply(DeleteRangeRequest(key=b"gone"))
    compact(other, 6)
    other.apply(PutRequest(key=b"l"))
    assert other.hash() == store.hash()
