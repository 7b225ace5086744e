"""Basic operations through etcd3aio, another asyncio client; prints what it was answered."""

import asyncio
import sys

import grpc.aio
from etcd3aio import Etcd3Client, WatchFilter, prefix_range_end


async def keys(client: Etcd3Client) -> None:
    kv = client.kv
    base = (await kv.put("b/1", "one")).header.revision
    await kv.put("b/2", "two")
    replaced = await kv.put("b/1", "three", prev_kv=True)
    print("replaced", replaced.prev_kv.value, replaced.header.revision - base)
    end = prefix_range_end("b/")
    found = await kv.get("b/", range_end=end, limit=1)
    print("get", [(each.key, each.version) for each in found.kvs], found.count, found.more)
    past = await kv.get("b/1", revision=replaced.header.revision - 1)
    print("past", past.kvs[0].value)
    print("local", (await kv.get("b/1", serializable=True)).count)
    deleted = await kv.delete("b/", range_end=end, prev_kv=True)
    print("delete", deleted.deleted, [each.value for each in deleted.prev_kvs])
    try:
        await kv.get("b/1", revision=10**9)
    except grpc.aio.AioRpcError as error:
        print("refused", error.code().name, error.details())


async def transactions(client: Etcd3Client) -> None:
    kv = client.kv
    for _ in range(2):
        answer = await kv.txn(
            compare=[kv.txn_compare_version("t", 0)],
            success=[kv.txn_op_put("t", "1"), kv.txn_op_put("u", "2")],
            failure=[kv.txn_op_get("t"), kv.txn_op_delete("t", prev_kv=True)],
        )
        print(
            "transaction",
            answer.succeeded,
            [each.WhichOneof("response") for each in answer.responses],
        )
    try:
        await kv.txn([], [kv.txn_op_put("t", "1"), kv.txn_op_put("t", "2")])
    except grpc.aio.AioRpcError as error:
        print("refused", error.code().name, error.details())


async def watches(client: Etcd3Client) -> None:
    first = (await client.kv.put("w/1", "past")).header.revision
    await client.kv.delete("w/1")
    await client.kv.put("w/2", "now")
    end = prefix_range_end("w/")
    for filters in ((), (WatchFilter.NOPUT,)):
        async for response in client.watch.watch(
            "w/", range_end=end, start_revision=first, prev_kv=True, filters=filters
        ):
            print(
                "watch",
                response.created,
                [(e.type, e.kv.key, e.prev_kv.value) for e in response.events],
            )
            if response.events:
                break
    await client.kv.compact(first + 1, physical=True)
    async for response in client.watch.watch("w/1", start_revision=first):
        if response.canceled:
            print("compacted", response.compact_revision - first)
            break


async def leases(client: Etcd3Client) -> None:
    lease = await client.lease.grant(ttl=60)
    await client.kv.put("l/1", "x", lease=lease.ID)
    left = await client.lease.time_to_live(lease.ID, keys=True)
    print("lease", left.grantedTTL, left.TTL > 50, list(left.keys))
    async for answer in client.lease.keep_alive(lease.ID):
        print("renewed", answer.TTL)
        break
    print("leases", lease.ID in [each.ID for each in (await client.lease.leases()).leases])
    await client.lease.revoke(lease.ID)
    print("gone", (await client.kv.get("l/1")).count)
    print("expired", (await client.lease.time_to_live(lease.ID)).TTL)


async def locks(client: Etcd3Client) -> None:
    second = client.lock("mutex", ttl=60)
    async with client.lock("mutex", ttl=60):
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(0.2)
        print("waits", not waiting.done())
    await waiting
    print("locked", waiting.done())
    await second.release()
    async with client.election("office", value=b"first", ttl=60) as election:
        print("leads", [each.value for each in (await election.leader()).kvs])
        await election.proclaim(b"again")
        print("leads", [each.value for each in (await election.leader()).kvs])


async def the_cluster(client: Etcd3Client) -> None:
    await client.ping()
    members = (await client.cluster.member_list()).members
    print("members", bool(members), all(member.clientURLs for member in members))
    status = await client.maintenance.status()
    print("has a leader", status.leader in [member.ID for member in members])
    print("alarms", list((await client.maintenance.alarms()).alarms))
    print("hash", (await client.maintenance.hash_kv()).hash != 0)
    chunks = [chunk async for chunk in client.maintenance.snapshot()]
    print("snapshot", sum(map(len, chunks)) > 0)


async def main(host: str, port: int) -> None:
    async with Etcd3Client([f"{host}:{port}"]) as client:
        await client.kv.delete("\0", range_end="\0")
        for part in (keys, transactions, watches, leases, locks, the_cluster):
            await part(client)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
