"""Every invariant is broken once, and says so."""

import pytest

from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import CompactionRequest, DeleteRangeRequest, PutRequest
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LeaseId, Revision
from nodeimpl.mvcc.compaction import apply_compaction, remove_batch
from nodeimpl.mvcc.invariants import (
    Milestone,
    check_agreement,
    check_contents,
    check_reloaded,
    check_removal_step,
    check_step,
    check_store,
)
from nodeimpl.mvcc.key_index import Generation, KeyIndex
from nodeimpl.mvcc.rows import (
    FINISHED_ROW,
    CompactionMark,
    put_row,
    tombstone_row,
    write_compaction_mark,
    write_finished_revision,
)
from nodeimpl.mvcc.state import Removal, StoreState, load_state
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.store_hash import StoreHash
from nodeimpl.mvcc.writing import begin
from nodeimpl.storage.memory_backend import MemoryBackend


@pytest.fixture
def state() -> StoreState:
    """k: put at 2 and 3, deleted at 4, put at 5; compacted at 2."""
    store = Store(MemoryBackend(), StoreConfig())
    store.apply(PutRequest(key=b"k", value=b"2"))
    store.apply(PutRequest(key=b"k", value=b"3"))
    store.apply(DeleteRangeRequest(key=b"k"))
    store.apply(PutRequest(key=b"k", value=b"5"))
    store.apply(CompactionRequest(revision=2))
    return store.state


def history(state: StoreState) -> KeyIndex:
    return dict(state.index.histories())[b"k"]


def at(
    revision: int, *, compact_revision: int = -1, finished: int = -1, hash_: int = 0
) -> Milestone:
    return Milestone(Revision(revision), Revision(compact_revision), Revision(finished), hash_)


def replace_row(state: StoreState, main: int, kv: KeyValue) -> None:
    state.backend.put(put_row(Revision(main), 0), kv.SerializeToString())


def test_a_store_as_it_should_be_breaks_nothing(state: StoreState) -> None:
    check_store(state)


def test_a_missing_row_is_noticed(state: StoreState) -> None:
    state.backend.delete(put_row(Revision(3), 0))
    with pytest.raises(AssertionError, match=r"no row holds change 3\.0"):
        check_store(state)


def test_a_row_unknown_to_the_index_is_noticed(state: StoreState) -> None:
    state.backend.put(put_row(Revision(9), 0), b"")
    with pytest.raises(AssertionError, match="holds 5 changes, the index knows 4"):
        check_store(state)


@pytest.mark.parametrize(
    ("kv", "reason"),
    [
        (KeyValue(key=b"x", create_revision=2, mod_revision=3, version=2), "the row holds b'x'"),
        (KeyValue(key=b"k", create_revision=2, mod_revision=4, version=2), "the row says 4"),
        (KeyValue(key=b"k", create_revision=2, mod_revision=3, version=3), "expected 2"),
        (KeyValue(key=b"k", create_revision=3, mod_revision=3, version=2), "created at 3"),
        (KeyValue(key=b"k", create_revision=2, mod_revision=3), r"3\.0: version 0"),
    ],
    ids=["key", "mod_revision", "version", "create_revision", "no version"],
)
def test_a_row_that_differs_from_the_index_is_noticed(
    state: StoreState, kv: KeyValue, reason: str
) -> None:
    replace_row(state, 3, kv)
    with pytest.raises(AssertionError, match=reason):
        check_store(state)


def test_a_version_that_does_not_begin_with_1_is_noticed(state: StoreState) -> None:
    replace_row(state, 5, KeyValue(key=b"k", create_revision=5, mod_revision=5, version=4))
    with pytest.raises(AssertionError, match="version 4, expected 1"):
        check_store(state)


def test_an_index_with_another_version_is_noticed(state: StoreState) -> None:
    history(state).generations[-1].version = 7
    with pytest.raises(AssertionError, match="the index says created 5 version 7"):
        check_store(state)


def test_a_value_changed_in_place_is_noticed_by_the_hash(state: StoreState) -> None:
    writer = begin(state)
    writer.put(b"l", b"6", LeaseId(0))
    writer.finish()
    check_store(state)
    kv = KeyValue(key=b"l", create_revision=6, mod_revision=6, version=1, value=b"x")
    replace_row(state, 6, kv)
    with pytest.raises(AssertionError, match="but the rows add up to"):
        check_store(state)


def test_a_history_that_goes_back_is_noticed(state: StoreState) -> None:
    history(state).generations[-1].mains[0] = Revision(1)
    with pytest.raises(AssertionError, match="not forward"):
        check_store(state)


def test_an_empty_generation_in_the_middle_is_noticed(state: StoreState) -> None:
    history(state).generations.insert(1, Generation())
    with pytest.raises(AssertionError, match="not its last"):
        check_store(state)


def test_a_tombstone_taken_for_a_put_is_noticed(state: StoreState) -> None:
    key_index = history(state)
    last = key_index.generations.pop()
    key_index.generations[0].mains += last.mains
    key_index.generations[0].subs += last.subs
    key_index.generations[0].version += 1
    with pytest.raises(AssertionError, match=r"no row holds change 4\.0"):
        check_store(state)


def test_a_compaction_not_remembered_is_noticed(state: StoreState) -> None:
    state.compaction = CompactionMark(Revision(4), Revision(5), 0)
    with pytest.raises(AssertionError, match="but the row says"):
        check_store(state)


def test_a_tombstone_row_without_its_mark_is_noticed(state: StoreState) -> None:
    state.backend.delete(tombstone_row(Revision(4), 0))
    replace_row(state, 4, KeyValue(key=b"k", mod_revision=4))
    with pytest.raises(AssertionError, match=r"no row holds change 4\.0"):
        check_store(state)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (at(5), at(4), "revision 5 became 4"),
        (at(5), at(7), "revision 5 became 7"),
        (at(5, compact_revision=3), at(5), "fell from 3 to -1"),
        (at(5, hash_=1), at(5, hash_=2), "changed from 1 to 2 within revision 5"),
        (at(5), at(5, compact_revision=3, finished=3), "removal went from -1 to 3 within"),
    ],
    ids=["back", "two at once", "compaction back", "hash without revision", "removal"],
)
def test_a_step_that_cannot_be_is_noticed(before: Milestone, after: Milestone, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_step(before, after)


def test_a_step_may_write_one_revision_and_compact() -> None:
    check_step(at(5, hash_=1), at(6, hash_=2))
    check_step(at(5), at(5, compact_revision=4))


def test_stores_of_equal_revision_must_agree() -> None:
    check_agreement(at(5, hash_=1), at(6, hash_=2))
    check_agreement(at(5, compact_revision=2, hash_=1), at(5, hash_=1))
    with pytest.raises(AssertionError, match="at revision 5 have hashes 1 and 2"):
        check_agreement(at(5, hash_=1), at(5, hash_=2))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (at(5), at(6), "removal changed what can be read"),
        (at(5, compact_revision=3), at(5, compact_revision=4), "removal changed"),
        (at(5, hash_=1), at(5, hash_=2), "removal changed"),
        (at(5, finished=3), at(5, finished=2), "fell from 3 to 2"),
    ],
    ids=["revision", "compaction", "hash", "back"],
)
def test_a_batch_of_removal_that_does_more_is_noticed(
    before: Milestone, after: Milestone, reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_removal_step(before, after)


def test_a_batch_of_removal_may_be_the_last() -> None:
    check_removal_step(at(5, compact_revision=4), at(5, compact_revision=4, finished=4))


def test_stores_compacted_alike_must_hold_the_same() -> None:
    def holding(compact_revision: int, hash_: int) -> StoreHash:
        return StoreHash(Revision(5), Revision(compact_revision), hash_)

    check_contents(holding(2, 1), holding(3, 2))
    check_contents(holding(2, 1), holding(2, 1))
    with pytest.raises(AssertionError, match="hold at revision 5 what hashes to 1 and 2"):
        check_contents(holding(2, 1), holding(2, 2))


def test_a_store_that_comes_back_elsewhere_is_noticed(state: StoreState) -> None:
    reloaded = load_state(state.backend)
    check_reloaded(state, reloaded)
    reloaded.revision = Revision(4)
    with pytest.raises(AssertionError, match="came back at"):
        check_reloaded(state, reloaded)


def test_a_key_that_comes_back_another_is_noticed(state: StoreState) -> None:
    reloaded = load_state(state.backend)
    history(reloaded).generations[-1].version = 7
    with pytest.raises(AssertionError, match="b'k' was known as"):
        check_reloaded(state, reloaded)


def finish_removal(state: StoreState) -> None:
    while remove_batch(state, 1):
        pass
    check_store(state)


def test_a_row_that_should_be_gone_is_noticed(state: StoreState) -> None:
    finish_removal(state)
    write_compaction_mark(state.backend, CompactionMark(Revision(3), Revision(5), state.hash))
    write_finished_revision(state.backend, Revision(3))
    with pytest.raises(AssertionError, match=r"row \(2, 0\) is superseded at 3"):
        check_store(load_state(state.backend))


def test_a_removal_that_passed_a_row_over_is_noticed(state: StoreState) -> None:
    state.removal = Removal(until=Revision(2), next_row=put_row(Revision(4), 0))
    check_store(state)
    apply_compaction(state, CompactionRequest(revision=3))
    state.removal = Removal(until=Revision(3), next_row=put_row(Revision(4), 0))
    with pytest.raises(AssertionError, match=r"row \(2, 0\) is superseded at 3"):
        check_store(state)


def test_a_removal_that_was_forgotten_is_noticed(state: StoreState) -> None:
    state.removal = None
    with pytest.raises(AssertionError, match="compacted at 2, removal finished -1, left to do"):
        check_store(state)


def test_a_removal_beyond_what_was_scheduled_is_noticed(state: StoreState) -> None:
    state.removal = Removal(until=Revision(3))
    with pytest.raises(AssertionError, match="rows are removed for 3"):
        check_store(state)


def test_a_finish_not_remembered_is_noticed(state: StoreState) -> None:
    finish_removal(state)
    state.backend.delete(FINISHED_ROW)
    with pytest.raises(AssertionError, match="removal finished 2, but the row says None"):
        check_store(state)


def test_a_finish_before_the_schedule_is_noticed(state: StoreState) -> None:
    state.finished_compaction = Revision(3)
    write_finished_revision(state.backend, Revision(3))
    with pytest.raises(AssertionError, match="removal finished 3, scheduled was 2"):
        check_store(state)
