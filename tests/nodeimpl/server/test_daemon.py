"""A member from its flags to its stop, within the test's own process."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import grpc
import grpc.aio
import pytest
from typing_extensions import override

from nodeimpl.api.rpc_pb2 import PutRequest, PutResponse, RangeRequest, RangeResponse
from nodeimpl.boundary import Effect, Input, Requests
from nodeimpl.ids import Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.messages import Message
from nodeimpl.server.cluster_ids import founders_ids, parse_initial_cluster
from nodeimpl.server.daemon import Daemon
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import Flags, parse_flags
from nodeimpl.server.frames import Hello
from nodeimpl.server.identity import DataDirError, read_identity
from nodeimpl.server.member_storage import DirectoryLock, member_directory
from nodeimpl.server.network import Network
from nodeimpl.server.peer_desk import REMOVED
from tests.nodeimpl.server.test_network import free_url
from tests.nodeimpl.server.waiting import until

Story = Callable[["Home"], Coroutine[None, None, None]]


class Home:
    """Where one member listens and keeps its data."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.client_url, self.peer_url = free_url(), free_url()

    def flags(self, *more: str, others: str = "") -> Flags:
        client, peer = str(self.client_url), str(self.peer_url)
        arguments = ["--name", "n1", "--data-dir", str(self.directory), "--unsafe-no-fsync"]
        arguments += ["--listen-client-urls", client, "--advertise-client-urls", client]
        arguments += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        arguments += ["--initial-cluster", f"n1={peer}{others}"]
        arguments += ["--heartbeat-interval", "10", "--election-timeout", "50"]
        return parse_flags([*arguments, *more], {})

    @property
    def incarnation(self) -> int:
        identity = read_identity(member_directory(self.directory))
        assert identity is not None
        return identity.incarnation

    async def put(self) -> PutResponse:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.client_url.port}") as channel:
            ask: grpc.aio.UnaryUnaryMultiCallable[PutRequest, PutResponse] = channel.unary_unary(
                "/etcdserverpb.KV/Put",
                request_serializer=lambda asked: asked.SerializeToString(),
                response_deserializer=PutResponse.FromString,
            )
            return await ask(PutRequest(key=b"k", value=b"v"), wait_for_ready=True)

    async def count(self) -> int:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.client_url.port}") as channel:
            ask: grpc.aio.UnaryUnaryMultiCallable[RangeRequest, RangeResponse] = (
                channel.unary_unary(
                    "/etcdserverpb.KV/Range",
                    request_serializer=lambda asked: asked.SerializeToString(),
                    response_deserializer=RangeResponse.FromString,
                )
            )
            return (await ask(RangeRequest(key=b"k"), wait_for_ready=True)).count


def lived(flags: Flags, story: Callable[[], Coroutine[None, None, None]]) -> int:
    """Run a member until its story ends and it is told to stop; return its exit code."""

    async def tell() -> int:
        async with asyncio.timeout(20):
            running = asyncio.ensure_future(Daemon(flags).run())
            try:
                await story()
                signal.raise_signal(signal.SIGTERM)
            except BaseException:
                running.cancel()
                raise
            return await running

    return asyncio.run(tell())


def test_a_member_serves_stops_and_comes_back_with_what_it_had(tmp_path: Path) -> None:
    home = Home(tmp_path)
    revisions: list[int] = []

    async def write() -> None:
        revisions.append((await home.put()).header.revision)

    async def read() -> None:
        assert await home.count() == 1
        await write()

    assert lived(home.flags(), write) == 0
    assert home.incarnation == 1
    assert lived(home.flags("--initial-cluster-token", "ignored by now"), read) == 0
    assert home.incarnation == 2
    assert revisions == [2, 3]


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    lock = DirectoryLock(member_directory(tmp_path))
    try:
        with pytest.raises(DataDirError, match="in use by another process"):
            asyncio.run(_run(home.flags()))
    finally:
        lock.release()
    assert read_identity(member_directory(tmp_path)) is None


def test_keys_that_are_not_to_be_had_are_an_error_of_the_flag(tmp_path: Path) -> None:
    home = Home(tmp_path)
    missing = str(tmp_path / "none.yaml")
    with pytest.raises(FlagError, match=r"--encryption-provider-config: .*none\.yaml"):
        asyncio.run(_run(home.flags("--encryption-provider-config", missing)))
    DirectoryLock(member_directory(tmp_path)).release()  # It is free.


class Clumsy(Node):
    """A node that breaks its own rules at the first request."""

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        assert not isinstance(given, Requests), "a rule is broken"
        return super().handle(now, given)


def test_a_node_that_breaks_its_rules_ends_the_daemon_and_leaves_nothing_open(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)

    async def tell() -> None:
        async with asyncio.timeout(20):
            await Daemon(home.flags(), Clumsy).run()

    with pytest.raises(AssertionError, match="a rule is broken"):
        asyncio.run(tell())
    DirectoryLock(member_directory(tmp_path)).release()
    assert lived(home.flags(), _at_once(home)) == 0  # All addresses and files are free again.


class Stern:
    """A member that sends everybody away."""

    def refusal(self, hello: Hello) -> str | None:
        del hello
        return REMOVED

    def receive(self, sender: NodeId, messages: Sequence[Message]) -> None:
        raise AssertionError(f"{sender} was sent away and says {messages}")

    async def call(self, sender: NodeId, method: str, payload: bytes) -> bytes:
        raise AssertionError(f"{sender} was sent away and asks {method} {payload!r}")


def test_a_member_that_hears_it_was_removed_stops_of_itself(tmp_path: Path) -> None:
    home, other = Home(tmp_path), free_url()
    flags = home.flags(others=f",n2={other}")

    async def tell() -> int:
        founders = founders_ids(parse_initial_cluster(flags.initial_cluster), "etcd-cluster")
        network = Network(9, founders["n2"], None)
        await network.listen([other], Stern(), None)
        try:
            async with asyncio.timeout(20):
                return await Daemon(flags).run()
        finally:
            network.close()

    assert asyncio.run(tell()) == 0


def test_what_fails_beside_the_node_ends_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)

    async def broken(*_: object) -> None:
        await until(lambda: True)
        raise RuntimeError("upkeep failed")

    monkeypatch.setattr("nodeimpl.server.parts.look_after_members", broken)
    with pytest.raises(RuntimeError, match="upkeep failed"):
        asyncio.run(_run(home.flags()))


async def _run(flags: Flags) -> int:
    async with asyncio.timeout(20):
        return await Daemon(flags).run()


def _at_once(home: Home) -> Callable[[], Coroutine[None, None, None]]:
    async def story() -> None:
        await home.put()

    return story
