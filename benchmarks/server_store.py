"""What many keys and much history cost the real node beside a real etcd, of one node each.

Both run at the same time and are asked in turns. First KEYS are put (memory, a range of them all),
then REVISIONS changes are made to a thousand keys, all of it is compacted under puts, and both are
killed and started again. Changes come in transactions of a hundred, so that there are as many rows
and a hundredth of the revisions: rows are what restart and compaction cost.

    .venv/bin/python -m benchmarks.server_store [KEYS] [REVISIONS] [SECONDS OF PUTS]
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Sequence

from benchmarks.server import (
    KEYS_LOADED,
    TIMEOUT_NS,
    VALUE,
    Figure,
    Load,
    Side,
    both,
    closed_loop,
    puts,
    show,
    show_head,
    until_serving,
)
from harness.environments.real_time.endpoint import Endpoint
from nodeimpl.api.rpc_pb2 import CompactionRequest, PutRequest, RangeRequest, RequestOp, TxnRequest
from nodeimpl.ids import SECOND

KEYS, REVISIONS, SECONDS = 100_000, 1_000_000, 5.0
BATCH = 100
"""Puts in one transaction where a store is filled."""
RANGES = 3
COMPACTION_TIMEOUT_NS = 900 * SECOND


async def fill(endpoint: Endpoint, changes: int, keys: int) -> float:
    """Make so many changes to so many keys, a few transactions at a time; return the seconds."""
    numbers = iter(range(0, changes, BATCH))

    async def work() -> None:
        for first in numbers:
            txn = TxnRequest()
            for number in range(first, min(first + BATCH, changes)):
                put = PutRequest(key=b"key%08d" % (number % keys), value=VALUE)
                txn.success.append(RequestOp(request_put=put))
            await endpoint.call(txn, TIMEOUT_NS)

    return await timed(asyncio.gather(*(work() for _ in range(4))))


async def filled(side: Side, keys: int) -> list[Figure]:
    """Put many keys, and read them all."""
    async with Endpoint(side.addresses[0]) as endpoint:
        await until_serving([endpoint])
        empty_mb = side.resident_mb()
        seconds = await fill(endpoint, keys, keys)
        memory_mb = side.resident_mb() - empty_mb
        everything = RangeRequest(key=b"\0", range_end=b"\0")
        ranges_s = [await timed(endpoint.call(everything, TIMEOUT_NS)) for _ in range(RANGES)]
    return [
        Figure(case=f"filling with {keys} keys", value=seconds, unit="s"),
        Figure(case=f"memory of {keys} keys", value=memory_mb, unit="MB"),
        Figure(case=f"range of {keys} keys", value=1_000 * statistics.median(ranges_s), unit="ms"),
    ]


async def changed(side: Side, revisions: int) -> list[Figure]:
    """Make many changes."""
    async with Endpoint(side.addresses[0]) as endpoint:
        seconds = await fill(endpoint, revisions, KEYS_LOADED)
    return [Figure(case=f"{revisions} changes", value=seconds, unit="s")]


def restarted(side: Side, case: str) -> list[Figure]:
    """Kill the daemon and start it again; it serves when a read is answered."""
    daemons = side.environment.means().daemons
    daemons.kill("n1", lose_unsynced=False, torn_tail=False)
    daemons.start("n1")

    async def until_it_serves() -> float:
        async with Endpoint(side.addresses[0]) as endpoint:
            return await until_serving([endpoint])

    return [Figure(case=case, value=asyncio.run(until_it_serves()), unit="s")]


async def compacted(side: Side, changes: int, seconds: float) -> list[Figure]:
    """Compact everything under puts."""
    async with Endpoint(side.addresses[0]) as endpoint:
        calm = await closed_loop([endpoint], puts(), 4, seconds)
        busy, compaction_s = await _while_compacting(endpoint, seconds)
    return [
        Figure(case=f"compaction of {changes} changes", value=compaction_s, unit="s"),
        Figure(case="put p99, calm", value=calm.percentile_ms(0.99), unit="ms"),
        Figure(case="put p99 while compacting", value=busy.percentile_ms(0.99), unit="ms"),
        Figure(case="put rate while compacting", value=busy.rate, unit="/s", more_is_better=True),
    ]


async def _while_compacting(endpoint: Endpoint, seconds: float) -> tuple[Load, float]:
    revision = (await endpoint.status(TIMEOUT_NS)).header.revision
    request = CompactionRequest(revision=revision, physical=True)
    compaction = asyncio.create_task(timed(endpoint.call(request, COMPACTION_TIMEOUT_NS)))
    busy = await closed_loop([endpoint], puts(), 4, seconds)
    return busy, await compaction


async def timed(call: Awaitable[object]) -> float:
    """Return how many seconds a call took."""
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    keys = int(arguments[0]) if arguments else KEYS
    revisions = int(arguments[1]) if len(arguments) > 1 else REVISIONS
    seconds = float(arguments[2]) if len(arguments) > 2 else SECONDS
    total = keys + revisions
    with both(1) as sides:
        show_head(sides)
        show(sides, [[asyncio.run(filled(side, keys)) for side in sides]])
        show(sides, [[asyncio.run(changed(side, revisions)) for side in sides]])
        show(sides, [[restarted(side, f"restart after {total} changes") for side in sides]])
        show(sides, [[asyncio.run(compacted(side, total, seconds)) for side in sides]])


if __name__ == "__main__":
    main(sys.argv[1:])
