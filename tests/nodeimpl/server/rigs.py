"""A lone member for the tests of this folder: its node and driver, no sockets, no disk."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import TypeVar

from nodeimpl.boundary import CommitBackend
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import MILLISECOND, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.messages import Message
from nodeimpl.raft.state import Recovered
from nodeimpl.server import clock
from nodeimpl.server.disk import DiskEffect
from nodeimpl.server.driver import Driver
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.server.waiting import until

OWN = NodeId(1)
FAST = RaftConfig(
    heartbeat_interval_ns=10 * MILLISECOND,
    election_timeout_ns_min=30 * MILLISECOND,
    election_timeout_ns_max=60 * MILLISECOND,
)
Result = TypeVar("Result")


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

    def send(self, to: NodeId, message: Message) -> None:
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
