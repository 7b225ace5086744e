"""What the harness costs its clients: recorded operations beside a bare gRPC loop.

Three nodes of etcd without fsync, 64 requests in flight, puts of one small value. *Bare* is a loop
over grpc.aio that does nothing else; *recorded* is what a trial does: generator, interpreter,
client, history on disk. Both take turns, ROUNDS times, so whatever else keeps the machine busy hits
both alike. Shown are the medians of the rounds, and the medians of the rounds' ratios; 1.0 is as
good as the bare loop. Client and daemons share the machine's cores.

    .venv/bin/python -m benchmarks.harness_overhead [SECONDS PER TURN]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.server import Load, closed_loop, running, until_serving
from checkers.history import Op, OpType
from harness.environments.real_time.clients import RealTimeClients
from harness.environments.real_time.clock import TrialClock
from harness.environments.real_time.endpoint import Endpoint
from harness.etcd_client import KvClient
from harness.generator.bounds import TimeLimit
from harness.generator.generator import Context, Invocation
from harness.generator.sources import Endless
from harness.interpreter import Interpreter, Streams
from harness.plan import DaemonPlan, Plan
from harness.recorder import Recorder
from harness.systems.registry import system_of
from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import SECOND

SECONDS = 3.0
ROUNDS = 7
IN_FLIGHT = 64
KEYS = 100
TIMEOUT_NS = 60 * SECOND
VALUE = "v" * 64
PLAN = Plan(system="etcd", environment="local", daemon=DaemonPlan(fsync=False))


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What came of one turn."""

    ops_per_s: float
    p50_ms: float


def main() -> None:
    """Start the cluster and print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with (
        running(system_of(PLAN), PLAN.nodes) as side,
        tempfile.TemporaryDirectory(prefix="quorate-overhead-") as folder,
    ):
        addresses = {member.name: member.client_address for member in side.environment.members}
        pairs = asyncio.run(_take_turns(addresses, seconds, Path(folder)))
    _print(pairs)


def _print(pairs: Sequence[tuple[Turn, Turn]]) -> None:
    print(f"{'':<10}{'puts/s':>10}{'p50 ms':>10}")
    for name, turns in zip(("bare", "recorded"), zip(*pairs, strict=True), strict=True):
        speed = statistics.median(turn.ops_per_s for turn in turns)
        latency = statistics.median(turn.p50_ms for turn in turns)
        print(f"{name:<10}{speed:>10.0f}{latency:>10.2f}")
    speed = statistics.median(recorded.ops_per_s / bare.ops_per_s for bare, recorded in pairs)
    latency = statistics.median(recorded.p50_ms / bare.p50_ms for bare, recorded in pairs)
    print(f"{'ratio':<10}{speed:>10.2f}{latency:>10.2f}")


async def _take_turns(
    addresses: Mapping[str, str], seconds: float, folder: Path
) -> list[tuple[Turn, Turn]]:
    async with AsyncExitStack() as stack:
        endpoints = {
            node: await stack.enter_async_context(Endpoint(address))
            for node, address in addresses.items()
        }
        nodes = list(endpoints.values())
        await until_serving(nodes)
        make = _puts(Random(1))
        await closed_loop(nodes, make, IN_FLIGHT, 1.0)  # Connections are warm after this.
        return [
            (
                _turn(await closed_loop(nodes, make, IN_FLIGHT, seconds)),
                await _recorded(endpoints, seconds, folder / f"history-{number}.jsonl"),
            )
            for number in range(ROUNDS)
        ]


async def _recorded(endpoints: Mapping[str, Endpoint], seconds: float, path: Path) -> Turn:
    """Do the same by way of a history."""
    invoked: dict[int | str, int] = {}
    latencies: list[float] = []
    clock = TrialClock()
    with Recorder(path) as recorder:

        def record(op: Op) -> None:
            recorder.record(op)
            if op.type is OpType.INVOKE:
                invoked[op.process] = op.time
            elif op.type is OpType.OK:
                latencies.append((op.time - invoked[op.process]) / SECOND)

        interpreter = Interpreter(
            concurrency=IN_FLIGHT,
            nodes=tuple(endpoints),
            rove=0.0,
            streams=Streams(generator=Random(1), rove=Random(2)),
            record=record,
        )
        clients = RealTimeClients(
            clock, interpreter, KvClient(timeout_ns=TIMEOUT_NS), endpoints, lambda: None
        )
        began = time.perf_counter()
        interpreter.follow(TimeLimit(round(seconds * SECOND), Endless(_draw)))
        clients.step()
        while not clients.is_exhausted:
            await asyncio.sleep(0.01)
            clients.raise_error()
        return _turn(Load(latencies_s=latencies, seconds=time.perf_counter() - began))


def _puts(random: Random) -> Callable[[], PutRequest]:
    def make() -> PutRequest:
        return PutRequest(key=f"k{random.randrange(KEYS):03d}".encode(), value=VALUE.encode())

    return make


def _draw(context: Context) -> Invocation:
    key = f"k{context.random.randrange(KEYS):03d}"
    return Invocation("put", key, {"key": key, "value": VALUE})


def _turn(load: Load) -> Turn:
    return Turn(
        ops_per_s=len(load.latencies_s) / load.seconds,
        p50_ms=1_000 * statistics.median(load.latencies_s),
    )


if __name__ == "__main__":
    main()
