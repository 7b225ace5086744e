"""The queue behind locks and elections, asked directly (`test_grpc_lock` goes through gRPC)."""

import asyncio

import pytest

from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    LeaseGrantRequest,
    PutRequest,
)
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.succession import SESSION_EXPIRED, Succession
from tests.nodeimpl.server.rigs import with_leader
from tests.nodeimpl.server.waiting import until


async def queue(driver: Driver, *leases: int) -> Succession:
    for lease in leases:
        await driver.ask(LeaseGrantRequest(ID=lease, TTL=60))
    return Succession(driver, None, b"q")


def test_places_are_in_the_order_of_their_making() -> None:
    async def story(driver: Driver) -> None:
        succession = await queue(driver, 5, 6)
        first, second = [await succession.join(lease, b"") for lease in (6, 5)]
        assert (first.key, second.key) == (b"q/6", b"q/5")
        assert first.revision < second.revision
        assert [kv.key for kv in (await succession.first()).kvs] == [b"q/6"]

    with_leader(story)


def test_who_joins_again_keeps_its_place_and_its_value() -> None:
    async def story(driver: Driver) -> None:
        succession = await queue(driver, 5)
        made = await succession.join(5, b"one")
        found = await succession.join(5, b"two")
        assert made.found is None
        assert found.found is not None
        assert (found.found.value, found.revision) == (b"one", made.revision)

    with_leader(story)


def test_a_compaction_while_one_waits_makes_it_look_again() -> None:
    async def story(driver: Driver) -> None:
        succession = await queue(driver, 5, 6)
        first = await succession.join(5, b"")
        second = await succession.join(6, b"")
        waiting = asyncio.ensure_future(succession.wait_until_first(second))
        for _ in range(5):
            await driver.ask(PutRequest(key=b"elsewhere"))
        await driver.ask(CompactionRequest(revision=driver.node.store.revision))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await succession.leave(first)
        assert (await waiting).revision >= second.revision

    with_leader(story)


def test_who_has_lost_its_place_is_told() -> None:
    async def story(driver: Driver) -> None:
        succession = await queue(driver, 5)
        place = await succession.join(5, b"")
        await driver.ask(DeleteRangeRequest(key=place.key))
        with pytest.raises(ApiFailure) as failure:
            await succession.wait_until_first(place)
        assert failure.value.error is SESSION_EXPIRED

    with_leader(story)


def test_a_place_made_anew_is_not_given_up_for_the_old_one() -> None:
    async def story(driver: Driver) -> None:
        succession = await queue(driver, 5)
        old = await succession.join(5, b"")
        await succession.leave(old)
        new = await succession.join(5, b"")
        await succession.leave(old)
        assert [kv.key for kv in (await succession.first()).kvs] == [new.key]

    with_leader(story)


def test_whoever_stops_watching_leaves_no_watcher_behind() -> None:
    async def story(driver: Driver) -> None:
        succession = await queue(driver)
        async with succession.changes(b"k", b"", 1) as responses:
            assert (await anext(responses)).created
            assert len(driver.node.watch.streams) == 1
        await until(lambda: not driver.node.watch.streams)

    with_leader(story)
