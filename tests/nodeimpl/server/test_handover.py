"""Leadership goes to whom it is best with before a stop, and a stop does not wait for it long."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random

import pytest

from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import MILLISECOND, SECOND, Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.effects import RoleName
from nodeimpl.raft.messages import Message
from nodeimpl.raft.state import Recovered
from nodeimpl.server import clock, handover
from nodeimpl.server.driver import Driver
from nodeimpl.server.handover import hand_over, successor
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.server.rigs import InstantDisk, with_driver, with_leader
from tests.nodeimpl.server.waiting import until

ONE, TWO, THREE = ALL = tuple(NodeId(number) for number in (1, 2, 3))
PATIENT = RaftConfig(
    heartbeat_interval_ns=10 * MILLISECOND,
    election_timeout_ns_min=60 * SECOND,
    election_timeout_ns_max=120 * SECOND,
)
"""Nobody calls an election of itself, however slow the machine."""


class Room:
    """Three members that hear one another, but for those who are out."""

    def __init__(self) -> None:
        self.out: list[NodeId] = []
        self._ahead_ns = 0
        """How much later it is for member 1."""
        self.drivers = {who: self._driver(who) for who in ALL}
        for driver in self.drivers.values():
            driver.start()

    def _driver(self, who: NodeId) -> Driver:
        config = NodeConfig(node_id=who, cluster_id=9, voters=ALL, incarnation=1, raft=PATIENT)
        backend = MemoryBackend()
        node = Node(config, Recovered(), backend, Random(who), clock.now())
        return Driver(
            node, InstantDisk(backend), Voice(self, who), self._now if who == ONE else clock.now
        )

    def _now(self) -> Instant:
        return Instant(clock.now() + self._ahead_ns)

    def pass_on(self, sender: NodeId, to: NodeId, messages: Sequence[Message]) -> None:
        if sender not in self.out and to not in self.out:
            self.drivers[to].receive(sender, messages)

    async def leader(self) -> Driver:
        """Let member 1 lead; return it when it knows what the others have."""
        one = self.drivers[ONE]
        self._ahead_ns = PATIENT.election_timeout_ns_max
        one.receive(TWO, [])  # It looks at its clock.
        await self.agreed()
        await until(lambda: successor(one.node))
        return one

    async def agreed(self) -> None:
        """Return when all follow one, and have applied what it has."""
        nodes = [driver.node for driver in self.drivers.values()]
        await until(lambda: all(node.raft.leader and node.applied_index for node in nodes))
        await until(lambda: len({(node.raft.leader, node.applied_index) for node in nodes}) == 1)

    def close(self) -> None:
        for driver in self.drivers.values():
            driver.stop()


class Voice:
    """Takes to the others what one member says."""

    def __init__(self, room: Room, own: NodeId) -> None:
        self._room = room
        self._own = own

    def send(self, to: NodeId, message: Message) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self._room.pass_on, self._own, to, [message])

    def flush(self) -> None:
        pass


def told(story: Callable[[Room], Coroutine[None, None, None]]) -> None:
    async def tell() -> None:
        room = Room()
        try:
            async with asyncio.timeout(20):
                await story(room)
        finally:
            room.close()

    asyncio.run(tell())


def test_who_stops_leaves_the_lead_to_another() -> None:
    async def story(room: Room) -> None:
        leader = await room.leader()
        chosen = successor(leader.node)
        await hand_over(leader)
        assert chosen in (TWO, THREE)
        assert room.drivers[chosen].node.raft.role is RoleName.LEADER

    told(story)


@pytest.mark.parametrize(("out", "chosen"), [(TWO, THREE), (THREE, TWO)])
def test_the_one_that_has_most_of_the_log_is_chosen(out: NodeId, chosen: NodeId) -> None:
    async def story(room: Room) -> None:
        leader = await room.leader()
        room.out = [out]
        await leader.ask(PutRequest(key=b"k", value=b"v"))
        assert successor(leader.node) == chosen

    told(story)


def test_who_does_not_lead_hands_nothing_over() -> None:
    async def story(driver: Driver) -> None:
        assert successor(driver.node) is None
        await hand_over(driver)
        assert driver.node.raft.leader is None

    with_driver(story, 1, 2, 3)


def test_who_leads_alone_has_nobody_to_hand_over_to() -> None:
    async def story(driver: Driver) -> None:
        assert successor(driver.node) is None
        await hand_over(driver)
        assert driver.node.raft.leader == 1

    with_leader(story)


def test_a_successor_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "HAND_OVER_SECONDS_MAX", 0.02)

    async def story(room: Room) -> None:
        leader = await room.leader()
        room.out = [TWO, THREE]
        await hand_over(leader)

    told(story)


def test_a_refusal_holds_nobody_up() -> None:
    async def story(room: Room) -> None:
        leader = await room.leader()
        stopping = asyncio.ensure_future(hand_over(leader))
        await asyncio.sleep(0)
        leader.stop()  # Whoever waits is told that the member has stopped.
        await stopping

    told(story)
