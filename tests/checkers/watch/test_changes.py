"""What watchers were told of writes of unknown outcome, and what follows from that."""

from random import Random

import msgspec
import pytest

from checkers.checker import Budget
from checkers.history import History, OpType
from checkers.linearizability.revisions.checker import etcd_linearizable
from checkers.verdict import Answer
from checkers.watch.changes import Changes, WatchedEtcdChecker
from checkers.watch_history import Event, EventKind
from tests.checkers.watch.watched_store import WatchedStore, random_run


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


def told(store: WatchedStore) -> Changes:
    """Return what the watchers of `store` were told completely."""
    return WatchedEtcdChecker(records=store.records).changes(History(store.ops))


def answer(store: WatchedStore) -> Answer:
    """Return whether the history is linearizable, given what watchers were told."""
    checker = WatchedEtcdChecker(records=store.records)
    return checker.check(History(store.ops), Budget()).answer


def test_who_watches_everything_tells_of_everything(store: WatchedStore) -> None:
    watcher = store.watch()
    store.txn([("a", "1"), ("b", "2")])
    store.delete("a")
    store.deliver(watcher)
    assert told(store) == {2: {"a": "1", "b": "2"}, 3: {"a": None}}


def test_one_who_watches_some_keys_does_not_tell_of_all(store: WatchedStore) -> None:
    watcher = store.watch(key="a", range_end=None)
    store.txn([("a", "1"), ("b", "2")])
    store.deliver(watcher)
    assert told(store) == {}


def test_those_who_watch_some_keys_each_tell_of_all_together(store: WatchedStore) -> None:
    watchers = [store.watch(key=key, range_end=None) for key in ("a", "b")]
    store.txn([("a", "1"), ("b", "2")])
    for watcher in watchers:
        store.deliver(watcher)
    assert told(store) == {2: {"a": "1", "b": "2"}}


def test_a_progress_notification_proves_that_nothing_happened(store: WatchedStore) -> None:
    watchers = [store.watch(key=key, range_end=None) for key in ("a", "b")]
    store.put("a", "1")
    store.put("b", "2")
    store.deliver(watchers[0])
    assert told(store) == {}
    store.progress(watchers[0])
    store.progress(watchers[1], revision=2)
    assert told(store) == {2: {"a": "1"}}


def test_what_was_before_a_watch_is_not_told(store: WatchedStore) -> None:
    watchers = [store.watch(key="a", range_end=None)]
    store.put("a", "1")
    watchers.append(store.watch(key="b", range_end=None))
    store.put("b", "2")
    for watcher in watchers:
        store.deliver(watcher)
        store.progress(watcher)
    assert told(store) == {3: {"b": "2"}}


@pytest.mark.parametrize(
    "options", [{"filters": ["delete"]}, {"user": "u", "readable": [["a", "b"]]}]
)
def test_one_who_is_not_told_of_everything_does_not_count(
    store: WatchedStore, options: dict[str, object]
) -> None:
    watcher = store.watch(**options)
    store.put("a", "1")
    store.deliver(watcher)
    assert told(store) == {}


def test_where_watchers_disagree_nothing_is_told(store: WatchedStore) -> None:
    watchers = [store.watch(), store.watch()]
    store.put("a", "1")
    store.deliver(watchers[0])
    store.tell(watchers[1], [Event(EventKind.PUT, "a", 2, "2", 2, 1)])
    assert told(store) == {}


def test_records_that_do_not_fit_one_another_tell_nothing(store: WatchedStore) -> None:
    watcher = store.watch()
    store.put("a", "1")
    store.deliver(watcher)
    store.records.append(store.records[0])  # the same watcher again
    assert told(store) == {}
    assert answer(store) is Answer.VALID


def test_an_event_convicts_where_answers_alone_do_not(store: WatchedStore) -> None:
    watcher = store.watch()
    store.put("a", "1", outcome=OpType.INFO)
    store.put("b", "2")
    store.deliver(watcher)
    assert answer(store) is Answer.VALID
    lie = [Event(EventKind.PUT, "a", 2, "9", 2, 1), Event(EventKind.PUT, "b", 3, "2", 3, 1)]
    store.records[-1] = msgspec.structs.replace(store.records[-1], events=tuple(lie))
    assert etcd_linearizable().check(History(store.ops), Budget()).answer is Answer.VALID
    assert answer(store) is Answer.INVALID


@pytest.mark.parametrize("seed", range(100))
def test_what_a_right_store_tells_never_convicts(seed: int) -> None:
    store = random_run(Random(seed), steps=60)
    assert answer(store) is Answer.VALID
