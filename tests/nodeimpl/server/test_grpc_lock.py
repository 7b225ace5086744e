"""Locks, and the queue behind them and elections (`succession`)."""

import asyncio
from collections.abc import Sequence

import grpc
import pytest

from nodeimpl.api.lock_pb2 import LockRequest, LockResponse, UnlockRequest, UnlockResponse
from nodeimpl.api.rpc_pb2 import LeaseGrantRequest, LeaseRevokeRequest, RangeRequest, RangeResponse
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_lock import lock_service
from nodeimpl.server.grpc_serving import Service
from nodeimpl.server.reception import Reception
from tests.nodeimpl.server.rigs import Calls, serving
from tests.nodeimpl.server.waiting import until

LOCK, UNLOCK = "/v3lockpb.Lock/Lock", "/v3lockpb.Lock/Unlock"


def services(driver: Driver) -> Sequence[Service]:
    return [lock_service(Reception(driver, by_certificate=False))]


async def grant(calls: Calls, *leases: int) -> None:
    for lease in leases:
        await calls.driver.ask(LeaseGrantRequest(ID=lease, TTL=60))


async def keys(calls: Calls) -> list[bytes]:
    response = await calls.driver.ask(RangeRequest(key=b"\0", range_end=b"\0"))
    assert isinstance(response, RangeResponse)
    return [kv.key for kv in response.kvs]


def locking(calls: Calls, lease: int) -> "asyncio.Task[LockResponse]":
    request = LockRequest(name=b"m", lease=lease)
    return asyncio.ensure_future(calls.ask(LOCK, request, LockResponse))


def test_a_lock_is_held_by_one_at_a_time_in_turn() -> None:
    async def story(calls: Calls) -> None:
        await grant(calls, 5, 6, 7)
        first = await locking(calls, 5)
        assert first.key == b"m/5"
        second = locking(calls, 6)
        await until(lambda: calls.driver.node.store.revision == 3)
        third = locking(calls, 7)
        await until(lambda: calls.driver.node.store.revision == 4)
        await asyncio.sleep(0.05)
        assert not second.done()
        await calls.ask(UNLOCK, UnlockRequest(key=first.key), UnlockResponse)
        assert (await second).key == b"m/6"
        assert not third.done()
        await calls.driver.ask(LeaseRevokeRequest(ID=6))  # as if its holder had died
        assert (await third).key == b"m/7"

    serving(services, story)


def test_who_holds_a_lock_gets_it_again() -> None:
    async def story(calls: Calls) -> None:
        await grant(calls, 5)
        assert (await locking(calls, 5)).key == (await locking(calls, 5)).key

    serving(services, story)


def test_who_gives_up_leaves_the_queue() -> None:
    async def story(calls: Calls) -> None:
        await grant(calls, 5, 6)
        await locking(calls, 5)
        waiting = locking(calls, 6)
        await until(lambda: calls.driver.node.store.revision == 3)
        waiting.cancel()
        revision = calls.driver.node.store.revision
        await until(lambda: calls.driver.node.store.revision > revision)
        assert await keys(calls) == [b"m/5"]

    serving(services, story)


def test_who_loses_its_lease_while_it_waits_does_not_get_the_lock() -> None:
    async def story(calls: Calls) -> None:
        await grant(calls, 5, 6)
        held = await locking(calls, 5)
        waiting = locking(calls, 6)
        await until(lambda: calls.driver.node.store.revision == 3)
        await calls.driver.ask(LeaseRevokeRequest(ID=6))
        await calls.ask(UNLOCK, UnlockRequest(key=held.key), UnlockResponse)
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await waiting
        assert failure.value.details() == "mutex: session is expired"

    serving(services, story)


def test_who_brings_no_lease_is_granted_one() -> None:
    async def story(calls: Calls) -> None:
        await locking(calls, 0)
        [lease] = calls.driver.node.store.leases.by_id.values()
        assert lease.ttl_s == 60
        assert await keys(calls) == [b"m/%x" % lease.lease_id]

    serving(services, story)
