"""How calls end, and what is counted of them."""

import socket
from collections.abc import Sequence

import grpc
import pytest

from nodeimpl.api.rpc_pb2 import (
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.server.call_counts import CallCounts
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_kv import kv_service
from nodeimpl.server.grpc_server import BindError, Place, grpc_server
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.grpc_watch import watch_service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import Calls, serving, with_leader
from tests.nodeimpl.server.waiting import until

PUT, RANGE = "/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range"
WATCH = "/etcdserverpb.Watch/Watch"
WANTS_LEADER = (("hasleader", "true"),)


def services(driver: Driver) -> Sequence[Service]:
    reception = Reception(driver, by_certificate=False)
    return [kv_service(reception), watch_service(reception)]


def test_an_error_has_etcd_s_code_and_words() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(RANGE, RangeRequest(key=b"k", revision=99))

    assert serving(services, story) == (
        grpc.StatusCode.OUT_OF_RANGE,
        "etcdserver: mvcc: required revision is a future revision",
    )


def test_what_is_too_large_for_grpc_is_refused_by_it() -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(PUT, PutRequest(key=b"k", value=bytes(2 << 20)))

    assert serving(services, story)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_calls_are_counted_by_their_ends() -> None:
    async def story(calls: Calls) -> None:
        await calls.ask(PUT, PutRequest(key=b"k", value=b"v"), PutResponse)
        await calls.ask(RANGE, RangeRequest(key=b"k"), RangeResponse)
        await calls.error(RANGE, RangeRequest(key=b"k", revision=99))
        put, ranged = (calls.counts.of("etcdserverpb.KV", name) for name in ("Put", "Range"))
        assert (put.started, put.ended) == (1, {grpc.StatusCode.OK: 1})
        assert (put.received, put.received_bytes) == (1, 6)
        assert (ranged.started, ranged.sent) == (2, 1)
        assert ranged.ended == {grpc.StatusCode.OK: 1, grpc.StatusCode.OUT_OF_RANGE: 1}

    serving(services, story)


def test_a_stream_is_counted_while_it_lasts() -> None:
    async def story(calls: Calls) -> None:
        stream = calls.stream(WATCH, WatchResponse)
        await stream.write(WatchRequest())
        count = calls.counts.of("etcdserverpb.Watch", "Watch")
        await until(lambda: count.received == 1)
        assert (count.started, count.ended) == (1, {})
        await stream.done_writing()
        await until(lambda: count.ended == {grpc.StatusCode.OK: 1})

    serving(services, story)


@pytest.mark.parametrize("path", [RANGE, WATCH])
def test_who_wants_a_leader_is_told_that_there_is_none(path: str) -> None:
    async def story(calls: Calls) -> tuple[grpc.StatusCode, str | None]:
        return await calls.error(path, RangeRequest(key=b"k"), WANTS_LEADER)

    expected = (grpc.StatusCode.UNAVAILABLE, "etcdserver: no leader")
    assert serving(services, story, 1, 2, 3) == expected


def test_an_address_that_is_taken_is_told_of() -> None:
    async def story(driver: Driver) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(BindError, match=f"cannot listen at {address}"):
                grpc_server(
                    services(driver),
                    [Place(address, is_tls=False)],
                    request_bytes_max=1,
                    streams_max=1,
                    credentials=None,
                    counts=CallCounts().of,
                )

    with_leader(story)
