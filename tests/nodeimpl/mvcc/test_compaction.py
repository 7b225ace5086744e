"""Compaction and its errors (etcd, learning/data_model; api: Compact)."""

import pytest

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.invariants import check_reloaded, check_store
from nodeimpl.mvcc.rows import (
    CHANGES_END,
    CHANGES_START,
    CompactionMark,
    tombstone_row,
    write_compaction_mark,
)
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


# ------------------------------------------------------------------------------------- in batches


def in_batches_of(rows: int, backend: MemoryBackend) -> Store:
    """Return a store that looks at so many rows in a step, on what the backend holds."""
    return Store(backend, StoreConfig(compaction_batch_rows=rows))


def remove_all(store: Store) -> None:
    while store.compact_step():
        pass


def test_nothing_is_removed_before_the_first_step(store: Store, backend: MemoryBackend) -> None:
    schedule(store, 7)
    assert (store.is_compacting, store.finished_compact_revision) == (True, -1)
    assert change_count(backend) == 6


def test_reads_before_the_compaction_fail_at_once(store: Store) -> None:
    schedule(store, 4)
    assert store.read(RangeRequest(key=b"k", revision=3)) == COMPACTED


def test_a_step_without_work_says_so_and_does_nothing(store: Store, backend: MemoryBackend) -> None:
    assert not store.compact_step()
    assert change_count(backend) == 6


@pytest.mark.usefixtures("store")
def test_a_batch_looks_at_so_many_rows(backend: MemoryBackend) -> None:
    lazy = in_batches_of(2, backend)
    schedule(lazy, 7)
    left = []
    while lazy.compact_step():
        left.append(change_count(backend))
    assert left == [4, 3, 2]  # k@2, k@3; gone@5; its tombstone. The last step finds no row.
    assert not lazy.is_compacting
    assert lazy.finished_compact_revision == 7


def test_what_can_be_read_reads_the_same_between_all_batches(
    store: Store, backend: MemoryBackend
) -> None:
    before = {revision: values(store, revision) for revision in (4, 5, 6, 7)}
    lazy = in_batches_of(1, backend)
    schedule(lazy, 4)
    while lazy.compact_step():
        assert {revision: values(lazy, revision) for revision in (4, 5, 6, 7)} == before
    assert {revision: values(lazy, revision) for revision in (4, 5, 6, 7)} == before


@pytest.mark.usefixtures("store")
def test_a_compaction_scheduled_meanwhile_has_its_turn_afterwards(backend: MemoryBackend) -> None:
    lazy = in_batches_of(3, backend)
    schedule(lazy, 4)
    assert lazy.compact_step()
    schedule(lazy, 7)
    assert lazy.compact_step()
    assert lazy.finished_compact_revision == 4
    remove_all(lazy)
    assert (lazy.finished_compact_revision, change_count(backend)) == (7, 2)


@pytest.mark.usefixtures("store")
def test_what_is_put_meanwhile_stays(backend: MemoryBackend) -> None:
    lazy = in_batches_of(1, backend)
    schedule(lazy, 7)
    lazy.compact_step()
    lazy.apply(PutRequest(key=b"k", value=b"8"))
    remove_all(lazy)
    assert values(lazy, 7) == [(b"k", b"4"), (b"l", b"")]
    assert values(lazy, 8) == [(b"k", b"8"), (b"l", b"")]


@pytest.mark.usefixtures("store")
def test_a_restart_goes_on_with_the_removal(backend: MemoryBackend) -> None:
    lazy = in_batches_of(2, backend)
    schedule(lazy, 7)
    lazy.compact_step()
    restarted = in_batches_of(2, backend)
    assert restarted.is_compacting
    remove_all(restarted)
    assert change_count(backend) == 2
    assert not in_batches_of(2, backend).is_compacting


def test_a_batch_may_end_between_the_changes_of_one_revision(backend: MemoryBackend) -> None:
    store = in_batches_of(1, backend)
    for key in (b"a", b"b", b"c"):
        store.apply(PutRequest(key=key))
    store.apply(DeleteRangeRequest(key=b"a", range_end=b"z"))
    store.apply(PutRequest(key=b"d"))
    schedule(store, 6)
    remove_all(store)
    check_store(store.state)
    assert change_count(backend) == 1


@pytest.mark.parametrize("revision", [3, 5, 6, 7])
@pytest.mark.usefixtures("store")
def test_a_restart_finds_the_index_as_removal_left_it(
    backend: MemoryBackend, revision: int
) -> None:
    lazy = in_batches_of(1, backend)
    schedule(lazy, revision)
    while lazy.compact_step():
        check_reloaded(lazy.state, in_batches_of(1, backend).state)
    check_reloaded(lazy.state, in_batches_of(1, backend).state)


def test_a_crash_between_scheduling_and_its_commit_leaves_no_half_of_it(
    store: Store, backend: MemoryBackend
) -> None:
    backend.commit(backend.seal(Applied(LogIndex(6), Term(1))))
    schedule(store, 7)
    store.compact_step()
    backend.crash()
    restarted = Store(backend, StoreConfig())
    assert (restarted.compact_revision, restarted.is_compacting) == (-1, False)
    assert change_count(backend) == 6


@pytest.mark.parametrize("steps", range(8))
def test_the_tombstone_at_the_compacted_revision_survives_a_crash_anywhere(
    backend: MemoryBackend, steps: int
) -> None:
    """Etcd #18089, and #19179: the same after a crash in the middle of the removal.

    Whoever watches from the compacted revision must still be told of the delete.
    """
    store = in_batches_of(1, backend)
    store.apply(PutRequest(key=b"a"))
    store.apply(DeleteRangeRequest(key=b"a"))
    store.apply(PutRequest(key=b"b"))
    schedule(store, 3)
    for _ in range(steps):
        store.compact_step()
    backend.commit(backend.seal(Applied(LogIndex(4), Term(1))))
    store.compact_step()
    backend.crash()
    restarted = in_batches_of(1, backend)
    remove_all(restarted)
    check_store(restarted.state)
    assert backend.get(tombstone_row(Revision(3), 0)) is not None
    assert change_count(backend) == 2


@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("batch_rows", [1, 2, 4])
def test_the_revision_does_not_go_back_when_all_is_deleted_and_compacted(
    backend: MemoryBackend, batch_rows: int, steps: int
) -> None:
    """Etcd #17780: puts, as many deletes, an exact multiple of the batch, a crash in between."""
    store = in_batches_of(batch_rows, backend)
    for key in (b"a", b"b"):
        store.apply(PutRequest(key=key))
    for key in (b"a", b"b"):
        store.apply(DeleteRangeRequest(key=key))
    schedule(store, 5)
    for _ in range(steps):
        store.compact_step()
    backend.commit(backend.seal(Applied(LogIndex(5), Term(1))))
    backend.crash()
    restarted = in_batches_of(batch_rows, backend)
    assert (restarted.revision, restarted.hash()) == (5, store.hash())
    remove_all(restarted)
    assert in_batches_of(batch_rows, backend).revision == 5
    assert restarted.apply(PutRequest(key=b"c")) == PutResponse(header=ResponseHeader(revision=6))


def test_the_revision_does_not_go_back_even_if_no_row_is_left(backend: MemoryBackend) -> None:
    """Etcd #17780, found in the data of a version that removed the last tombstone."""
    write_compaction_mark(backend, CompactionMark(Revision(201), Revision(201), 0))
    assert Store(backend, StoreConfig()).revision == 201


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
