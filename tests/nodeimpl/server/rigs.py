"""A lone member for the tests of this folder: its node and driver, no disk, and gRPC if need be."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from secrets import token_hex
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from nodeimpl.api.rpc_pb2 import ResponseHeader
from nodeimpl.boundary import CommitBackend
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import MILLISECOND, NodeId
from nodeimpl.node import Node
from nodeimpl.raft import messages
from nodeimpl.raft.state import Recovered
from nodeimpl.server import clock
from nodeimpl.server.call_counts import CallCounts
from nodeimpl.server.disk import DiskEffect
from nodeimpl.server.driver import Driver
from nodeimpl.server.grpc_server import Place, grpc_server
from nodeimpl.server.grpc_serving import Service
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.server.waiting import until

OWN = NodeId(1)
FAST = RaftConfig(
    heartbeat_interval_ns=10 * MILLISECOND,
    election_timeout_ns_min=30 * MILLISECOND,
    election_timeout_ns_max=60 * MILLISECOND,
    learners_max=8,
)
Result = TypeVar("Result")
Answer = TypeVar("Answer", bound=Message)
Metadata = Sequence[tuple[str, str]]


class InstantDisk:
    """Makes everything durable at once."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend

    async def make_durable(self, effects: Sequence[DiskEffect]) -> None:
        for effect in effects:
            if isinstance(effect, CommitBackend):
                self._backend.commit(effect.point)


class NoLinks:
    """Sends nothing anywhere."""

    def send(self, to: NodeId, message: messages.Message) -> None:
        del to, message

    def flush(self) -> None:
        pass


def driver_of(*voters: int, timeout_ns: int = 2_000 * MILLISECOND) -> Driver:
    """Return the driver of member 1 among these voters, started."""
    config = NodeConfig(
        node_id=OWN,
        cluster_id=9,
        voters=tuple(NodeId(voter) for voter in voters),
        incarnation=1,
        raft=FAST,
        request_timeout_ns=timeout_ns,
    )
    backend = MemoryBackend()
    node = Node(config, Recovered(), backend, Random(7), clock.now())
    driver = Driver(node, InstantDisk(backend), NoLinks(), clock.now)
    driver.start()
    return driver


def with_leader(story: Callable[[Driver], Coroutine[None, None, Result]]) -> Result:
    """Return what comes of a story about a lone member that leads."""

    async def tell(driver: Driver) -> Result:
        await until(lambda: driver.node.raft.leader == OWN)
        return await story(driver)

    return with_driver(tell, 1)


def with_driver(story: Callable[[Driver], Coroutine[None, None, Result]], *voters: int) -> Result:
    """Return what comes of a story about member 1 among these voters."""

    async def tell() -> Result:
        driver = driver_of(*voters)
        try:
            async with asyncio.timeout(20):
                return await story(driver)
        finally:
            driver.stop()

    return asyncio.run(tell())


class Calls:
    """A client of a lone member that leads, over real gRPC within the machine."""

    def __init__(self, driver: Driver, channel: grpc.aio.Channel, counts: CallCounts) -> None:
        self.driver = driver
        self.channel = channel
        self.counts = counts

    async def ask(
        self, path: str, request: Message, kind: type[Answer], metadata: Metadata = ()
    ) -> Answer:
        """Return the answer to one request; raise `grpc.aio.AioRpcError`."""
        call: grpc.aio.UnaryUnaryMultiCallable[Message, Answer] = self.channel.unary_unary(
            path,
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=kind.FromString,
        )
        return await call(request, metadata=grpc.aio.Metadata(*metadata))

    async def error(
        self, path: str, request: Message, metadata: Metadata = ()
    ) -> tuple[grpc.StatusCode, str | None]:
        """Return the error that a request is answered with."""
        try:
            await self.ask(path, request, ResponseHeader, metadata)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"{path} was answered")

    def stream(
        self, path: str, kind: type[Answer], metadata: Metadata = ()
    ) -> "grpc.aio.StreamStreamCall[Message, Answer]":
        """Return a call of many requests and many answers."""
        call: grpc.aio.StreamStreamMultiCallable[Message, Answer] = self.channel.stream_stream(
            path,
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=kind.FromString,
        )
        return call(metadata=grpc.aio.Metadata(*metadata))

    def told(
        self, path: str, request: Message, kind: type[Answer]
    ) -> "grpc.aio.UnaryStreamCall[Message, Answer]":
        """Return a call of one request and many answers."""
        call: grpc.aio.UnaryStreamMultiCallable[Message, Answer] = self.channel.unary_stream(
            path,
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=kind.FromString,
        )
        return call(request)


def serving(
    services: Callable[[Driver], Sequence[Service]],
    story: Callable[[Calls], Coroutine[None, None, Result]],
    *voters: int,
) -> Result:
    """Return what comes of a story about a client of these services; of a leader, if alone."""

    async def tell(driver: Driver) -> Result:
        if not voters:
            await until(lambda: driver.node.raft.leader == OWN)
        counts = CallCounts()
        address = f"unix-abstract:quorate-test-{token_hex(8)}"
        server = grpc_server(
            services(driver),
            [Place(address, is_tls=False)],
            request_bytes_max=1 << 20,
            streams_max=100,
            credentials=None,
            counts=counts.of,
        )
        await server.start()
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                return await story(Calls(driver, channel, counts))
        finally:
            await server.stop(None)

    return with_driver(tell, *(voters or (OWN,)))
