"""Each guarantee of watches: a run that breaks it, and that nothing else objects to."""

from collections.abc import Callable

import msgspec
import pytest

from checkers.history import OpType
from checkers.verdict import Answer
from checkers.watch.checker import GUARANTEES
from checkers.watch_history import Created, Delivery, Event, EventKind
from tests.checkers.watch.watched_store import WatchedStore, convictions


def _store(*values: str) -> WatchedStore:
    store = WatchedStore()
    for value in values:
        store.put("a", value)
    return store


def _goes_back() -> WatchedStore:
    store = _store("1", "2")
    watcher = store.watch(start_revision=2, stream=0)
    events = store.due(watcher, 3)
    store.tell(watcher, events[::-1])
    return store


def _from_the_future() -> WatchedStore:
    store = _store("1")
    watcher = store.watch(start_revision=2)
    event = store.due(watcher, 2)
    store.records.append(Delivery(time=99, watcher=watcher, revision=1, events=tuple(event)))
    return store


def _twice() -> WatchedStore:
    store = _store("1")
    watcher = store.watch(start_revision=2)
    store.tell(watcher, store.due(watcher, 2))
    store.tell(watcher, store.due(watcher, 2))
    return store


def _split() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.txn([("a", "1"), ("b", "2")])
    for event in store.due(watcher, 2):
        store.tell(watcher, [event])
    return store


def _gap() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    for key in "abc":
        store.put(key, "1")
    first, _, third = store.due(watcher, 4)
    store.tell(watcher, [first, third])
    return store


def _gap_of_a_txn() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.txn([("a", "1"), ("b", "2")])
    store.tell(watcher, store.due(watcher, 2)[:1])
    return store


def _gap_of_an_interval() -> WatchedStore:
    store = _store("1")
    store.put("b", "1")
    watcher = store.watch()
    store.delete_all()
    store.tell(watcher, store.due(watcher, 4)[:1])
    return store


def _lost_at_the_compacted_revision() -> WatchedStore:
    """Issue 18089 of etcd: the deletion at the compacted revision is not delivered."""
    store = _store("1")
    store.delete("a")
    store.put("b", "2")
    store.compact(3)
    watcher = store.watch(start_revision=3)
    store.tell(watcher, store.due(watcher, 4)[1:])
    return store


def _resumed_late() -> WatchedStore:
    store = _store("1")
    first = store.watch(start_revision=2)
    store.deliver(first)
    store.break_stream(first)
    store.put("b", "2")
    store.put("c", "3")
    second = store.watch(start_revision=3, resumes=first)
    store.tell(second, store.due(second, 4)[1:])
    return store


def _early_progress() -> WatchedStore:
    store = _store("1")
    watcher = store.watch(start_revision=2)
    store.progress(watcher)
    store.deliver(watcher)
    return store


def _two_truths() -> WatchedStore:
    store = WatchedStore()
    first, second = store.watch(), store.watch()
    store.put("a", "1", outcome=OpType.INFO)
    store.deliver(first)
    event = store.due(second, 2)[0]
    store.tell(second, [msgspec.structs.replace(event, lease=3)])
    return store


def _other_value() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.put("a", "1")
    store.tell(watcher, [msgspec.structs.replace(store.due(watcher, 2)[0], value="2")])
    return store


def _stray_change() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.put("a", "1")
    store.tell(watcher, [*store.events, Event(EventKind.PUT, "c", 2, "x", 2, 1)])
    return store


def _phantom() -> WatchedStore:
    store = _store("1")
    watcher = store.watch()
    store.revision = 3
    store.tell(watcher, [Event(EventKind.PUT, "a", 3, "2", 2, 2)])
    return store


def _failed_write() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.put("a", "1", outcome=OpType.INFO)
    store.deliver(watcher)
    store.ops[-1] = msgspec.structs.replace(store.ops[-1], type=OpType.FAIL)
    return store


def _previous(change: dict[str, object] | None) -> WatchedStore:
    """Tell a watcher of a second put, with a previous state that is not the first."""
    store = _store("1")
    watcher = store.watch(prev_kv=True)
    store.put("a", "2")
    event = store.due(watcher, 3)[0]
    assert event.prev is not None
    prev = None if change is None else msgspec.structs.replace(event.prev, **change)
    store.tell(watcher, [msgspec.structs.replace(event, prev=prev)])
    return store


def _previous_is_missing() -> WatchedStore:
    return _previous(None)


def _previous_has_another_value() -> WatchedStore:
    return _previous({"value": "0"})


def _previous_is_of_another_key() -> WatchedStore:
    return _previous({"key": "b"})


def _previous_has_another_version() -> WatchedStore:
    return _previous({"version": 3})


def _previous_is_stale() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch(prev_kv=True)
    for value in "123":
        store.put("a", value)
    first, second, third = store.due(watcher, 4)
    assert third.prev is not None, "it was asked for"
    stale = msgspec.structs.replace(third.prev, mod_revision=2, value="1")
    store.tell(watcher, [first, second, msgspec.structs.replace(third, prev=stale)])
    return store


def _previous_of_a_creation() -> WatchedStore:
    store = _store("1")
    watcher = store.watch(prev_kv=True)
    store.put("b", "2")
    event = store.due(watcher, 3)[0]
    store.put("a", "3")
    prev = store.due(watcher, 4)[1].prev
    store.tell(watcher, [msgspec.structs.replace(event, prev=prev)])
    return store


def _previous_unasked() -> WatchedStore:
    store = _store("1")
    watcher = store.watch()
    store.put("a", "2")
    store.tell(watcher, [store.events[-1]])
    return store


def _previous_unheard_of() -> WatchedStore:
    """Show as previous what was written after the watch began, and nobody was told of."""
    store = WatchedStore()
    watcher = store.watch(prev_kv=True)
    store.put("a", "1")
    store.put("b", "2", outcome=OpType.INFO)
    store.put("b", "3")
    first, _, third = store.due(watcher, 4)
    store.tell(watcher, [first, third])
    return store


def _called_a_creation() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.put("a", "1")
    store.put("a", "2")
    first, second = store.due(watcher, 3)
    wrong = msgspec.structs.replace(second, create_revision=3, version=1)
    store.tell(watcher, [first, wrong])
    return store


def _created_by_its_second_version() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch()
    store.put("a", "1")
    event = store.due(watcher, 2)[0]
    store.tell(watcher, [msgspec.structs.replace(event, version=2)])
    return store


def _modified_though_deleted() -> WatchedStore:
    store = _store("1")
    watcher = store.watch(start_revision=2)
    store.delete("a")
    store.put("a", "2")
    first, second, third = store.due(watcher, 4)
    wrong = msgspec.structs.replace(third, create_revision=2, version=2)
    store.tell(watcher, [first, second, wrong])
    return store


def _created_though_there() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch(start_revision=2)
    store.put("a", "1")
    store.put("b", "1")
    store.put("a", "2")
    events = store.due(watcher, 4)
    wrong = msgspec.structs.replace(events[2], create_revision=4, version=1)
    store.tell(watcher, [*events[:2], wrong])
    return store


def _deletion_with_a_version() -> WatchedStore:
    store = _store("1")
    watcher = store.watch()
    store.delete("a")
    store.tell(watcher, [msgspec.structs.replace(store.due(watcher, 3)[0], version=2)])
    return store


def _other_key() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch(key="a", range_end="b")
    store.put("b", "1")
    store.tell(watcher, store.events)
    return store


def _filtered_kind() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch(filters=["put"])
    store.put("b", "1")
    store.tell(watcher, store.events)
    return store


def _not_permitted() -> WatchedStore:
    store = WatchedStore()
    watcher = store.watch(user="eve", readable=[["b", "c"]])
    store.put("a", "1")
    store.deliver(watcher)
    return store


def _before_start() -> WatchedStore:
    """Issue 20221 of etcd: a watch on a future revision is told of what happened before it."""
    store = _store("1")
    watcher = store.watch(start_revision=7000)
    store.put("a", "2")
    store.tell(watcher, [msgspec.structs.replace(store.events[-1], prev=None)])
    return store


def _before_now() -> WatchedStore:
    """Tell a watch from "now" of what its stream had shown to be behind the node already."""
    store = _store("1")
    store.watch(stream=0)
    watcher = store.watch(stream=0)
    store.tell(watcher, [msgspec.structs.replace(store.events[-1], prev=None)])
    return store


def _progress_before_start() -> WatchedStore:
    """Issue 20221 of etcd: a watch on a future revision is notified of progress."""
    store = _store("1")
    store.progress(store.watch(start_revision=102))
    return store


def _told_before_confirmed() -> WatchedStore:
    store = _store("1")
    watcher = store.watch(start_revision=2)
    store.deliver(watcher)
    confirmed = next(each for each in store.records if isinstance(each, Created))
    store.records.remove(confirmed)
    store.records.append(confirmed)
    return store


def _canceled_at_the_compacted_revision() -> WatchedStore:
    store = _store("1", "2")
    watcher = store.watch(start_revision=3)
    store.compact(3)
    store.cancel_as_compacted(watcher, 3)
    return store


def _canceled_for_no_compaction() -> WatchedStore:
    store = _store("1", "2")
    watcher = store.watch(start_revision=2)
    store.cancel_as_compacted(watcher, 3)
    return store


def _told_after_canceled() -> WatchedStore:
    store = _store("1", "2")
    store.compact(3)
    watcher = store.watch(start_revision=2)
    store.put("a", "3")
    store.tell(watcher, [msgspec.structs.replace(store.events[-1], prev=None)])
    return store


def _not_canceled() -> WatchedStore:
    store = _store("1", "2", "3")
    watcher = store.watch(start_revision=2)
    store.compact(4)
    late = store.watch(start_revision=3)
    store.records.pop()
    store.deliver(watcher)
    store.tell(late, [msgspec.structs.replace(each, prev=None) for each in store.events[1:]])
    return store


def _never_told() -> WatchedStore:
    store = WatchedStore()
    store.watch()
    store.put("a", "1")
    store.end()
    return store


ANOMALIES: tuple[tuple[Callable[[], WatchedStore], str, str], ...] = (
    (_goes_back, "watch-ordered", "events-out-of-order"),
    (_from_the_future, "watch-ordered", "event-from-the-future"),
    (_twice, "watch-unique", "event-twice"),
    (_split, "watch-atomic", "revision-split"),
    (_gap, "watch-reliable", "event-missing"),
    (_gap_of_a_txn, "watch-reliable", "event-missing"),
    (_gap_of_an_interval, "watch-reliable", "event-missing"),
    (_lost_at_the_compacted_revision, "watch-resumable", "event-lost-at-the-compacted-revision"),
    (_resumed_late, "watch-resumable", "event-missing"),
    (_early_progress, "watch-bookmarkable", "progress-too-early"),
    (_two_truths, "watch-truthful", "told-differently"),
    (_other_value, "watch-truthful", "not-as-written"),
    (_stray_change, "watch-truthful", "never-written"),
    (_phantom, "watch-truthful", "never-written"),
    (_failed_write, "watch-truthful", "failed-write-happened"),
    (_previous_is_missing, "watch-prev-kv", "wrong-previous"),
    (_previous_has_another_value, "watch-prev-kv", "wrong-previous"),
    (_previous_is_of_another_key, "watch-prev-kv", "wrong-previous"),
    (_previous_has_another_version, "watch-prev-kv", "wrong-previous"),
    (_previous_is_stale, "watch-prev-kv", "wrong-previous"),
    (_previous_of_a_creation, "watch-prev-kv", "wrong-previous"),
    (_previous_unasked, "watch-prev-kv", "wrong-previous"),
    (_previous_unheard_of, "watch-prev-kv", "wrong-previous"),
    (_called_a_creation, "watch-create-modify", "wrong-version"),
    (_created_by_its_second_version, "watch-create-modify", "wrong-version"),
    (_modified_though_deleted, "watch-create-modify", "wrong-version"),
    (_created_though_there, "watch-create-modify", "wrong-version"),
    (_deletion_with_a_version, "watch-create-modify", "wrong-version"),
    (_other_key, "watch-filter", "not-asked-for"),
    (_filtered_kind, "watch-filter", "not-asked-for"),
    (_not_permitted, "watch-authorised", "not-permitted"),
    (_before_start, "watch-start", "event-before-start"),
    (_before_now, "watch-start", "event-before-start"),
    (_progress_before_start, "watch-start", "progress-before-start"),
    (_told_before_confirmed, "watch-start", "event-before-start"),
    (_canceled_at_the_compacted_revision, "watch-cancellation", "canceled-without-need"),
    (_canceled_for_no_compaction, "watch-cancellation", "canceled-without-compaction"),
    (_told_after_canceled, "watch-cancellation", "event-after-cancel"),
    (_not_canceled, "watch-cancellation", "not-canceled"),
    (_never_told, "watch-convergence", "not-converged"),
)


@pytest.mark.parametrize(
    ("story", "guarantee", "kind"),
    ANOMALIES,
    ids=[f"{guarantee}:{story.__name__[1:]}" for story, guarantee, _ in ANOMALIES],
)
def test_an_anomaly_breaks_its_guarantee_and_no_other(
    story: Callable[[], WatchedStore], guarantee: str, kind: str
) -> None:
    verdict = story().verdict()

    assert convictions(verdict) == {guarantee: kind}
    assert all(len(line) <= 400 for leaf in verdict.leaves() for line in [leaf.reason])


def test_every_guarantee_has_an_anomaly() -> None:
    assert {name for name, _ in GUARANTEES} == {guarantee for _, guarantee, _ in ANOMALIES}


def _began_before_it_was_confirmed() -> tuple[WatchedStore, int]:
    """Return a store that went on to revision 4 between a watch's beginning and the answer."""
    store = WatchedStore()
    store.watch(stream=0)
    for value in "123":
        store.put("a", value)
    return store, store.watch(stream=0)


def test_what_happened_while_a_watch_was_confirmed_may_be_told() -> None:
    store, watcher = _began_before_it_was_confirmed()
    store.tell(watcher, [msgspec.structs.replace(event, prev=None) for event in store.events])

    assert store.verdict().answer is not Answer.INVALID


def test_what_happened_while_a_watch_was_confirmed_is_told_without_gaps() -> None:
    store, watcher = _began_before_it_was_confirmed()
    first, _, third = (msgspec.structs.replace(event, prev=None) for event in store.events)
    store.tell(watcher, [first, third])

    assert convictions(store.verdict()) == {"watch-reliable": "event-missing"}


def test_what_an_earlier_header_ran_ahead_of_may_be_told() -> None:
    """As etcd tells of a revision just before it is the store's, "now" may still be before it."""
    store = WatchedStore()
    first = store.watch(stream=0)
    store.put("a", "1")
    store.deliver(first)
    second = store.watch(stream=0)
    place = next(
        place
        for place, each in enumerate(store.records)
        if isinstance(each, Created) and each.watcher == second
    )
    store.records[place] = msgspec.structs.replace(store.records[place], revision=1)
    store.tell(second, [msgspec.structs.replace(store.events[-1], prev=None)])

    assert store.verdict().answer is not Answer.INVALID


def test_a_put_that_keeps_the_value_is_told_with_it() -> None:
    store = _store("1")
    watcher = store.watch(prev_kv=True)
    store.touch("a")
    store.put("a", "2")
    store.tell(watcher, [event for event in store.due(watcher, 4) if event.mod_revision == 4])

    assert convictions(store.verdict()) == {"watch-reliable": "event-missing"}

    store.records.pop()
    store.deliver(watcher)

    assert convictions(store.verdict()) == {}


def test_everything_at_once_is_right() -> None:
    store = _store("1", "2")
    past, now, future = (
        store.watch(start_revision=2, prev_kv=True),
        store.watch(),
        store.watch(start_revision=5),
    )
    store.delete_all()
    store.txn([("a", "3"), ("b", "4")], lease=9)
    for watcher in (past, now, future):
        store.deliver(watcher)
    store.progress(now)
    store.end()

    assert store.verdict().answer is Answer.VALID


def test_fragments_of_one_response_are_no_split() -> None:
    store = WatchedStore()
    watcher = store.watch(fragment=True)
    store.txn([("a", "1"), ("b", "2")])
    first, second = store.due(watcher, 2)
    store.tell(watcher, [first], fragment=True)
    store.tell(watcher, [second])
    store.end()

    assert store.verdict().answer is Answer.VALID


def test_the_compacted_revision_itself_can_be_watched() -> None:
    store = _store("1", "2")
    store.compact(3)
    store.deliver(store.watch(start_revision=3, prev_kv=True))
    store.end()

    assert store.verdict().answer is Answer.VALID


def test_a_watch_of_what_is_compacted_is_canceled() -> None:
    store = _store("1", "2")
    store.compact(3)
    store.watch(start_revision=2)
    store.end()

    assert store.verdict().answer is Answer.VALID


def test_a_node_that_was_killed_may_have_forgotten_a_compaction() -> None:
    store = _store("1", "2")
    store.compact(3)
    store.fault()
    watcher = store.watch(start_revision=2)
    store.records.pop()
    store.tell(watcher, [msgspec.structs.replace(each, prev=None) for each in store.events])

    assert convictions(store.verdict()) == {}


@pytest.mark.parametrize("when", ["before", "under way", "opened"])
def test_a_node_is_not_held_to_what_another_answered_in_its_name(when: str) -> None:
    """The nemesis may send a node's clients elsewhere, but for streams that are open."""
    store = _store("1", "2", "3")
    if when == "opened":
        store.deliver(store.watch(stream=7))
        store.fault()
    store.compact(4, then=store.fault if when == "under way" else lambda: None)
    if when == "before":
        store.fault()
    late = store.watch(start_revision=3, stream=7)
    store.records.pop()
    store.tell(late, [msgspec.structs.replace(each, prev=None) for each in store.events[1:]])

    assert convictions(store.verdict()) == {}


def test_what_comes_after_the_client_cancelled_is_not_judged() -> None:
    store = _store("1")
    watcher = store.watch(start_revision=2)
    store.deliver(watcher)
    store.cancel(watcher)
    store.tell(watcher, [msgspec.structs.replace(store.events[0], prev=None)])
    store.end()

    assert store.verdict().answer is Answer.VALID


def test_an_open_watcher_that_nobody_waited_for_is_unknown() -> None:
    store = _store("1")
    store.deliver(store.watch(start_revision=2))

    verdict = store.verdict()

    assert verdict.answer is Answer.UNKNOWN
    assert "nobody waited" in verdict.reason


def test_without_watchers_nothing_is_proven() -> None:
    assert _store("1").verdict().answer is Answer.UNKNOWN


def test_an_event_of_an_unknown_watcher_is_a_fault_of_the_records() -> None:
    store = _store("1")
    store.tell(3, store.events)

    assert store.verdict().answer is Answer.UNKNOWN
