"""A store is hashed as it was when it was asked for, while it goes on."""

import asyncio
from pathlib import Path

import pytest

from nodeimpl.api.errors import FUTURE_REVISION
from nodeimpl.api.rpc_pb2 import CompactionRequest, DeleteRangeRequest, PutRequest
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.store_hash import STEP_ROWS, StoreHash
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.hashing import hash_of
from nodeimpl.storage.lmdb_backend import LmdbBackend

NOW = Revision(0)


@pytest.fixture
def backend(tmp_path: Path) -> LmdbBackend:
    return LmdbBackend(tmp_path / "db")


def filled(backend: LmdbBackend) -> Store:
    """Return a store of rows for several steps, half of them committed."""
    store = Store(backend, StoreConfig(compaction_batch_rows=STEP_ROWS))
    for number in range(3 * STEP_ROWS):
        store.apply(PutRequest(key=b"%d" % (number % 700), value=b"v"))
        if number == STEP_ROWS:
            backend.commit(backend.seal(Applied(LogIndex(1), Term(1))))
    store.apply(DeleteRangeRequest(key=b"1", range_end=b"2"))
    return store


@pytest.mark.parametrize("is_compacting", [False, True])
def test_what_is_written_meanwhile_does_not_count(
    backend: LmdbBackend, *, is_compacting: bool
) -> None:
    store = filled(backend)
    if is_compacting:
        store.apply(CompactionRequest(revision=store.revision - 100))
        store.compact_step()
    expected = store.hash_at(NOW)

    async def go_on() -> None:
        for number in range(20):
            store.apply(PutRequest(key=b"%d" % number, value=b"later"))
            store.apply(DeleteRangeRequest(key=b"6", range_end=b"7"))
            store.apply(CompactionRequest(revision=store.revision))
            store.compact_step()
            backend.commit(backend.seal(Applied(LogIndex(number + 2), Term(1))))
            await asyncio.sleep(0)

    async def story() -> tuple[StoreHash, bool]:
        going = asyncio.ensure_future(go_on())
        found = await hash_of(store, NOW)
        was_under_way = not going.done() and store.revision > found.revision
        await going
        return found, was_under_way

    assert asyncio.run(story()) == (expected, True)


def test_what_has_no_hash_is_an_error(backend: LmdbBackend) -> None:
    store = Store(backend, StoreConfig())
    with pytest.raises(ApiFailure) as failure:
        asyncio.run(hash_of(store, Revision(2)))
    assert failure.value.error is FUTURE_REVISION
