"""The driver keeps the contract of effects: what depends on a sync waits for it, in order."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import TypeVar

import pytest

from nodeimpl.api.errors import NOT_LEADER, REQUEST_TIMED_OUT, STOPPED
from nodeimpl.api.rpc_pb2 import (
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.boundary import CommitBackend
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import MILLISECOND, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.configuration import Change
from nodeimpl.raft.effects import Became, Commit, ConfigurationChanged, Restored
from nodeimpl.raft.messages import Message
from nodeimpl.raft.state import Recovered
from nodeimpl.server import clock
from nodeimpl.server.disk import DiskEffect
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.server.waiting import until

FAST = RaftConfig(
    heartbeat_interval_ns=10 * MILLISECOND,
    election_timeout_ns_min=30 * MILLISECOND,
    election_timeout_ns_max=60 * MILLISECOND,
)
Result = TypeVar("Result")


class GatedDisk:
    """Makes nothing durable before it is told to; then everything it was given."""

    def __init__(self, backend: MemoryBackend) -> None:
        self.backend = backend
        self.batches: list[list[DiskEffect]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: OSError | None = None

    async def make_durable(self, effects: Sequence[DiskEffect]) -> None:
        self.batches.append(list(effects))
        await self.open.wait()
        if self.error is not None:
            raise self.error
        for effect in effects:
            if isinstance(effect, CommitBackend):
                self.backend.commit(effect.point)


class Post:
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[NodeId, Message]] = []

    def send(self, to: NodeId, message: Message) -> None:
        self.sent.append((to, message))

    def flush(self) -> None:
        pass


class Watcher:
    """Keeps what it observes."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def on_became(self, became: Became) -> None:
        self.seen.append(became)

    def on_configuration(self, changed: ConfigurationChanged) -> None:
        self.seen.append(changed)

    def on_commit(self, commit: Commit) -> None:
        self.seen.append(commit)

    def on_restored(self, restored: Restored) -> None:
        self.seen.append(restored)

    def on_durable(self, effects: Sequence[DiskEffect], seconds: float) -> None:
        assert seconds >= 0
        self.seen.append(len(effects))


class Rig:
    """A driver with a node of its own, and everything else under the test's thumb."""

    def __init__(
        self, voters: tuple[int, ...] = (1,), timeout_ns: int = 2000 * MILLISECOND
    ) -> None:
        config = NodeConfig(
            node_id=NodeId(1),
            cluster_id=9,
            voters=tuple(NodeId(voter) for voter in voters),
            incarnation=1,
            raft=FAST,
            backend_commit_entries=3,
            request_timeout_ns=timeout_ns,
        )
        backend = MemoryBackend()
        self.disk, self.post, self.watcher = GatedDisk(backend), Post(), Watcher()
        node = Node(config, Recovered(), backend, Random(7), clock.now())
        self.driver = Driver(node, self.disk, self.post, clock.now)
        self.driver.observe(self.watcher)
        self.driver.start()

    async def lead(self) -> None:
        await until(lambda: self.driver.node.raft.leader == 1)

    async def put(self, key: bytes) -> PutResponse:
        response = await self.driver.ask(PutRequest(key=key, value=b"v"))
        assert isinstance(response, PutResponse)
        return response


def run(
    story: Callable[[Rig], Coroutine[None, None, Result]], rig: Callable[[], Rig] = Rig
) -> Result:
    async def tell() -> Result:
        made = rig()
        try:
            return await story(made)
        finally:
            made.driver.stop()

    return asyncio.run(tell())


def test_a_request_before_there_is_a_leader_waits_for_one() -> None:
    async def story(rig: Rig) -> None:
        response = await rig.put(b"k")
        assert (response.header.cluster_id, response.header.member_id) == (9, 1)
        assert response.header.revision == 2

    run(story)


def test_nothing_is_answered_before_it_is_durable() -> None:
    async def story(rig: Rig) -> None:
        await rig.lead()
        await rig.put(b"k")
        rig.disk.open.clear()
        asked = asyncio.ensure_future(rig.put(b"k"))
        await until(lambda: not rig.disk.open.is_set() and rig.disk.batches)
        await asyncio.sleep(0.05)
        assert not asked.done()
        rig.disk.open.set()
        assert (await asked).header.revision == 3

    run(story)


def test_what_is_asked_during_a_sync_shares_the_next_one() -> None:
    async def story(rig: Rig) -> None:
        await rig.lead()
        await rig.put(b"k")
        rig.disk.open.clear()
        before = len(rig.disk.batches)
        asked: list[Awaitable[PutResponse]] = []
        for number in range(20):
            asked.append(asyncio.ensure_future(rig.put(b"k%d" % number)))
            await asyncio.sleep(0.001)
        rig.disk.open.set()
        await asyncio.gather(*asked)
        syncs = len(rig.disk.batches) - before
        commits = sum(isinstance(e, CommitBackend) for b in rig.disk.batches for e in b)
        assert syncs <= 2 + commits

    run(story)


def test_one_batch_has_one_commit_of_the_store_at_most() -> None:
    async def story(rig: Rig) -> None:
        await asyncio.gather(*(rig.put(b"k%d" % number) for number in range(40)))
        counts = [
            sum(isinstance(effect, CommitBackend) for effect in batch) for batch in rig.disk.batches
        ]
        assert max(counts) == 1
        assert rig.disk.backend.durable.index > 3

    run(story)


def test_reads_see_what_was_answered() -> None:
    async def story(rig: Rig) -> None:
        await rig.put(b"k")
        response = await rig.driver.ask(RangeRequest(key=b"k"))
        assert isinstance(response, RangeResponse)
        assert [kv.value for kv in response.kvs] == [b"v"]

    run(story)


def test_a_failed_sync_ends_the_node() -> None:
    async def story(rig: Rig) -> None:
        await rig.lead()
        rig.disk.error = OSError("the disk is gone")
        with pytest.raises(ApiFailure, match=STOPPED.message):
            await rig.put(b"k")
        with pytest.raises(OSError, match="the disk is gone"):
            await rig.driver.failed
        with pytest.raises(ApiFailure, match=STOPPED.message):
            await rig.put(b"k")

    run(story)


def test_without_a_leader_a_request_times_out_as_in_etcd() -> None:
    async def story(rig: Rig) -> None:
        with pytest.raises(ApiFailure) as failure:
            await rig.put(b"k")
        assert failure.value.error is REQUEST_TIMED_OUT
        assert rig.driver.waiting_count == 0

    run(story, lambda: Rig(voters=(1, 2, 3), timeout_ns=200 * MILLISECOND))


def test_a_candidate_asks_its_peers_for_votes() -> None:
    async def story(rig: Rig) -> None:
        await until(lambda: rig.post.sent)
        assert {to for to, _ in rig.post.sent} == {2, 3}

    run(story, lambda: Rig(voters=(1, 2, 3)))


def test_an_operator_hears_a_refusal() -> None:
    async def story(rig: Rig) -> None:
        with pytest.raises(ApiFailure) as failure:
            await rig.driver.change_members(Change(removed=(NodeId(2),)))
        assert failure.value.error is NOT_LEADER

    run(story, lambda: Rig(voters=(1, 2, 3)))


def test_a_watch_is_told_of_a_put_once_it_is_durable() -> None:
    async def story(rig: Rig) -> None:
        await rig.put(b"a")
        responses: list[WatchResponse] = []
        stream = rig.driver.open_watch(1 << 20, responses.append)
        create = WatchCreateRequest(key=b"k", start_revision=1)
        rig.driver.ask_watch(stream, WatchRequest(create_request=create))
        await until(lambda: responses)
        assert responses[0].created
        rig.disk.open.clear()
        asked = asyncio.ensure_future(rig.put(b"k"))
        await asyncio.sleep(0.05)
        assert len(responses) == 1
        rig.disk.open.set()
        await asked
        await until(lambda: len(responses) == 2)
        assert responses[1].events[0].kv.key == b"k"
        rig.driver.close_watch(stream)
        await rig.put(b"k")
        assert len(responses) == 2

    run(story)


def test_whoever_has_the_disk_to_themselves_keeps_all_else_waiting() -> None:
    async def story(rig: Rig) -> None:
        await rig.lead()
        gate = asyncio.Event()

        async def task() -> str:
            await gate.wait()
            return "done"

        alone = asyncio.ensure_future(rig.driver.exclusively(task))
        await asyncio.sleep(0.02)
        before = len(rig.disk.batches)
        asked = asyncio.ensure_future(rig.put(b"k"))
        await asyncio.sleep(0.05)
        assert len(rig.disk.batches) == before
        gate.set()
        assert await alone == "done"
        assert (await asked).header.revision == 2

    run(story)


def test_observers_see_the_node_lead_and_commit() -> None:
    async def story(rig: Rig) -> None:
        await rig.put(b"k")
        assert any(isinstance(each, Became) and each.leader == 1 for each in rig.watcher.seen)
        assert any(isinstance(each, Commit) for each in rig.watcher.seen)

    run(story)


def test_stopping_answers_whoever_waits() -> None:
    async def story(rig: Rig) -> None:
        await rig.lead()
        rig.disk.open.clear()
        asked = asyncio.ensure_future(rig.put(b"k"))
        await asyncio.sleep(0.02)
        rig.driver.stop()
        with pytest.raises(ApiFailure, match=STOPPED.message):
            await asked

    run(story)
