"""Planted bugs in watches (etcd, api_guarantees: Watch APIs), some of which etcd has had."""

from collections.abc import Iterator, Sequence

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import WatchCreateRequest, WatchResponse
from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_index import KeyIndex
from nodeimpl.mvcc.rows import ChangeId
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.watch.changes import Batch, previous_kv, read_batch
from nodeimpl.mvcc.watch.hub import WatchHub, first_revision, has_come_to, wants
from nodeimpl.mvcc.watch.responses import compacted, fragments
from nodeimpl.mvcc.watch.watchers import Watcher, WatcherSet


def _skip_what_is_compacted(hub: WatchHub, watchers: Sequence[Watcher]) -> None:
    for watcher in watchers:
        if not watcher.is_synced:
            watcher.next_revision = max(watcher.next_revision, hub._compacted)


def _cancel_at_compaction_too(hub: WatchHub, watchers: Sequence[Watcher]) -> None:
    for watcher in watchers:
        if not watcher.is_synced and watcher.next_revision <= hub._compacted:
            hub._drop(watcher)
            hub._send(watcher.stream, compacted(hub._compacted, watcher.watch_id))


def _kept_without_tombstone(key_index: KeyIndex, at: Revision) -> ChangeId:
    for generation in key_index.generations[:-1]:
        if generation.mains[-1] > at:
            return generation.kept_from(at)
    return key_index.generations[-1].kept_from(at)


_tell = WatchHub._tell


def _tell_and_forget(hub: WatchHub, watchers: WatcherSet, batch: Batch) -> dict[Watcher, None]:
    """Count those who had no room as served."""
    _tell(hub, watchers, batch)
    return {}


def _read_to_the_row(state: StoreState, since: Revision, *, rows_max: int, bytes_max: int) -> Batch:
    """End a batch of history at a row, and go on behind its revision."""
    batch = read_batch(state, since, rows_max=rows_max, bytes_max=bytes_max)
    return Batch(batch.changes[:rows_max], batch.until)


def _pieces_that_do_not_say_so(whole: WatchResponse, bytes_max: int) -> Iterator[WatchResponse]:
    for piece in fragments(whole, bytes_max):
        piece.fragment = False
        yield piece


def _from_now_at_the_latest(request: WatchCreateRequest, told: Revision) -> Revision:
    return min(first_revision(request, told), Revision(told + 1))


def _has_begun(watcher: Watcher, revision: Revision) -> bool:
    return watcher.start_revision <= revision


def _is_synced(watcher: Watcher, revision: Revision) -> bool:
    del revision
    return watcher.is_synced


def _present_kv(state: StoreState, kv: KeyValue, revision: Revision) -> KeyValue | None:
    """Return what holds now in the place of what held before."""
    if kv.create_revision == revision:
        return None
    found = state.index.find(kv.key, state.revision)
    return None if found is None else KeyValue.FromString(state.record(found))


def _wants_every_kind(watcher: Watcher, revision: Revision, *, is_delete: bool) -> bool:
    del is_delete
    return revision >= watcher.next_revision


def _drop_and_serve_on(hub: WatchHub, watcher: Watcher) -> None:
    del watcher.stream.watchers[watcher.watch_id]
    hub._watcher_count -= 1


def _resynced(hub: WatchHub, state: StoreState, since: Revision) -> None:
    """Put another store in the place of the one before, and read on from `since`."""
    hub._state = state
    hub._told = max(hub._told, state.revision)
    for stream in hub.streams.values():
        for watcher in stream.watchers.values():
            if watcher.is_synced:
                hub._displace(watcher)
                watcher.next_revision = max(watcher.start_revision, since)
                hub._place(watcher)


def _restored_without_resync(hub: WatchHub, state: StoreState) -> None:
    hub._state = state
    hub._told = max(hub._told, state.revision)


def _restored_back_in_time(hub: WatchHub, state: StoreState) -> None:
    _resynced(hub, state, max(Revision(1), state.compaction.revision))


def _restored_with_overlap(hub: WatchHub, state: StoreState) -> None:
    _resynced(hub, state, hub._told)


MUTANTS = (
    Mutant(
        name="watch-skips-what-is-compacted",
        workloads=("watch",),
        breaks="etcd api: a watcher that lacks compacted revisions is canceled with "
        "compact_revision; going on behind them loses events without a word",
        patches=(patch(WatchHub._cancel_compacted, _skip_what_is_compacted),),
    ),
    Mutant(
        name="watch-canceled-at-the-compacted-revision",
        workloads=("watch",),
        breaks="etcd api: compact_revision is the first that can still be watched; a watcher from "
        "there on is not canceled",
        patches=(patch(WatchHub._cancel_compacted, _cancel_at_compaction_too),),
    ),
    Mutant(
        name="delete-at-the-compacted-revision-lost",
        workloads=("watch",),
        breaks="etcd #18089: a tombstone of the very revision compacted stays, for a watch from "
        "there must deliver it",
        patches=(patch(KeyIndex.kept_from, _kept_without_tombstone),),
    ),
    Mutant(
        name="slow-watcher-loses-events",
        workloads=("watch",),
        breaks="etcd #17529, api_guarantees: Reliable; what a full stream has no room for is "
        "delivered later, not dropped",
        patches=(patch(WatchHub._tell, _tell_and_forget),),
    ),
    Mutant(
        name="watch-batch-splits-a-revision",
        workloads=("watch",),
        breaks="etcd api_guarantees: Atomic; a batch of history ends with a revision, or what is "
        "left of that is lost",
        patches=(patch(read_batch, _read_to_the_row),),
    ),
    Mutant(
        name="fragments-not-marked",
        workloads=("watch",),
        breaks="etcd api: all fragments of a response but the last say that there is more; who is "
        "not told takes a part of a revision for the whole",
        patches=(patch(fragments, _pieces_that_do_not_say_so),),
    ),
    Mutant(
        name="watch-of-the-future-begins-now",
        workloads=("watch",),
        breaks="etcd #20221: a watcher that starts at a revision to come gets no event before it",
        patches=(patch(first_revision, _from_now_at_the_latest),),
    ),
    Mutant(
        name="progress-ahead-of-events",
        workloads=("watch",),
        breaks="etcd api_guarantees: Bookmarkable; progress is told when all events before it were "
        "delivered, so not to a watcher that is behind",
        patches=(patch(has_come_to, _has_begun),),
    ),
    Mutant(
        name="progress-before-the-start",
        workloads=("watch",),
        breaks="etcd #20221: a watcher that starts at a revision to come is told of no progress "
        "before it, or it will be resumed too early",
        patches=(patch(has_come_to, _is_synced),),
    ),
    Mutant(
        name="prev-kv-of-the-present",
        workloads=("watch",),
        breaks="etcd api: prev_kv is the key as it was before the event, not as it is when the "
        "event is sent",
        patches=(patch(previous_kv, _present_kv),),
    ),
    Mutant(
        name="watch-filters-ignored",
        workloads=("watch",),
        breaks="etcd api: NOPUT and NODELETE leave out their kind of event",
        patches=(patch(wants, _wants_every_kind),),
    ),
    Mutant(
        name="canceled-watcher-goes-on",
        workloads=("watch",),
        breaks="etcd api: after a response with canceled nothing comes under its watch id",
        patches=(patch(WatchHub._drop, _drop_and_serve_on),),
    ),
    Mutant(
        name="watchers-unaware-of-a-snapshot",
        workloads=("watch",),
        breaks="etcd api_guarantees: Reliable; what happened between a store and the snapshot that "
        "replaces it is told, too",
        patches=(patch(WatchHub.restored, _restored_without_resync),),
    ),
    Mutant(
        name="watch-back-in-time-after-a-snapshot",
        workloads=("watch",),
        breaks="etcd #15271: after a snapshot has replaced the store a watcher goes on from its "
        "own next revision, not from the oldest one there is",
        patches=(patch(WatchHub.restored, _restored_back_in_time),),
    ),
    Mutant(
        name="watch-repeats-an-event-after-a-snapshot",
        workloads=("watch",),
        breaks="etcd api_guarantees: Unique; a watcher that reads on after a snapshot begins "
        "behind the last revision it was told of",
        patches=(patch(WatchHub.restored, _restored_with_overlap),),
    ),
)
