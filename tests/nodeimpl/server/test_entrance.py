"""Where clients come in: which of gRPC and pages they find at which address."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import TypeVar

import grpc
import grpc.aio
import pytest

from nodeimpl.api.rpc_pb2 import PutRequest, PutResponse, StatusRequest, StatusResponse
from nodeimpl.node import Node
from nodeimpl.server import clock, entrance
from nodeimpl.server.entrance import Entrance
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import Flags, parse_flags
from nodeimpl.server.identity import Founder, Identity
from nodeimpl.server.member_storage import MemberStorage
from nodeimpl.server.network import Network
from nodeimpl.server.parts import Parts
from nodeimpl.server.settings import node_config
from nodeimpl.server.urls import Url
from nodeimpl.storage.encryption.providers import PLAIN
from tests.nodeimpl.server.rigs import OWN
from tests.nodeimpl.server.test_network import free_url
from tests.nodeimpl.server.waiting import until

Result = TypeVar("Result")
Story = Callable[[Entrance, Parts], Coroutine[None, None, Result]]
ALONE = Identity(
    cluster_id=9,
    member_id=OWN,
    founders=(Founder(member_id=OWN, name="default", peer_urls=("http://127.0.0.1:1",)),),
    is_founder=True,
    incarnation=1,
)
SOON = ("--heartbeat-interval", "10", "--election-timeout", "50", "--unsafe-no-fsync")


def flags_of(client_url: Url, *more: str) -> Flags:
    urls = ["--listen-client-urls", str(client_url), "--advertise-client-urls", str(client_url)]
    return parse_flags([*urls, *SOON, *more], {})


def told(directory: Path, flags: Flags, story: Story[Result]) -> Result:
    """Return what comes of a story about the entrance, not yet open, of a lone member."""

    async def tell() -> Result:
        storage = MemberStorage(directory, None, ALONE, PLAIN, fsync=False)
        config = node_config(flags, ALONE)
        node = Node(config, storage.recovered, storage.backend, Random(7), clock.now())
        network = Network(ALONE.cluster_id, OWN, None)
        parts = Parts(flags, ALONE, node, storage, network)
        try:
            parts.driver.start()
            async with asyncio.timeout(20):
                return await story(Entrance(flags, parts, None), parts)
        finally:
            parts.driver.stop()
            network.close()
            storage.close()
            await asyncio.sleep(0)

    return asyncio.run(tell())


async def page(url: Url, path: str = "/version") -> bytes:
    """Return what is answered to a GET, until the connection ends; nothing to nonsense."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def shut(url: Url) -> None:
    """Return when nobody is let in any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection(url.host, url.port)
        except ConnectionError:  # Refused, or closed as it stood in line.
            return
        writer.close()
        await asyncio.sleep(0.002)


async def status(url: Url) -> StatusResponse:
    async with grpc.aio.insecure_channel(f"{url.host}:{url.port}") as channel:
        ask: grpc.aio.UnaryUnaryMultiCallable[StatusRequest, StatusResponse] = channel.unary_unary(
            "/etcdserverpb.Maintenance/Status",
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=StatusResponse.FromString,
        )
        return await ask(StatusRequest())


def test_grpc_and_pages_share_the_clients_address(tmp_path: Path) -> None:
    client_url = free_url()

    async def story(way_in: Entrance, _: Parts) -> None:
        await way_in.open()
        try:
            assert (await status(client_url)).header.member_id == OWN
            assert b"200 OK" in await page(client_url)
        finally:
            await way_in.close()

    told(tmp_path, flags_of(client_url), story)


def test_with_an_address_for_pages_the_clients_have_grpc_alone(tmp_path: Path) -> None:
    client_url, page_url = free_url(), free_url()

    async def story(way_in: Entrance, _: Parts) -> None:
        await way_in.open()
        try:
            assert (await status(client_url)).header.member_id == OWN
            assert b"200 OK" not in await page(client_url)
            assert b"200 OK" in await page(page_url)
        finally:
            await way_in.close()

    told(tmp_path, flags_of(client_url, "--listen-client-http-urls", str(page_url)), story)


def test_pages_are_served_at_the_address_for_metrics_too(tmp_path: Path) -> None:
    client_url, metrics_url = free_url(), free_url()

    async def story(way_in: Entrance, _: Parts) -> None:
        await way_in.open()
        try:
            assert b"etcd_server_has_leader" in await page(metrics_url, "/metrics")
            assert b"200 OK" in await page(client_url)
        finally:
            await way_in.close()

    told(tmp_path, flags_of(client_url, "--listen-metrics-urls", str(metrics_url)), story)


@pytest.mark.parametrize("flag", ["client", "client-http", "metrics"])
def test_https_without_a_certificate_is_refused(tmp_path: Path, flag: str) -> None:
    secure = f"https://127.0.0.1:{free_url().port}"
    more = ["--advertise-client-urls", secure, f"--listen-{flag}-urls", secure]

    async def story(_: Entrance, __: Parts) -> None:
        raise AssertionError("it was let pass")

    with pytest.raises(FlagError, match=f"{secure} needs --cert-file and --key-file"):
        told(tmp_path, parse_flags([*SOON, *more], {}), story)


@pytest.mark.parametrize("more", [(), ("--listen-metrics-urls",)])
def test_an_address_in_use_is_an_error(tmp_path: Path, more: tuple[str, ...]) -> None:
    taken = free_url()
    client_url = free_url() if more else taken
    flags = flags_of(client_url, *(word for flag in more for word in (flag, str(taken))))

    async def story(way_in: Entrance, _: Parts) -> None:
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), taken.host, taken.port
        )
        try:
            with pytest.raises(OSError, match="in use"):
                await way_in.open()
        finally:
            server.close()
            await way_in.close()

    told(tmp_path, flags, story)


def test_a_closed_entrance_lets_nobody_in(tmp_path: Path) -> None:
    client_url, metrics_url = free_url(), free_url()

    async def story(way_in: Entrance, _: Parts) -> None:
        await way_in.open()
        await page(client_url)
        await way_in.close()
        for url in (client_url, metrics_url):
            with pytest.raises(ConnectionRefusedError):
                await page(url)

    told(tmp_path, flags_of(client_url, "--listen-metrics-urls", str(metrics_url)), story)


@pytest.mark.parametrize("is_patient", [True, False])
def test_a_call_under_way_has_a_moment_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_patient: bool
) -> None:
    """The disk answers when the entrance is about to close: in time, or not before it has."""
    monkeypatch.setattr(entrance, "STOP_SECONDS_MAX", 10.0 if is_patient else 0.0)
    client_url = free_url()

    async def story(way_in: Entrance, parts: Parts) -> grpc.StatusCode:
        await way_in.open()
        await until(lambda: parts.driver.node.raft.leader == OWN)
        let_go = asyncio.Event()
        holding = asyncio.ensure_future(parts.driver.exclusively(let_go.wait))
        async with grpc.aio.insecure_channel(f"{client_url.host}:{client_url.port}") as channel:
            put: grpc.aio.UnaryUnaryMultiCallable[PutRequest, PutResponse] = channel.unary_unary(
                "/etcdserverpb.KV/Put",
                request_serializer=lambda asked: asked.SerializeToString(),
                response_deserializer=PutResponse.FromString,
            )
            call = put(PutRequest(key=b"k", value=b"v"))
            await until(lambda: parts.driver.waiting_count)
            closing = asyncio.ensure_future(way_in.close())
            if is_patient:
                await shut(client_url)  # New ones have none.
                let_go.set()
            code = await call.code()
            let_go.set()
            await asyncio.gather(closing, holding)
            return code

    code = told(tmp_path, flags_of(client_url), story)
    assert (code is grpc.StatusCode.OK) == is_patient
