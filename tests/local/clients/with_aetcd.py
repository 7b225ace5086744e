"""Basic operations through aetcd, an asyncio client; run by an interpreter that has it."""

import asyncio
import sys

import aetcd


async def main(host: str, port: int) -> None:
    async with aetcd.Client(host=host, port=port) as client:
        await client.put(b"a/1", b"one")
        await client.put(b"a/2", b"two")
        found = await client.get(b"a/1")
        assert found.value == b"one", found
        names = [kv.key for kv in await client.get_prefix(b"a/")]
        assert names == [b"a/1", b"a/2"], names

        done, _ = await client.transaction(
            compare=[client.transactions.value(b"a/1") == b"one"],
            success=[client.transactions.put(b"a/1", b"changed")],
            failure=[],
        )
        assert done
        assert (await client.get(b"a/1")).value == b"changed"
        assert await client.replace(b"a/1", b"changed", b"again")
        assert not await client.replace(b"a/1", b"changed", b"never")

        watch = await client.watch(b"w")
        await client.put(b"w", b"seen")
        async for event in watch:
            assert event.kv.value == b"seen", event
            break
        await watch.cancel()

        lease = await client.lease(60)
        await client.put(b"leased", b"x", lease=lease)
        assert (await lease.remaining_ttl()) > 50
        await lease.refresh()
        await lease.revoke()
        assert await client.get(b"leased") is None

        async with client.lock(b"mutex"):
            pass

        assert await client.delete(b"a/2")
        assert await client.get(b"a/2") is None
        assert [member async for member in client.members()]
        status = await client.status()
        assert status.leader is not None, status


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
