"""Basic operations through aetcd, an asyncio client; prints what it was answered."""

import asyncio
import sys

import aetcd

PATIENCE_S = 20


async def keys(client: aetcd.Client) -> None:
    base = (await client.put(b"a/1", b"one")).header.revision
    await client.put(b"a/2", b"two")
    replaced = await client.put(b"a/1", b"three", prev_kv=True)
    print("replaced", replaced.prev_kv.value, replaced.header.revision - base)
    found = await client.get(b"a/1")
    print(
        "get", found.value, found.version, found.create_revision - base, found.mod_revision - base
    )
    print("missing", await client.get(b"a/none"))
    print("prefix", [(kv.key, kv.value) for kv in await client.get_prefix(b"a/")])
    descending = await client.get_range(b"a/1", b"a/9", sort_order="descend")
    print("descending", [kv.key for kv in descending])
    print("delete", bool(await client.delete(b"a/2")), await client.delete(b"a/2"))
    await client.put(b"a/3", b"x")
    print("delete prefix", (await client.delete_prefix(b"a/")).deleted)


async def transactions(client: aetcd.Client) -> None:
    of = client.transactions
    for _ in range(2):
        done, answers = await client.transaction(
            compare=[of.version(b"t") == 0],
            success=[of.put(b"t", b"1")],
            failure=[of.get(b"t"), of.delete(b"t")],
        )
        print("transaction", done, len(answers))
    await client.put(b"t", b"old")
    print("replace", await client.replace(b"t", b"old", b"new"))
    print("replace", await client.replace(b"t", b"old", b"never"))
    print("holds", (await client.get(b"t")).value)


async def watches(client: aetcd.Client) -> None:
    first = (await client.put(b"w/1", b"past")).header.revision
    await client.delete(b"w/1")
    watch = await client.watch_prefix(b"w/", start_revision=first, prev_kv=True)
    await client.put(b"w/2", b"now")
    seen = 0
    async for event in watch:
        before = event.prev_kv.value if event.prev_kv else None
        print("event", event.kind, event.kv.key, event.kv.value, before)
        seen += 1
        if seen == 3:
            break
    await watch.cancel()
    await client.compact(first + 1)
    try:
        async for event in await client.watch(b"w/1", start_revision=first):
            print("unexpected", event)
    except aetcd.RevisionCompactedError as error:
        print("compacted", error.compacted_revision - first)


async def leases(client: aetcd.Client) -> None:
    lease = await client.lease(60)
    await client.put(b"l/1", b"x", lease=lease)
    print("keys", await lease.keys(), await lease.granted_ttl())
    print("is kept", await lease.remaining_ttl() > 50)
    print("renewed", (await lease.refresh()).TTL)
    await lease.revoke()
    print("gone", await client.get(b"l/1"))
    await client.lease(60, lease_id=77)
    try:
        await client.lease(60, lease_id=77)
    except aetcd.DuplicateLeaseError as error:
        print("duplicate", type(error).__name__)
    await client.revoke_lease(77)


async def locks(client: aetcd.Client) -> None:
    first, second = client.lock(b"mutex", ttl=60), client.lock(b"mutex", ttl=60)
    print("locked", await first.acquire(), await second.acquire(timeout=0))
    waiting = asyncio.create_task(second.acquire(timeout=PATIENCE_S))
    await asyncio.sleep(0.2)
    print("waits", not waiting.done(), await first.release())
    print("locked", await waiting, await first.is_acquired(), await second.is_acquired())
    await second.release()


async def the_cluster(client: aetcd.Client) -> None:
    members = [member async for member in client.members()]
    print("members", all(member.client_urls for member in members), bool(members))
    print("has a leader", (await client.status()).leader is not None)
    print("alarms", [alarm async for alarm in client.list_alarms()])


async def main(host: str, port: int) -> None:
    async with aetcd.Client(host=host, port=port, timeout=PATIENCE_S) as client:
        await client.delete_range(b"\0", b"\0")
        for part in (keys, transactions, watches, leases, locks, the_cluster):
            await part(client)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
