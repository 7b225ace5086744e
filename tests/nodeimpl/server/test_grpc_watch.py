"""The Watch service: what waits for a slow client, and how streams end."""

from collections.abc import Sequence

import grpc
import pytest
from google.protobuf.message import Message

from nodeimpl.api.kv_pb2 import Event
from nodeimpl.api.rpc_pb2 import (
    PutRequest,
    WatchCancelRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.messages import AppendEntries
from nodeimpl.server import grpc_watch
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.grpc_watch import watch_service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import Calls, serving
from tests.nodeimpl.server.waiting import until

WATCH = "/etcdserverpb.Watch/Watch"


def services(driver: Driver) -> Sequence[Service]:
    return [watch_service(Reception(driver, by_certificate=False))]


def creating(key: bytes, watch_id: int = 0) -> WatchRequest:
    return WatchRequest(create_request=WatchCreateRequest(key=key, watch_id=watch_id))


async def read(stream: "grpc.aio.StreamStreamCall[Message, WatchResponse]") -> WatchResponse:
    response = await stream.read()
    assert isinstance(response, WatchResponse), "the stream ended before its time"
    return response


def test_watchers_of_one_stream_are_told_of_their_keys() -> None:
    async def story(calls: Calls) -> None:
        stream = calls.stream(WATCH, WatchResponse)
        for number, key in ((1, b"a"), (2, b"b")):
            await stream.write(creating(key, number))
            assert (await read(stream)).created
        await calls.driver.ask(PutRequest(key=b"b", value=b"v"))
        told = await read(stream)
        assert (told.watch_id, told.events[0].type, told.events[0].kv.key) == (2, Event.PUT, b"b")
        await stream.write(WatchRequest(cancel_request=WatchCancelRequest(watch_id=2)))
        assert (await read(stream)).canceled
        await calls.driver.ask(PutRequest(key=b"b"))
        await calls.driver.ask(PutRequest(key=b"a"))
        assert (await read(stream)).watch_id == 1

    serving(services, story)


def test_a_stream_ends_with_its_client_s_requests() -> None:
    async def story(calls: Calls) -> None:
        stream = calls.stream(WATCH, WatchResponse)
        await stream.write(creating(b"a"))
        await read(stream)
        assert len(calls.driver.node.watch.streams) == 1
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        await until(lambda: not calls.driver.node.watch.streams)

    serving(services, story)


def test_a_client_that_goes_leaves_nothing_behind() -> None:
    async def story(calls: Calls) -> None:
        stream = calls.stream(WATCH, WatchResponse)
        await stream.write(creating(b"a"))
        await read(stream)
        stream.cancel()
        await until(lambda: not calls.driver.node.watch.streams)

    serving(services, story)


def test_what_a_slow_client_costs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_watch, "ROOM_BYTES", 50_000)

    async def story(calls: Calls) -> None:
        stream = calls.stream(WATCH, WatchResponse)
        await stream.write(creating(b"a"))
        await read(stream)
        for _ in range(200):
            await calls.driver.ask(PutRequest(key=b"a", value=bytes(200_000)))
        hub = calls.driver.node.watch
        await until(lambda: hub.lagging_count == 1)
        assert hub.event_count < 200
        seen = 0
        while seen < 200:  # Now it reads, and is told of everything.
            seen += len((await read(stream)).events)
        await until(lambda: hub.lagging_count == 0)

    serving(services, story)


def test_who_wants_a_leader_is_told_when_it_is_gone() -> None:
    async def story(calls: Calls) -> None:
        heartbeat = AppendEntries(Term(1), LogIndex(0), Term(0), (), LogIndex(0), 1)
        calls.driver.receive(NodeId(2), [heartbeat])
        await until(lambda: calls.driver.node.raft.leader == 2)
        stream = calls.stream(WATCH, WatchResponse, (("hasleader", "true"),))
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stream.read()
        assert failure.value.details() == "etcdserver: no leader"

    serving(services, story, 1, 2, 3)
