"""Watches, promise by promise (etcd, api_guarantees: Watch APIs; v3rpc/watch.go)."""

import pytest

from nodeimpl.api.errors import PERMISSION_DENIED
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    PutRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.config import WatchConfig
from nodeimpl.ids import SECOND, Instant
from tests.nodeimpl.mvcc.watch.watching import Watching, in_short

ALL = WatchCreateRequest(key=b"\0", range_end=b"\0")


@pytest.fixture
def watching() -> Watching:
    """K is put at 2, 3 and 4, gone is put at 5 and deleted at 6."""
    watching = Watching()
    watching.put(b"k", b"k", b"k", b"gone")
    watching.delete(b"gone")
    return watching


def txn(*keys: bytes) -> TxnRequest:
    return TxnRequest(success=[RequestOp(request_put=PutRequest(key=key)) for key in keys])


# ------------------------------------------------------------ creation
def test_a_watcher_is_confirmed_with_the_revision_it_begins_behind(watching: Watching) -> None:
    [answer] = watching.create(ALL)
    assert (answer.created, answer.canceled, answer.watch_id) == (True, False, 0)
    assert answer.header.revision == 6


def test_ids_count_up_from_zero_and_leave_out_those_that_are_taken(watching: Watching) -> None:
    asked = [0, 2, 0, 0]
    ids = [watching.created(WatchCreateRequest(key=b"k", watch_id=watch_id)) for watch_id in asked]
    assert ids == [0, 2, 1, 3]


def test_an_id_that_is_taken_is_refused(watching: Watching) -> None:
    watching.created(WatchCreateRequest(key=b"k", watch_id=7))
    [answer] = watching.create(WatchCreateRequest(key=b"l", watch_id=7))
    assert (answer.created, answer.canceled, answer.watch_id) == (True, True, -1)
    assert answer.cancel_reason == "mvcc: duplicate watch ID provided on the WatchStream"


def test_an_empty_range_is_refused(watching: Watching) -> None:
    [answer] = watching.create(WatchCreateRequest(key=b"b", range_end=b"a"))
    assert (answer.created, answer.canceled, answer.watch_id) == (True, True, -1)
    assert answer.cancel_reason == "mvcc: watcher range is empty"


def test_a_watcher_that_is_not_permitted_is_refused(watching: Watching) -> None:
    watching.hub.ask(0, WatchRequest(create_request=ALL), refusal=PERMISSION_DENIED)
    [answer] = watching.serve()
    assert (answer.created, answer.canceled, answer.watch_id) == (True, True, -1)
    assert answer.cancel_reason == (
        "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
    )
    assert watching.put(b"k") == []


def test_watchers_over_the_limit_are_refused() -> None:
    watching = Watching(WatchConfig(watchers_max=1))
    watching.watch(b"k")
    [answer] = watching.create(ALL)
    assert answer.canceled
    assert answer.cancel_reason == (
        "rpc error: code = ResourceExhausted desc = etcdserver: too many requests"
    )


def test_a_request_that_asks_for_nothing_is_ignored(watching: Watching) -> None:
    watching.hub.ask(0, WatchRequest())
    assert watching.serve() == []


# ------------------------------------------------------------ which keys, from when on
def test_a_watcher_from_now_on_gets_what_comes(watching: Watching) -> None:
    watching.watch(b"k")
    watching.put(b"k")
    watching.delete(b"k")
    assert watching.told(0) == [("put", b"k", 7), ("delete", b"k", 8)]


def test_a_watcher_of_one_key_gets_no_other(watching: Watching) -> None:
    watching.watch(b"k")
    assert watching.put(b"j", b"k\0", b"l") == []


def test_a_watcher_of_a_range_gets_its_keys_without_the_end(watching: Watching) -> None:
    watching.created(WatchCreateRequest(key=b"b", range_end=b"d"))
    watching.put(b"a", b"b", b"c", b"d")
    assert watching.told(0) == [("put", b"b", 8), ("put", b"c", 9)]


def test_a_watcher_without_a_key_and_with_an_open_end_gets_all(watching: Watching) -> None:
    watching.created(WatchCreateRequest(range_end=b"\0"))
    watching.put(b"\0", b"z")
    assert watching.told(0) == [("put", b"\0", 7), ("put", b"z", 8)]


def test_a_watcher_of_the_past_gets_history_then_what_comes(watching: Watching) -> None:
    watching.watch(b"k", 3)
    watching.settle()
    watching.put(b"k")
    assert watching.told(0) == [("put", b"k", 3), ("put", b"k", 4), ("put", b"k", 7)]


def test_a_watcher_of_the_future_gets_nothing_before_it(watching: Watching) -> None:
    """See etcd #20221."""
    watching.watch(b"k", 9)
    watching.put(b"k", b"k", b"k", b"k")
    assert watching.told(0) == [("put", b"k", 9), ("put", b"k", 10)]


def test_a_put_event_bears_the_whole_key_a_delete_only_key_and_revision() -> None:
    watching = Watching()
    watching.watch(b"k")
    [put] = watching.put(b"k", value=b"v")
    [delete] = watching.delete(b"k")
    assert put.events[0].kv == KeyValue(
        key=b"k", value=b"v", create_revision=2, mod_revision=2, version=1
    )
    assert delete.events[0].kv == KeyValue(key=b"k", mod_revision=3)


def test_filters_leave_out_their_kind_of_event(watching: Watching) -> None:
    no_put = watching.created(
        WatchCreateRequest(key=b"gone", start_revision=1, filters=[WatchCreateRequest.NOPUT])
    )
    no_delete = watching.created(
        WatchCreateRequest(key=b"gone", start_revision=1, filters=[WatchCreateRequest.NODELETE])
    )
    watching.settle()
    assert watching.told(no_put) == [("delete", b"gone", 6)]
    assert watching.told(no_delete) == [("put", b"gone", 5)]


# ------------------------------------------------------------ what was before
def previous(responses: list[WatchResponse]) -> list[bytes | None]:
    return [
        event.prev_kv.value if event.HasField("prev_kv") else None
        for response in responses
        for event in response.events
    ]


def test_prev_kv_is_what_held_before_and_absent_at_creation() -> None:
    watching = Watching()
    watching.created(WatchCreateRequest(key=b"k", prev_kv=True))
    watching.put(b"k", value=b"1")
    watching.put(b"k", value=b"2")
    watching.delete(b"k")
    watching.put(b"k", value=b"3")
    assert previous(watching.received[0]) == [None, b"1", b"2", None]


def test_prev_kv_from_history_is_what_held_then() -> None:
    watching = Watching()
    for value in (b"1", b"2", b"3"):
        watching.put(b"k", value=value)
    watching.created(WatchCreateRequest(key=b"k", prev_kv=True, start_revision=3))
    watching.settle()
    assert previous(watching.received[0]) == [b"1", b"2"]


def test_prev_kv_that_is_compacted_is_absent() -> None:
    """rpc.proto: If the previous KV is already compacted, nothing will be returned."""
    watching = Watching()
    for value in (b"1", b"2", b"3"):
        watching.put(b"k", value=value)
    watching.compact(3)
    watching.created(WatchCreateRequest(key=b"k", prev_kv=True, start_revision=3))
    watching.settle()
    assert previous(watching.received[0]) == [None, b"2"]


def test_prev_kv_is_not_sent_to_who_did_not_ask(watching: Watching) -> None:
    watching.created(WatchCreateRequest(key=b"k", prev_kv=True))
    watching.watch(b"k")
    watching.put(b"k")
    assert [previous([response]) for response in watching.received[0]] == [[b""], [None]]


# ------------------------------------------------------------ atomic
def test_a_revision_comes_whole(watching: Watching) -> None:
    """api_guarantees: Atomic - a list of events encompasses complete revisions."""
    watching.created(ALL)
    [response] = watching.apply(txn(b"a", b"b", b"c"))
    assert in_short(response.events) == [("put", b"a", 7), ("put", b"b", 7), ("put", b"c", 7)]


def test_a_batch_of_history_ends_with_a_revision() -> None:
    watching = Watching(WatchConfig(batch_rows_max=2))
    watching.apply(txn(b"a", b"b", b"c"), txn(b"a", b"b"), txn(b"a", b"b"))
    watching.created(WatchCreateRequest(key=b"a", range_end=b"z", start_revision=1))
    watching.settle()
    revisions = [[each.kv.mod_revision for each in it.events] for it in watching.received[0]]
    assert revisions == [[2, 2, 2], [3, 3], [4, 4]]


def test_a_batch_of_history_ends_at_its_bytes_too() -> None:
    watching = Watching(WatchConfig(batch_bytes_max=10))
    watching.put(b"k", b"k", value=b"0123456789")
    watching.watch(b"k", 1)
    watching.settle()
    assert [len(response.events) for response in watching.received[0]] == [1, 1]


def test_only_a_watcher_that_allows_it_is_sent_fragments() -> None:
    watching = Watching(WatchConfig(fragment_bytes_max=40))
    watching.created(WatchCreateRequest(key=b"a", range_end=b"z", fragment=True))
    watching.created(WatchCreateRequest(key=b"a", range_end=b"z"))
    watching.apply(txn(b"a", b"b", b"c"))
    assert [
        (response.watch_id, response.fragment, len(response.events))
        for response in watching.received[0]
    ] == [(0, True, 2), (0, False, 1), (1, False, 3)]


# ------------------------------------------------------------ compaction
def test_a_watcher_from_before_the_compaction_is_canceled_with_its_revision(
    watching: Watching,
) -> None:
    watching.compact(4)
    created, end = watching.create(WatchCreateRequest(key=b"k", start_revision=3))
    assert (created.created, created.canceled) == (True, False)
    assert (end.canceled, end.compact_revision, end.watch_id) == (True, 4, 0)
    assert end.header.revision == 0  # As etcd.
    assert watching.put(b"k") == []


def test_a_watcher_from_the_compaction_on_gets_what_holds_there(watching: Watching) -> None:
    watching.compact(4)
    watching.watch(b"k", 4)
    watching.settle()
    assert watching.told(0) == [("put", b"k", 4)]


def test_a_delete_at_the_compaction_revision_is_delivered(watching: Watching) -> None:
    """See etcd #18089, #19179."""
    watching.compact(6)
    watching.watch(b"gone", 6)
    watching.settle()
    assert watching.told(0) == [("delete", b"gone", 6)]


def test_a_delete_at_the_compaction_revision_is_delivered_after_a_restart(
    watching: Watching,
) -> None:
    """See etcd #19179."""
    watching.apply(CompactionRequest(revision=6))
    restarted = Watching(backend=watching.backend)
    while restarted.store.compact_step():
        pass
    restarted.watch(b"gone", 6)
    restarted.settle()
    assert restarted.told(0) == [("delete", b"gone", 6)]


def test_a_synced_watcher_outlives_a_compaction(watching: Watching) -> None:
    watching.watch(b"k")
    watching.compact(6)
    watching.put(b"k")
    assert watching.told(0) == [("put", b"k", 7)]


def test_what_is_applied_with_a_compaction_in_one_commit_is_told_before_it_goes(
    watching: Watching,
) -> None:
    watching.watch(b"k")
    watching.apply(PutRequest(key=b"k"), PutRequest(key=b"k"), CompactionRequest(revision=8))
    while watching.store.compact_step():
        pass
    assert watching.told(0) == [("put", b"k", 7), ("put", b"k", 8)]


def test_a_slow_watcher_that_compaction_passes_is_canceled() -> None:
    """See etcd #17529: no gap without a word."""
    watching = Watching(room_bytes=1)
    watching.watch(b"k")
    watching.put(b"k", b"k", b"k")
    [end] = watching.compact(4)
    assert (end.canceled, end.compact_revision) == (True, 4)
    watching.drained(1000)
    assert watching.put(b"k") == []


def test_a_watcher_without_room_for_what_came_with_a_compaction_is_canceled() -> None:
    """The swarm's seeds 228 and 507: it fell behind a compaction that had been noted already."""
    watching = Watching(room_bytes=1)
    watching.watch(b"k")
    [end] = watching.apply(
        PutRequest(key=b"k"),
        PutRequest(key=b"k"),
        PutRequest(key=b"k"),
        CompactionRequest(revision=4),
    )
    assert (end.canceled, end.compact_revision) == (True, 4)


def test_a_slow_watcher_at_the_compaction_revision_goes_on_from_there() -> None:
    watching = Watching(room_bytes=1)
    watching.watch(b"k")
    watching.put(b"k", b"k")
    watching.compact(2)
    watching.drained(1000)
    watching.settle()
    assert watching.told(0) == [("put", b"k", 2), ("put", b"k", 3)]


# ------------------------------------------------------------ slow clients
def test_a_stream_without_room_is_sent_no_events_until_it_has_some() -> None:
    watching = Watching(room_bytes=1)
    watching.watch(b"k")  # The answer takes the room.
    assert watching.put(b"k", b"k") == []
    watching.drained(1000)
    watching.settle()
    watching.put(b"k")
    assert watching.told(0) == [("put", b"k", 2), ("put", b"k", 3), ("put", b"k", 4)]


def test_a_stream_is_sent_one_response_over_its_room_at_most() -> None:
    watching = Watching(room_bytes=100)
    watching.watch(b"k")
    for _ in range(100):
        watching.put(b"k", value=b"0123456789" * 5)
    sizes = [response.ByteSize() for response in watching.received[0]]
    assert 100 < sum(sizes) + 10 < 100 + 2 * max(sizes)


def test_a_slow_stream_holds_no_other_up(watching: Watching) -> None:
    watching.open(1, room_bytes=1)
    watching.watch(b"k", stream=1)
    watching.watch(b"k")
    watching.put(b"k")
    assert watching.told(0) == [("put", b"k", 7)]
    assert watching.received[1] == []


def test_watchers_of_a_slow_stream_take_turns() -> None:
    watching = Watching(WatchConfig(batch_rows_max=1), room_bytes=1)
    watching.put(b"k", b"k", b"k")
    first, second = watching.watch(b"k", 1), watching.watch(b"k", 1)
    for _ in range(5):  # Room for one response at a time.
        watching.drained(1 - watching.hub.streams[0].room_bytes)
        watching.settle()
    assert len(watching.told(first)) - len(watching.told(second)) in {0, 1}
    assert len(watching.told(first)) + len(watching.told(second)) == 5


def test_counts_tell_how_many_are_behind() -> None:
    watching = Watching(room_bytes=1)
    watching.watch(b"k")
    watching.put(b"k")
    watching.watch(b"l")
    assert (watching.hub.watcher_count, watching.hub.lagging_count) == (2, 1)


def test_one_call_reads_one_batch_of_history() -> None:
    watching = Watching(WatchConfig(batch_rows_max=2))
    watching.put(*(b"k" for _ in range(7)))
    watching.watch(b"k", 1)
    assert [len(watching.serve()[0].events) for _ in range(3)] == [2, 2, 1]
    assert watching.hub.deadline is None


# ------------------------------------------------------------ the end
def test_a_canceled_watcher_is_confirmed_and_gets_nothing_more(watching: Watching) -> None:
    watching.watch(b"k")
    [end] = watching.cancel(0)
    assert (end.canceled, end.created, end.watch_id, end.compact_revision) == (True, False, 0, 0)
    assert watching.put(b"k") == []


def test_to_cancel_who_is_not_there_is_not_answered(watching: Watching) -> None:
    assert watching.cancel(3) == []


def test_a_closed_stream_gets_nothing_more(watching: Watching) -> None:
    watching.watch(b"k")
    watching.hub.close(0)
    assert watching.put(b"k") == []
    assert not watching.hub.streams
    assert watching.hub.watcher_count == 0


def test_what_comes_late_for_a_closed_stream_is_ignored(watching: Watching) -> None:
    watching.hub.close(0)
    watching.drained(10)
    watching.hub.ask(0, WatchRequest(create_request=ALL))
    watching.hub.close(0)
    assert watching.serve() == []


def test_who_may_no_longer_read_is_canceled(watching: Watching) -> None:
    watching.hub.ask(0, WatchRequest(create_request=ALL), user="alice")
    watching.hub.ask(0, WatchRequest(create_request=ALL), user="bob")
    watching.serve()
    watching.hub.recheck(lambda user, _: PERMISSION_DENIED if user == "bob" else None)
    [end] = watching.serve()
    assert (end.canceled, end.watch_id) == (True, 1)
    assert end.cancel_reason == (
        "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
    )


# ------------------------------------------------------------ progress
def test_a_request_for_progress_is_answered_with_the_present_revision(watching: Watching) -> None:
    watching.watch(b"k")
    [answer] = watching.ask_progress()
    assert (answer.watch_id, answer.header.revision) == (-1, 6)
    assert (len(answer.events), answer.created, answer.canceled) == (0, False, False)


def test_progress_is_not_told_before_every_event_is() -> None:
    """api_guarantees: Bookmarkable."""
    watching = Watching(room_bytes=1)
    watching.watch(b"k")
    watching.put(b"k")
    assert watching.ask_progress() == []
    watching.drained(1000)
    watching.settle()
    told = [
        (response.watch_id, len(response.events), response.header.revision)
        for response in watching.received[0]
    ]
    assert told == [(0, 1, 2), (-1, 0, 2)]


def test_progress_comes_behind_the_events_it_tells_of() -> None:
    watching = Watching(WatchConfig(batch_rows_max=2))
    watching.put(*(b"k" for _ in range(5)))
    watching.created(WatchCreateRequest(key=b"k", start_revision=1))
    watching.ask_progress()
    watching.settle()
    assert [(response.watch_id, len(response.events)) for response in watching.received[0]] == [
        (0, 2),
        (0, 2),
        (0, 1),
        (-1, 0),
    ]


def test_no_progress_before_the_start_of_a_watcher_of_the_future(watching: Watching) -> None:
    """See etcd #20221."""
    watching.watch(b"k", 8)
    assert watching.ask_progress() == []
    assert watching.put(b"l") == []
    [answer] = watching.put(b"l")
    assert (answer.watch_id, answer.header.revision) == (-1, 8)


def notified() -> Watching:
    return Watching(WatchConfig(progress_interval_ns=SECOND))


def test_an_idle_watcher_is_told_of_progress_in_every_interval() -> None:
    watching = notified()
    watching.created(WatchCreateRequest(key=b"k", progress_notify=True))
    watching.put(b"l")
    assert watching.hub.deadline == SECOND
    watching.now = Instant(SECOND)
    [notification] = watching.serve()
    assert (notification.watch_id, notification.header.revision) == (0, 2)
    assert watching.hub.deadline == 2 * SECOND


def test_a_watcher_that_had_events_is_left_out_once() -> None:
    watching = notified()
    watching.created(WatchCreateRequest(key=b"k", progress_notify=True))
    watching.put(b"k")
    watching.now = Instant(SECOND)
    assert watching.serve() == []
    watching.now = Instant(2 * SECOND)
    assert len(watching.serve()) == 1


def test_progress_of_its_own_is_told_to_those_that_wish_it_and_have_begun() -> None:
    """See etcd #20221."""
    watching = notified()
    watching.created(WatchCreateRequest(key=b"k", progress_notify=True, start_revision=10))
    watching.watch(b"k")
    watching.now = Instant(SECOND)
    assert watching.serve() == []


def test_no_time_is_kept_for_nobody() -> None:
    watching = notified()
    watching.created(WatchCreateRequest(key=b"k", progress_notify=True))
    watching.cancel(0)
    assert watching.hub.deadline is None


# ------------------------------------------------------------ another store in its place
def test_watchers_go_on_from_their_own_revision_after_a_snapshot(watching: Watching) -> None:
    """See etcd #15271: none goes back in time, and none misses what the snapshot skipped."""
    watching.created(WatchCreateRequest(key=b"k"))
    watching.put(b"k")
    ahead = Watching()
    ahead.put(*(b"k" for _ in range(9)))
    watching.install(ahead, index=9)
    watching.settle()
    watching.put(b"k")
    assert watching.told(0) == [("put", b"k", revision) for revision in (7, 8, 9, 10, 11)]


def test_a_watcher_of_the_future_gets_nothing_older_from_a_snapshot(watching: Watching) -> None:
    """See etcd #20221."""
    watching.watch(b"k", 9)
    ahead = Watching()
    ahead.put(*(b"k" for _ in range(9)))
    watching.install(ahead, index=9)
    watching.settle()
    assert watching.told(0) == [("put", b"k", 9), ("put", b"k", 10)]


def test_a_snapshot_that_is_compacted_beyond_a_watcher_cancels_it(watching: Watching) -> None:
    watching.watch(b"k")
    ahead = Watching()
    ahead.put(*(b"k" for _ in range(9)))
    ahead.compact(9)
    watching.install(ahead, index=9)
    [end] = watching.serve()
    assert (end.canceled, end.compact_revision) == (True, 9)
