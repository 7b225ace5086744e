"""What one watching client asks for, what it makes of the answers, and what it writes down."""

from collections.abc import Iterable
from random import Random

import pytest
from msgspec.structs import replace

from checkers.watch_history import (
    Break,
    Canceled,
    Create,
    Created,
    Delivery,
    Event,
    EventKind,
    PreviousKv,
    Progress,
    RequestProgress,
    WatchRecord,
)
from harness.watch_client import (
    CloseStream,
    Move,
    OpenStream,
    SendRequest,
    UnexpectedResponse,
    WatchClient,
    WatchSettings,
)
from harness.watch_messages import Drawn
from nodeimpl.api import kv_pb2
from nodeimpl.api.rpc_pb2 import ResponseHeader, WatchCreateRequest, WatchResponse
from nodeimpl.ids import Instant

DRAWN = Drawn(
    key="a",
    range_end="c",
    start_revision=5,
    prev_kv=True,
    fragment=True,
    progress_notify=True,
    filters=(EventKind.DELETE,),
    chooses_id=False,
)


class Around:
    """Counts streams and watchers; everybody watches the same."""

    nodes: tuple[str, ...] = ("n1", "n2")

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.streams = self.watchers = -1
        self.revisions: list[int] = []

    def next_stream(self) -> int:
        self.streams += 1
        return self.streams

    def next_watcher(self) -> int:
        self.watchers += 1
        return self.watchers

    def draw(self, random: Random) -> Drawn:  # noqa: ARG002 - the protocol's signature
        return self.drawn

    def saw(self, revision: int) -> None:
        self.revisions.append(revision)


class Watching:
    """A client with an open stream 0 and one watcher, asked for and not confirmed."""

    def __init__(self, drawn: Drawn = DRAWN, settings: WatchSettings | None = None) -> None:
        self.around = Around(drawn)
        self.records: list[WatchRecord] = []
        self.now = Instant(0)
        self.client = WatchClient(
            settings or WatchSettings(watchers_max=1),
            self.around,
            Random(1),
            self.records.append,
            self.now,
        )
        self.opened = self.wake()
        self.asked = self.wake()

    def wake(self) -> list[Move]:
        self.now = self.client.deadline
        return self.client.wake(self.now)

    def receive(self, response: WatchResponse, stream: int = 0) -> None:
        self.client.received(self.now, stream, response)

    def confirm(self, watch_id: int = 0, revision: int = 9) -> None:
        self.receive(answer(revision, watch_id=watch_id, created=True))

    def last(self) -> WatchRecord:
        return self.records[-1]


def answer(revision: int, **fields: object) -> WatchResponse:
    return WatchResponse(header=ResponseHeader(revision=revision), **fields)  # type: ignore[arg-type]


def put(revision: int, value: bytes = b"v") -> kv_pb2.Event:
    kv = kv_pb2.KeyValue(
        key=b"a", value=value, create_revision=5, mod_revision=revision, version=2, lease=3
    )
    before = kv_pb2.KeyValue(key=b"a", value=b"u", create_revision=5, mod_revision=5, version=1)
    return kv_pb2.Event(kv=kv, prev_kv=before)


def of_kind(moves: Iterable[Move], kind: type[Move]) -> list[Move]:
    return [move for move in moves if isinstance(move, kind)]


@pytest.fixture
def watching() -> Watching:
    return Watching()


def test_it_asks_for_several_watchers_at_once_up_to_its_number() -> None:
    watching = Watching(settings=WatchSettings(watchers_max=3, burst=5))

    assert len(of_kind(watching.asked, SendRequest)) == 3


def test_it_opens_a_stream_and_then_asks(watching: Watching) -> None:
    [opened], [asked] = watching.opened, watching.asked
    assert isinstance(opened, OpenStream)
    assert isinstance(asked, SendRequest)
    assert asked.request.create_request == WatchCreateRequest(
        key=b"a",
        range_end=b"c",
        start_revision=5,
        prev_kv=True,
        fragment=True,
        progress_notify=True,
        filters=[WatchCreateRequest.NODELETE],
    )
    assert watching.records == [
        Create(
            time=watching.now,
            watcher=0,
            stream=0,
            node=opened.node,
            key="a",
            range_end="c",
            start_revision=5,
            prev_kv=True,
            progress_notify=True,
            fragment=True,
            filters=(EventKind.DELETE,),
        )
    ]


def test_a_confirmation_is_written_down(watching: Watching) -> None:
    watching.confirm()
    assert watching.last() == Created(time=watching.now, watcher=0, revision=9)
    assert watching.around.revisions == [9]


def test_events_are_written_down_as_they_came(watching: Watching) -> None:
    watching.confirm()
    gone = kv_pb2.Event(type=kv_pb2.Event.DELETE, kv=kv_pb2.KeyValue(key=b"a\xff", mod_revision=7))
    watching.receive(answer(7, events=[put(6), gone], fragment=True))
    before = PreviousKv(key="a", value="u", create_revision=5, mod_revision=5, version=1)
    assert watching.last() == Delivery(
        time=watching.now,
        watcher=0,
        revision=7,
        fragment=True,
        events=(
            Event(EventKind.PUT, "a", 6, "v", 5, 2, 3, before),
            Event(EventKind.DELETE, "a\\xff", 7),
        ),
    )


def test_progress_of_one_and_of_all_is_written_down(watching: Watching) -> None:
    watching.confirm()
    watching.receive(answer(12))
    assert watching.last() == Progress(time=watching.now, watcher=0, revision=12)
    watching.client.finish(watching.now, 12)
    assert watching.last() == RequestProgress(time=watching.now, stream=0)
    assert not watching.client.has_heard_all
    watching.receive(answer(13, watch_id=-1))
    assert watching.last() == Progress(time=watching.now, watcher=0, revision=13)
    assert watching.client.has_heard_all


def test_the_end_by_the_store_is_written_down(watching: Watching) -> None:
    watching.confirm()
    watching.receive(answer(0, canceled=True, compact_revision=8, cancel_reason="why"))
    assert watching.last() == Canceled(
        time=watching.now, watcher=0, revision=0, compact_revision=8, reason="why"
    )


def test_a_refusal_is_an_end(watching: Watching) -> None:
    watching.receive(
        answer(9, watch_id=-1, created=True, canceled=True, cancel_reason="permission denied")
    )
    assert watching.last() == Canceled(
        time=watching.now, watcher=0, revision=9, reason="permission denied"
    )


RESPONSES = [
    pytest.param(answer(9, watch_id=7, events=[put(6)]), id="of-nobody"),
    pytest.param(answer(9, watch_id=7, canceled=True), id="end-of-nobody"),
    pytest.param(answer(9, watch_id=-1), id="progress-nobody-asked-for"),
    pytest.param(answer(9, watch_id=8, created=True), id="confirmed-twice"),
]


@pytest.mark.parametrize("response", RESPONSES)
def test_what_cannot_come_is_not_taken(watching: Watching, response: WatchResponse) -> None:
    watching.confirm()
    with pytest.raises(UnexpectedResponse):
        watching.receive(response)


def test_after_the_end_nothing_can_come(watching: Watching) -> None:
    watching.confirm()
    watching.receive(answer(9, canceled=True))
    with pytest.raises(UnexpectedResponse, match="has ended or never was"):
        watching.receive(answer(9, events=[put(10)]))


def resumed(watching: Watching) -> Create:
    """Break the stream; return how the watcher is taken up again."""
    watching.client.broke(watching.now, 0, "connection lost")
    assert watching.last() == Break(time=watching.now, stream=0, error="connection lost")
    opened, asked = watching.wake()
    assert isinstance(opened, OpenStream)
    assert isinstance(asked, SendRequest)
    assert asked.stream == opened.stream == 1
    create = watching.last()
    assert isinstance(create, Create)
    assert asked.request.create_request.start_revision == create.start_revision
    return create


def test_a_watcher_resumes_behind_the_last_event(watching: Watching) -> None:
    watching.confirm()
    watching.receive(answer(9, events=[put(6)]))
    create = resumed(watching)
    assert (create.watcher, create.resumes, create.start_revision) == (1, 0, 7)


def test_a_watcher_resumes_behind_progress(watching: Watching) -> None:
    watching.confirm()
    watching.receive(answer(11))
    assert resumed(watching).start_revision == 12


def test_a_part_of_a_response_is_heard_again(watching: Watching) -> None:
    watching.confirm()
    watching.receive(answer(9, events=[put(6)]))
    watching.receive(answer(9, events=[put(8)], fragment=True))
    assert resumed(watching).start_revision == 7


def test_a_watcher_from_now_on_resumes_behind_its_confirmation() -> None:
    watching = Watching(replace(DRAWN, start_revision=0))
    watching.confirm(revision=9)
    assert resumed(watching).start_revision == 10


def test_a_watcher_that_was_never_confirmed_begins_anew() -> None:
    watching = Watching(replace(DRAWN, start_revision=0))
    create = resumed(watching)
    assert (create.start_revision, create.resumes) == (0, None)


def test_what_arrives_on_a_stream_that_is_gone_is_nothing(watching: Watching) -> None:
    watching.confirm()
    watching.client.broke(watching.now, 0, "connection lost")
    count = len(watching.records)
    watching.receive(answer(9, events=[put(6)]))
    watching.client.broke(watching.now, 0, "again")
    assert len(watching.records) == count


def test_it_breaks_off_when_it_is_not_answered() -> None:
    watching = Watching(settings=WatchSettings(watchers_max=1, patience_ns=1))
    for _ in range(20):
        moves = watching.wake()
        if of_kind(moves, CloseStream):
            break
    assert Break(time=watching.now, stream=0, error="timed out") in watching.records


def test_at_the_end_it_waits_for_nothing_that_is_to_come() -> None:
    watching = Watching(replace(DRAWN, start_revision=50))
    watching.confirm()
    moves = watching.client.finish(watching.now, 20)
    requests = [
        move.request.WhichOneof("request_union") for move in moves if isinstance(move, SendRequest)
    ]
    assert requests == ["cancel_request", "progress_request"]


def test_progress_of_all_says_nothing_of_who_is_being_canceled() -> None:
    watching = Watching(replace(DRAWN, start_revision=50))
    watching.confirm()
    watching.client.finish(watching.now, 9)
    before = watching.last()
    watching.receive(answer(9, watch_id=-1))

    assert watching.last() == before


def test_a_client_may_ask_for_many_watchers_at_once() -> None:
    watching = Watching(settings=WatchSettings(watchers_max=5, burst=3))
    assert len(of_kind(watching.asked, SendRequest)) == 3
    assert [record.watcher for record in watching.records if isinstance(record, Create)] == [
        0,
        1,
        2,
    ]
