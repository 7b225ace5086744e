"""The queue behind locks and elections: keys under a prefix, the oldest of which comes first.

Everyone who wants to be first makes a key of their own, which lives by their lease, and waits until
none older is left (etcd, clientv3/concurrency: key.go, mutex.go, election.go). Each waits for the
next older one only, so that one departure wakes one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from nodeimpl.api.errors import ApiError, GrpcCode
from nodeimpl.api.kv_pb2 import Event, KeyValue
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    Compare,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseGrantResponse,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    ResponseHeader,
    TxnRequest,
    TxnResponse,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.reception import Caller

TTL_SECONDS: Final = 60
"""Of the lease that is granted to who brings none (etcd, concurrency.defaultSessionTTL)."""
ROOM_BYTES: Final = 1 << 20
SESSION_EXPIRED: Final = ApiError(GrpcCode.UNKNOWN, "mutex: session is expired", definite=False)


class Place(msgspec.Struct, frozen=True):
    """A place in the queue."""

    key: bytes
    revision: int
    """At which the key was made: the lower, the further in front."""
    lease: int
    found: KeyValue | None
    """The key as it was there before; None if it was made now."""


class Succession:
    """The queue of one name."""

    def __init__(self, driver: Driver, caller: Caller, name: bytes) -> None:
        self._driver = driver
        self._caller = caller
        self.prefix = name + b"/"
        self.prefix_end = name + b"0"  # the byte after the slash

    async def ask(self, request: ApiRequest) -> ApiResponse:
        """Ask the node on behalf of whoever called; raise `ApiFailure` for an error."""
        return await self._driver.ask(request, self._caller)

    async def join(self, lease: int, value: bytes) -> Place:
        """Return the place of the key that lives by `lease`, made with this value if need be."""
        lease = lease or await self._grant()
        key = self.prefix + b"%x" % (lease % 2**64)
        is_new = Compare(result=Compare.EQUAL, target=Compare.CREATE, key=key, create_revision=0)
        put = RequestOp(request_put=PutRequest(key=key, value=value, lease=lease))
        get = RequestOp(request_range=RangeRequest(key=key))
        response = await self.ask(TxnRequest(compare=[is_new], success=[put], failure=[get]))
        assert isinstance(response, TxnResponse), "the answer to a transaction"
        if response.succeeded:
            return Place(key, response.header.revision, lease, None)
        found = response.responses[0].response_range.kvs[0]
        return Place(key, found.create_revision, lease, found)

    async def wait_until_first(self, place: Place) -> ResponseHeader:
        """Return, when no older key is left, the header of the read that found so.

        Raises `SESSION_EXPIRED` if the key itself has gone meanwhile, with its lease.
        """
        while True:
            older = await self._read(
                RangeRequest(
                    key=self.prefix,
                    range_end=self.prefix_end,
                    sort_order=RangeRequest.DESCEND,
                    sort_target=RangeRequest.CREATE,
                    max_create_revision=place.revision - 1,
                    limit=1,
                )
            )
            if not older.kvs:
                break
            await self._wait_for_delete(older.kvs[0].key, older.header.revision + 1)
        own = await self._read(RangeRequest(key=place.key))
        if not own.kvs or own.kvs[0].create_revision != place.revision:
            raise ApiFailure(SESSION_EXPIRED)
        return own.header

    async def first(self) -> RangeResponse:
        """Return the read of the oldest key; it may be that there is none."""
        return await self._read(
            RangeRequest(
                key=self.prefix,
                range_end=self.prefix_end,
                sort_order=RangeRequest.ASCEND,
                sort_target=RangeRequest.CREATE,
                limit=1,
            )
        )

    async def leave(self, place: Place) -> None:
        """Give up the place, if it is still this one."""
        is_own = Compare(
            result=Compare.EQUAL,
            target=Compare.CREATE,
            key=place.key,
            create_revision=place.revision,
        )
        delete = RequestOp(request_delete_range=DeleteRangeRequest(key=place.key))
        await self.ask(TxnRequest(compare=[is_own], success=[delete]))

    @asynccontextmanager
    async def changes(
        self, key: bytes, range_end: bytes, start: int
    ) -> "AsyncIterator[AsyncIterator[WatchResponse]]":
        """Give the responses of a watch from revision `start`, until the context is left."""
        queue: asyncio.Queue[WatchResponse] = asyncio.Queue()
        stream = self._driver.open_watch(ROOM_BYTES, queue.put_nowait, self._caller)
        create = WatchCreateRequest(key=key, range_end=range_end, start_revision=start)
        self._driver.ask_watch(stream, WatchRequest(create_request=create))

        async def responses() -> AsyncIterator[WatchResponse]:
            while True:
                response = await queue.get()
                self._driver.watch_drained(stream, response.ByteSize())
                yield response

        try:
            yield responses()
        finally:
            self._driver.close_watch(stream)

    async def _wait_for_delete(self, key: bytes, start: int) -> None:
        """Return when the key was deleted, or when that can no longer be told: then look again."""
        async with self.changes(key, b"", start) as responses:
            async for response in responses:
                if response.canceled or any(
                    event.type == Event.DELETE for event in response.events
                ):
                    return

    async def _grant(self) -> int:
        response = await self.ask(LeaseGrantRequest(TTL=TTL_SECONDS))
        assert isinstance(response, LeaseGrantResponse), "the answer to a grant"
        return response.ID

    async def _read(self, request: RangeRequest) -> RangeResponse:
        response = await self.ask(request)
        assert isinstance(response, RangeResponse), "the answer to a range"
        return response
