"""etcd's Watch service: many watchers on one stream, served by the node's hub.

What a slow client costs here is bounded: responses that wait to be sent take room, and without room
the node begins none with events, nor is the client's next request looked at.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.message import Message

from nodeimpl.api.errors import NO_LEADER
from nodeimpl.api.rpc_pb2 import WatchRequest, WatchResponse
from nodeimpl.ids import SECOND
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.grpc_serving import Context, Service, both_streaming, requires_leader
from nodeimpl.server.reception import Caller, Reception

ROOM_BYTES: Final = 2 << 20
"""Of responses that wait to be sent, per stream."""


def watch_service(reception: Reception) -> Service:
    """Return the service."""

    async def watch(
        requests: AsyncIterator[WatchRequest], context: Context
    ) -> AsyncIterator[Message]:
        reception.admit(context)
        stream = _Stream(
            reception.driver, reception.caller(context), needs_leader=requires_leader(context)
        )
        try:
            async for response in stream.serve(requests):
                yield response
        finally:
            stream.close()

    return "etcdserverpb.Watch", {"Watch": both_streaming(watch, WatchRequest)}


class _Stream:
    """One client's stream."""

    def __init__(self, driver: Driver, caller: Caller, *, needs_leader: bool) -> None:
        self._driver = driver
        self._needs_leader = needs_leader
        self._queue: deque[WatchResponse] = deque()
        self._queued_bytes = 0
        self._has_news = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._number = driver.open_watch(ROOM_BYTES, self._receive, caller)
        self._reading: asyncio.Task[None] | None = None

    async def serve(self, requests: AsyncIterator[WatchRequest]) -> AsyncIterator[WatchResponse]:
        """Yield what is to be sent, until the client asks no more."""
        self._reading = asyncio.ensure_future(self._read(requests))
        self._reading.add_done_callback(lambda _: self._has_news.set())
        while True:
            while self._queue:
                response = self._queue.popleft()
                yield response
                self._sent(response)
            if self._reading.done():
                self._reading.result()
                return
            await self._news()

    def close(self) -> None:
        """End the stream."""
        if self._reading is not None:
            self._reading.cancel()
        self._driver.close_watch(self._number)

    async def _read(self, requests: AsyncIterator[WatchRequest]) -> None:
        async for request in requests:
            await self._has_room.wait()
            self._driver.ask_watch(self._number, request)

    def _receive(self, response: WatchResponse) -> None:
        self._queue.append(response)
        self._queued_bytes += response.ByteSize()
        if self._queued_bytes >= ROOM_BYTES:
            self._has_room.clear()
        self._has_news.set()

    def _sent(self, response: WatchResponse) -> None:
        size = response.ByteSize()
        self._queued_bytes -= size
        if self._queued_bytes < ROOM_BYTES:
            self._has_room.set()
        self._driver.watch_drained(self._number, size)

    async def _news(self) -> None:
        """Wait for something to send; raise `NO_LEADER` if the client wants to know (as etcd)."""
        self._has_news.clear()
        if not self._needs_leader:
            await self._has_news.wait()
            return
        node = self._driver.node
        patience = node.config.raft.election_timeout_ns_max / SECOND
        was_led = node.raft.leader is not None
        try:
            async with asyncio.timeout(patience):
                await self._has_news.wait()
        except TimeoutError:
            if not was_led and node.raft.leader is None:
                raise ApiFailure(NO_LEADER) from None
