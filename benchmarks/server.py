"""How fast the real node serves beside a real etcd: same machine, same client, one run.

Each cluster is started on loopback with fsync on. Puts and linearizable gets run in a closed loop
of so many requests in flight, over all nodes; then one node holds many keys and many revisions.
A ratio is ours over etcd's, such that 1.0 is as good and more is better. Client and daemons share
the machine's cores.

    .venv/bin/python -m benchmarks.server [SECONDS PER CASE] [KEYS] [REVISIONS]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path

import grpc

from harness.environments.hosts.processes import marked
from harness.environments.local.environment import LocalEnvironment
from harness.environments.real_time.convergence import serves
from harness.environments.real_time.endpoint import Endpoint
from harness.errors import CallError, HarnessError
from harness.plan import Plan
from harness.store import RunDirectory
from harness.systems.registry import system_of
from harness.systems.system import System
from nodeimpl.api.requests import KvRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.ids import SECOND

SECONDS, KEYS, REVISIONS = 3.0, 100_000, 100_000
IN_FLIGHT = (1, 16, 64)
NODE_COUNTS = (1, 3)
WATCHERS = (1, 100, 1_000)
WATCH_STREAMS = 10
WATCHED_PUTS = 50
BATCH = 100
"""Puts in one transaction where a store is filled."""
KEYS_LOADED = 1_000
TIMEOUT_NS = 30 * SECOND
VALUE = b"v" * 64


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of one system."""

    case: str
    value: float
    unit: str
    more_is_better: bool = False


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a closed loop came to."""

    latencies_s: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the latency that this share of the answers did not exceed."""
        in_order = sorted(self.latencies_s)
        return 1_000 * in_order[min(len(in_order) - 1, int(share * len(in_order)))]


@contextmanager
def running(system: System, nodes: int) -> Iterator[LocalEnvironment]:
    """Yield a cluster whose daemons have been started."""
    with tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder:
        plan = Plan(system=system.name, nodes=nodes)
        directory = RunDirectory.create(Path(folder), plan, datetime.now(UTC))
        with LocalEnvironment(system, plan.node_names, directory) as environment:
            environment.start()
            yield environment


async def until_serving(endpoints: Sequence[Endpoint]) -> float:
    """Wait until every node serves; return the seconds that took."""
    started = time.perf_counter()
    for endpoint in endpoints:
        while not await serves(endpoint):  # noqa: ASYNC110 - nothing tells us when it does
            await asyncio.sleep(0.01)
    return time.perf_counter() - started


async def closed_loop(
    endpoints: Sequence[Endpoint], make: Callable[[], KvRequest], in_flight: int, seconds: float
) -> Load:
    """Keep so many requests in flight for so long."""
    latencies: list[float] = []
    started = time.perf_counter()

    async def go_on(endpoint: Endpoint) -> None:
        while time.perf_counter() - started < seconds:
            before = time.perf_counter()
            await endpoint.call(make(), TIMEOUT_NS)
            latencies.append(time.perf_counter() - before)

    sources = cycle(endpoints)
    await asyncio.gather(*(go_on(next(sources)) for _ in range(in_flight)))
    return Load(latencies_s=latencies, seconds=time.perf_counter() - started)


# ---------------------------------------------------------------- puts and gets
def puts() -> Callable[[], KvRequest]:
    """Return what makes a put of the next of a thousand keys."""
    numbers = count()
    return lambda: PutRequest(key=b"k%d" % (next(numbers) % KEYS_LOADED), value=VALUE)


def gets() -> Callable[[], KvRequest]:
    """Return what makes a linearizable get of the next of a thousand keys."""
    numbers = count()
    return lambda: RangeRequest(key=b"k%d" % (next(numbers) % KEYS_LOADED))


async def throughput(addresses: Sequence[str], seconds: float) -> list[Figure]:
    """Measure puts and gets on a cluster."""
    endpoints = [Endpoint(address) for address in addresses]
    await until_serving(endpoints)
    figures: list[Figure] = []
    await closed_loop(endpoints, puts(), 64, 0.5)  # Connections, caches, the first segment.
    for name, make in (("put", puts()), ("get", gets())):
        for in_flight in IN_FLIGHT:
            load = await closed_loop(endpoints, make, in_flight, seconds)
            case = f"{name}, {len(addresses)} nodes, {in_flight} in flight"
            figures += [
                Figure(case=case, value=load.rate, unit="/s", more_is_better=True),
                Figure(case=f"{case}: p50", value=load.percentile_ms(0.5), unit="ms"),
                Figure(case=f"{case}: p99", value=load.percentile_ms(0.99), unit="ms"),
            ]
    for endpoint in endpoints:
        await endpoint.close()
    return figures


# ---------------------------------------------------------------- watches
async def fan_out(address: str) -> list[Figure]:
    """Measure how long the events of a few puts take to all of many watchers."""
    figures: list[Figure] = []
    for watchers in WATCHERS:
        async with Endpoint(address) as endpoint, grpc.aio.insecure_channel(address) as channel:
            seconds = await _fan_out(endpoint, channel, watchers)
        rate = watchers * WATCHED_PUTS / seconds
        case = f"events to {watchers} watchers"
        figures.append(Figure(case=case, value=rate, unit="/s", more_is_better=True))
    return figures


async def _fan_out(endpoint: Endpoint, channel: grpc.aio.Channel, watchers: int) -> float:
    streams = min(WATCH_STREAMS, watchers)
    share = [watchers // streams] * streams
    ready = asyncio.Semaphore(0)
    reading = [asyncio.create_task(_read_stream(channel, each, ready)) for each in share]
    for _ in range(sum(share)):
        await ready.acquire()
    started = time.perf_counter()
    for number in range(WATCHED_PUTS):
        await endpoint.call(PutRequest(key=b"watched", value=b"%d" % number), TIMEOUT_NS)
    await asyncio.gather(*reading)
    return time.perf_counter() - started


async def _read_stream(channel: grpc.aio.Channel, watchers: int, ready: asyncio.Semaphore) -> None:
    """Watch one key so many times on one stream until every watcher has seen every put."""
    watch: grpc.aio.StreamStreamMultiCallable[WatchRequest, WatchResponse] = channel.stream_stream(
        "/etcdserverpb.Watch/Watch",
        request_serializer=WatchRequest.SerializeToString,
        response_deserializer=WatchResponse.FromString,
    )
    call = watch()
    for _ in range(watchers):
        await call.write(WatchRequest(create_request=WatchCreateRequest(key=b"watched")))
    left = watchers * WATCHED_PUTS
    while left:
        response = await call.read()
        assert isinstance(response, WatchResponse), "the stream ended before its time"
        left -= len(response.events)
        if response.created:
            ready.release()
    call.cancel()


# ---------------------------------------------------------------- a large store
async def fill(endpoint: Endpoint, changes: int, keys: int) -> None:
    """Make so many changes to so many keys, in transactions, a few at a time."""
    numbers = iter(range(0, changes, BATCH))

    async def work() -> None:
        for first in numbers:
            txn = TxnRequest()
            for number in range(first, min(first + BATCH, changes)):
                put = PutRequest(key=b"key%08d" % (number % keys), value=VALUE)
                txn.success.append(RequestOp(request_put=put))
            await endpoint.call(txn, TIMEOUT_NS)

    await asyncio.gather(*(work() for _ in range(4)))


def resident_mb(environment: LocalEnvironment) -> float:
    """Return the memory of the only daemon."""
    address = environment.members[0].client_address
    for daemon in marked():
        command = Path(f"/proc/{daemon.process.pid}/cmdline").read_text(encoding="utf-8")
        if address in command:
            pages = int(Path(f"/proc/{daemon.process.pid}/statm").read_text("ascii").split()[1])
            return pages * 4_096 / 1e6
    raise HarnessError("the daemon is gone")


async def large_store(
    environment: LocalEnvironment, seconds: float, keys: int, revisions: int
) -> list[Figure]:
    """Measure what many keys and many revisions cost."""
    address = environment.members[0].client_address
    async with Endpoint(address) as endpoint:
        await until_serving([endpoint])
        empty_mb = resident_mb(environment)
        await fill(endpoint, keys, keys)
        memory_mb = resident_mb(environment) - empty_mb
        everything = RangeRequest(key=b"\0", range_end=b"\0")
        range_s = statistics.median(
            [await timed(endpoint.call(everything, TIMEOUT_NS)) for _ in range(3)]
        )
        await fill(endpoint, revisions, KEYS_LOADED)
        calm = await closed_loop([endpoint], puts(), 4, seconds)
        busy, compaction_s = await while_compacting(endpoint, seconds)
    daemons = environment.means().daemons
    daemons.kill("n1", lose_unsynced=False, torn_tail=False)
    daemons.start("n1")
    async with Endpoint(address) as endpoint:
        restart_s = await until_serving([endpoint])
    return [
        Figure(case=f"memory of {keys} keys", value=memory_mb, unit="MB"),
        Figure(case=f"range of {keys} keys", value=1_000 * range_s, unit="ms"),
        Figure(case=f"compaction of {keys + revisions} revisions", value=compaction_s, unit="s"),
        Figure(
            case="put p99 while compacting, over calm",
            value=busy.percentile_ms(0.99) / calm.percentile_ms(0.99),
            unit="times",
        ),
        Figure(case=f"restart after {keys + revisions} revisions", value=restart_s, unit="s"),
    ]


async def while_compacting(endpoint: Endpoint, seconds: float) -> tuple[Load, float]:
    """Compact everything under puts; return the puts, and how long the compaction took."""
    revision = (await endpoint.status(TIMEOUT_NS)).header.revision
    request = CompactionRequest(revision=revision, physical=True)
    compaction = asyncio.create_task(timed(endpoint.call(request, TIMEOUT_NS)))
    busy = await closed_loop([endpoint], puts(), 4, seconds)
    return busy, await compaction


async def timed(call: Awaitable[object]) -> float:
    """Return how many seconds a call took."""
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


# ---------------------------------------------------------------- the table
def measure(system: System, seconds: float, keys: int, revisions: int) -> list[Figure]:
    """Return all figures of one system."""
    figures: list[Figure] = []
    for nodes in NODE_COUNTS:
        with running(system, nodes) as environment:
            addresses = [member.client_address for member in environment.members]
            figures += asyncio.run(throughput(addresses, seconds))
            if nodes == 1:
                figures += asyncio.run(fan_out(addresses[0]))
    with running(system, 1) as environment:
        figures += asyncio.run(large_store(environment, seconds, keys, revisions))
    return figures


def show(figures: dict[str, list[Figure]]) -> None:
    """Print one line for each case, with the ratio where both were measured."""
    names = list(figures)
    print(f"{'':45}{''.join(f'{name:>18}' for name in names)}{'ratio':>10}")
    for row in zip(*figures.values(), strict=True):
        numbers = "".join(f"{figure.value:>12.1f} {figure.unit:<5}" for figure in row)
        print(f"{row[0].case:45}{numbers}{_ratio(row):>10}")


def _ratio(row: Sequence[Figure]) -> str:
    if len(row) < 2 or not row[0].value or not row[1].value:
        return ""
    theirs, ours = row[0].value, row[1].value
    return f"{ours / theirs if row[0].more_is_better else theirs / ours:.2f}"


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    seconds = float(arguments[0]) if arguments else SECONDS
    keys = int(arguments[1]) if len(arguments) > 1 else KEYS
    revisions = int(arguments[2]) if len(arguments) > 2 else REVISIONS
    figures: dict[str, list[Figure]] = {}
    for name in ("etcd", "nodeimpl"):
        try:
            system = system_of(Plan(system=name))
        except HarnessError as error:
            print(f"{name} is left out: {error}")
            continue
        try:
            figures[f"{name} {system.version}"] = measure(system, seconds, keys, revisions)
        except CallError as error:
            print(f"{name} is left out: a call failed: {error}")
    show(figures)


if __name__ == "__main__":
    main(sys.argv[1:])
