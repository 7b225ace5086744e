"""How fast the real node serves beside a real etcd: same machine, same client, turn by turn.

Clusters of both run on loopback at the same time, fsync on, and are asked in turns, ROUNDS of them
for each case: so whatever else keeps the machine busy hits both alike. A closed loop keeps so many
requests in flight, over all nodes; then one put after another is told to many watchers. Shown are
the medians over the rounds, and the median of the rounds' ratios, such that 1.0 is as good as etcd
and more is better. "CPU" is what all daemons of a cluster spend on a request. Client and daemons
share the machine's cores.

    .venv/bin/python -m benchmarks.server [SECONDS PER CASE AND ROUND]
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path

import grpc

from harness.environments.hosts.processes import marked
from harness.environments.local.environment import LocalEnvironment
from harness.environments.real_time.convergence import serves
from harness.environments.real_time.endpoint import Endpoint
from harness.errors import HarnessError
from harness.plan import Plan
from harness.store import RunDirectory
from harness.systems.registry import system_of
from harness.systems.system import System
from nodeimpl.api.requests import KvRequest
from nodeimpl.api.rpc_pb2 import (
    PutRequest,
    RangeRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.ids import SECOND

SECONDS = 2.0
ROUNDS = 3
IN_FLIGHT = (1, 16, 64)
NODE_COUNTS = (1, 3)
WATCHERS = (1, 100, 1_000)
WATCH_STREAMS = 10
WATCHED_PUTS = 20
KEYS_LOADED = 1_000
TIMEOUT_NS = 120 * SECOND
VALUE = b"v" * 64
_TICKS_S = os.sysconf("SC_CLK_TCK")


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


@dataclass(frozen=True, kw_only=True)
class Side:
    """One system's cluster, which runs."""

    name: str
    environment: LocalEnvironment
    run: Path
    """The directory of its run, by which its daemons are known."""

    @property
    def addresses(self) -> list[str]:
        """Where its nodes' clients go."""
        return [member.client_address for member in self.environment.members]

    def pids(self) -> list[int]:
        """Return its daemons' numbers; raise `HarnessError` if one is gone."""
        ours = [each.process.pid for each in marked() if each.run == str(self.run)]
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in ours}
        own = [pid for pid, line in lines.items() if b"--data-dir=" in line]  # no helper of theirs
        if len(own) != len(self.addresses):
            raise HarnessError(f"{self.name}: {len(own)} of {len(self.addresses)} daemons run")
        return own

    def cpu_s(self) -> float:
        """Return the CPU seconds that its daemons have spent so far."""
        stats = [Path(f"/proc/{pid}/stat").read_text("utf-8") for pid in self.pids()]
        fields = [stat.rpartition(")")[2].split() for stat in stats]
        return sum(int(each[11]) + int(each[12]) for each in fields) / _TICKS_S

    def resident_mb(self) -> float:
        """Return the memory of its daemons."""
        pages = [
            int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) for pid in self.pids()
        ]
        return sum(pages) * 4_096 / 1e6


@contextmanager
def running(system: System, nodes: int) -> Iterator[Side]:
    """Yield a cluster whose daemons have been started."""
    with tempfile.TemporaryDirectory(prefix="quorate-bench-") as folder:
        plan = Plan(system=system.name, nodes=nodes)
        directory = RunDirectory.create(Path(folder), plan, datetime.now(UTC))
        with LocalEnvironment(system, plan.node_names, directory) as environment:
            environment.start()
            name = f"{system.name} {system.version}"
            yield Side(name=name, environment=environment, run=directory.path)


@contextmanager
def both(nodes: int) -> Iterator[list[Side]]:
    """Yield a cluster of etcd, where it is installed, and one of ours."""
    with ExitStack() as stack:
        sides = []
        for name in ("etcd", "nodeimpl"):
            try:
                system = system_of(Plan(system=name))
            except HarnessError as error:
                print(f"{name} is left out: {error}")
                continue
            sides.append(stack.enter_context(running(system, nodes)))
        yield sides


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


async def throughput(sides: Sequence[Side], seconds: float) -> None:
    """Measure puts and gets, and print a line for each figure."""
    endpoints = {side.name: [Endpoint(address) for address in side.addresses] for side in sides}
    for side in sides:
        await until_serving(endpoints[side.name])
        await closed_loop(endpoints[side.name], puts(), 64, 0.5)  # Connections, caches, segments.
    nodes = len(sides[0].addresses)
    for name, make in (("put", puts()), ("get", gets())):
        for in_flight in IN_FLIGHT:
            case = f"{name}, {nodes} nodes, {in_flight} in flight"
            rounds = [
                [
                    await _loaded(side, endpoints[side.name], make, case, in_flight, seconds)
                    for side in sides
                ]
                for _ in range(ROUNDS)
            ]
            show(sides, rounds)
    for each in endpoints.values():
        for endpoint in each:
            await endpoint.close()


async def _loaded(
    side: Side,
    endpoints: Sequence[Endpoint],
    make: Callable[[], KvRequest],
    case: str,
    in_flight: int,
    seconds: float,
) -> list[Figure]:
    before_s = side.cpu_s()
    load = await closed_loop(endpoints, make, in_flight, seconds)
    cpu_us = 1e6 * (side.cpu_s() - before_s) / len(load.latencies_s)
    return [
        Figure(case=case, value=load.rate, unit="/s", more_is_better=True),
        Figure(case=f"{case}: p50", value=load.percentile_ms(0.5), unit="ms"),
        Figure(case=f"{case}: p99", value=load.percentile_ms(0.99), unit="ms"),
        Figure(case=f"{case}: CPU", value=cpu_us, unit="us"),
    ]


# ---------------------------------------------------------------- watches
async def fan_out(sides: Sequence[Side]) -> None:
    """Measure how long the events of a few puts take to all of many watchers, and print it."""
    for watchers in WATCHERS:
        rounds = [[[await _told(side, watchers)] for side in sides] for _ in range(ROUNDS)]
        show(sides, rounds)


async def _told(side: Side, watchers: int) -> Figure:
    address = side.addresses[0]
    async with Endpoint(address) as endpoint, grpc.aio.insecure_channel(address) as channel:
        seconds = await _fan_out(endpoint, channel, watchers)
    rate = watchers * WATCHED_PUTS / seconds
    return Figure(case=f"events to {watchers} watchers", value=rate, unit="/s", more_is_better=True)


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


# ---------------------------------------------------------------- the table
def show_head(sides: Sequence[Side]) -> None:
    """Print the first line."""
    print(f"{'':45}{''.join(f'{side.name:>18}' for side in sides)}{'ratio':>10}", flush=True)


def show(sides: Sequence[Side], rounds: Sequence[Sequence[Sequence[Figure]]]) -> None:
    """Print a line for each figure: of every round what each side came to."""
    for row in zip(*(zip(*each, strict=True) for each in rounds), strict=True):
        values = [[figures[place].value for figures in row] for place in range(len(sides))]
        case = row[0][0]
        numbers = "".join(f"{statistics.median(each):>12.1f} {case.unit:<5}" for each in values)
        print(f"{case.case:45}{numbers}{_ratio(row):>10}", flush=True)


def _ratio(row: Sequence[Sequence[Figure]]) -> str:
    """Return the median of the rounds' ratios, and their range; empty with one side alone."""
    if len(row[0]) < 2 or not all(figure.value for figures in row for figure in figures):
        return ""
    ratios = sorted(
        ours.value / theirs.value if ours.more_is_better else theirs.value / ours.value
        for theirs, ours in row
    )
    spread = f" ({ratios[0]:.2f}-{ratios[-1]:.2f})" if len(ratios) > 1 else ""
    return f"{statistics.median(ratios):.2f}{spread}"


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    seconds = float(arguments[0]) if arguments else SECONDS
    for nodes in NODE_COUNTS:
        with both(nodes) as sides:
            show_head(sides)
            asyncio.run(throughput(sides, seconds))
            if nodes == 1:
                asyncio.run(fan_out(sides))


if __name__ == "__main__":
    main(sys.argv[1:])
