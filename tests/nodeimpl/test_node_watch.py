"""How a node serves watches: behind which effects, with which headers, and when it wakes.

A lone leader, so that every proposal commits in the call that makes it.
"""

from random import Random

import pytest

from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import PutRequest, WatchCreateRequest, WatchRequest, WatchResponse
from nodeimpl.boundary import (
    ClientRequest,
    CloseWatchStream,
    Effect,
    Input,
    OpenWatchStream,
    Persist,
    Requests,
    Wake,
    WatchReply,
    WatchStreamDrained,
    WatchStreamRequest,
)
from nodeimpl.config import NodeConfig, WatchConfig
from nodeimpl.ids import SECOND, Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend


class Driven:
    """A lone node that has elected itself, with an open stream."""

    def __init__(self) -> None:
        config = NodeConfig(
            node_id=NodeId(1),
            cluster_id=7,
            voters=(NodeId(1),),
            incarnation=1,
            watch=WatchConfig(batch_rows_max=2, progress_interval_ns=5 * SECOND),
        )
        self.now = Instant(0)
        self.node = Node(config, Recovered(), MemoryBackend(), Random(1), self.now)
        self.now = self.node.deadline
        self.handle(Wake())
        self.handle(OpenWatchStream(3, room_bytes=10_000))

    def handle(self, given: Input) -> list[Effect]:
        return self.node.handle(self.now, given)

    def ask(self, *bodies: ApiRequest) -> list[Effect]:
        requests = tuple(ClientRequest(tag, body) for tag, body in enumerate(bodies, start=1))
        return self.handle(Requests(requests))

    def watch(self, **options: int | bytes | bool) -> list[WatchResponse]:
        request = WatchCreateRequest(**options)  # type: ignore[arg-type] # a test's shorthand
        body = WatchRequest(create_request=request)
        return watch_replies(self.handle(WatchStreamRequest(3, body)))


@pytest.fixture
def driven() -> Driven:
    return Driven()


def watch_replies(effects: list[Effect]) -> list[WatchResponse]:
    return [effect.body for effect in effects if isinstance(effect, WatchReply)]


def test_events_come_behind_the_persist_of_what_they_tell(driven: Driven) -> None:
    driven.watch(key=b"k")
    effects = driven.ask(PutRequest(key=b"k"))
    kinds = [type(effect) for effect in effects]
    assert kinds.index(Persist) < kinds.index(WatchReply)


def test_a_response_says_who_answers_and_on_which_stream(driven: Driven) -> None:
    driven.watch(key=b"k")
    [reply] = [each for each in driven.ask(PutRequest(key=b"k")) if isinstance(each, WatchReply)]
    header = reply.body.header
    assert reply.stream == 3
    assert (header.cluster_id, header.member_id, header.raft_term) == (7, 1, 1)
    assert header.revision == 2


def test_a_node_wakes_at_once_to_go_on_with_history(driven: Driven) -> None:
    driven.ask(*(PutRequest(key=b"k") for _ in range(5)))
    created, first = driven.watch(key=b"k", start_revision=1)
    assert created.created
    assert len(first.events) == 2
    assert driven.node.deadline == driven.now
    assert [len(each.events) for each in watch_replies(driven.handle(Wake()))] == [2]
    assert [len(each.events) for each in watch_replies(driven.handle(Wake()))] == [1]
    assert driven.node.deadline > driven.now


def test_a_node_wakes_to_notify_of_progress(driven: Driven) -> None:
    driven.watch(key=b"k", progress_notify=True)
    due = driven.now + 5 * SECOND
    effects: list[Effect] = []
    while driven.now < due:
        driven.now = driven.node.deadline
        effects = driven.handle(Wake())
    assert driven.now == due
    assert [len(each.events) for each in watch_replies(effects)] == [0]


def test_a_stream_that_is_drained_is_sent_what_it_lacks(driven: Driven) -> None:
    driven.watch(key=b"k")
    driven.handle(WatchStreamDrained(3, -10_000))
    assert watch_replies(driven.ask(PutRequest(key=b"k"))) == []
    [events] = watch_replies(driven.handle(WatchStreamDrained(3, 10_000)))
    assert len(events.events) == 1


def test_a_closed_stream_is_sent_nothing(driven: Driven) -> None:
    driven.watch(key=b"k", start_revision=1, progress_notify=True)
    driven.handle(CloseWatchStream(3))
    assert watch_replies(driven.ask(PutRequest(key=b"k"))) == []
    assert not driven.node.watch.streams
