"""What clients that watch are sent to watch, and from where."""

from collections import Counter
from random import Random

from checkers.history import Op, OpType
from harness.watch_client import WatchSettings
from harness.watch_fleet import Reach, WatchFleet
from nodeimpl.ids import Instant

KEYS = ("k0", "k1", "k2")


def fleet() -> WatchFleet:
    return WatchFleet(
        clients_count=3,
        settings=WatchSettings(),
        nodes=("n1", "n2"),
        keys=KEYS,
        keys_end="l",
        random=Random(1),
        record=lambda _: None,
        now=Instant(0),
    )


def op(kind: OpType, f: str, value: object) -> Op:
    return Op(index=0, time=0, process=0, type=kind, f=f, value=value)


def test_it_learns_how_far_the_store_has_come() -> None:
    told = fleet()
    told.note(op(OpType.OK, "put", {"revision": 7}))
    told.note(op(OpType.OK, "put", {"revision": 5}))
    told.note(op(OpType.INVOKE, "get", {"key": "k0", "revision": 99}))
    told.note(op(OpType.OK, "enable", None))
    assert told.revision == 7
    told.saw(9)
    assert told.revision == 9


def test_watches_begin_now_in_the_past_in_the_future_and_at_the_compaction() -> None:
    told = fleet()
    told.saw(100)
    told.note(op(OpType.INVOKE, "compact", {"revision": 90}))
    random = Random(2)
    starts = Counter(told.draw(random).start_revision for _ in range(1000))
    assert starts[0] > 200
    assert starts[1] > 20
    assert starts[90] > 100
    assert starts[89] > 0
    assert any(start > 100 for start in starts)
    assert min(starts) == 0


def test_watches_are_of_one_key_of_some_and_of_all() -> None:
    random, told = Random(3), fleet()
    drawn = [told.draw(random) for _ in range(300)]
    shapes = {(each.key, each.range_end) for each in drawn}
    assert {("k0", None), ("k0", "k2"), ("k2", "l"), ("k1", "\0"), ("k0", "l")} <= shapes
    assert {each.filters for each in drawn} >= {(), ("put",), ("delete",)}
    assert all(
        each.range_end is None or each.key < each.range_end or each.range_end == "\0"
        for each in drawn
    )


def test_streams_and_watchers_are_numbered_through() -> None:
    told = fleet()
    assert [told.next_stream(), told.next_stream()] == [0, 1]
    assert [told.next_watcher(), told.next_watcher()] == [0, 1]
    assert len(told.clients) == 3


def test_the_future_may_be_far() -> None:
    told = WatchFleet(
        clients_count=1,
        settings=WatchSettings(),
        nodes=("n1",),
        keys=KEYS,
        keys_end="l",
        reach=Reach(past=1, future=7_000),
        random=Random(1),
        record=lambda _: None,
        now=Instant(0),
    )
    told.saw(100)
    random = Random(2)
    starts = [told.draw(random).start_revision for _ in range(300)]
    assert max(starts) > 5_000
    assert not [start for start in starts if 1 < start < 100]
