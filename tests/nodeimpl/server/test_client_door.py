"""The door leads each client to who is meant, and passes on what both say."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from secrets import token_hex

import pytest

from nodeimpl.server import client_door
from nodeimpl.server.client_door import ClientDoor
from nodeimpl.server.first_bytes import PREFACE, Guest, plain_guest
from nodeimpl.server.urls import Url
from tests.nodeimpl.server.test_network import free_url

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class House:
    """A door, and who is behind it."""

    def __init__(self) -> None:
        self.door, self.url = ClientDoor(), free_url()
        name = token_hex(8)
        self.rooms = {guest: f"quorate-test-{name}-{guest.value}" for guest in Guest}
        self._servers: list[asyncio.AbstractServer] = []

    async def inhabit(self, guest: Guest, serve: Serve) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"\0{self.rooms[guest]}")
        self._servers.append(await asyncio.start_unix_server(serve, sock=listener))

    async def open(self) -> Url:
        await self.door.listen(self.url, plain_guest, self.rooms)
        return self.url

    def close(self) -> None:
        self.door.close()
        for server in self._servers:
            server.close()


def run(story: Callable[[House], Coroutine[None, None, None]]) -> None:
    async def tell() -> None:
        house = House()
        try:
            async with asyncio.timeout(20):
                await story(house)
        finally:
            house.close()
            await asyncio.sleep(0.01)

    asyncio.run(tell())


async def come(url: Url) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(url.host, url.port)


def echo(name: bytes) -> Serve:
    """Return who says its name, then repeats all it hears until there is no more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name)
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    return serve


@pytest.mark.parametrize(("first", "name"), [(PREFACE, b"grpc:"), (b"GET / HTTP/1.1", b"page:")])
def test_each_is_led_to_who_is_meant(first: bytes, name: bytes) -> None:
    async def story(house: House) -> None:
        await house.inhabit(Guest.GRPC, echo(b"grpc:"))
        await house.inhabit(Guest.PAGES, echo(b"page:"))
        reader, writer = await come(await house.open())
        writer.write(first)
        writer.write_eof()
        assert await reader.read() == name + first
        writer.close()

    run(story)


def test_first_bytes_may_come_one_by_one() -> None:
    async def story(house: House) -> None:
        await house.inhabit(Guest.GRPC, echo(b""))
        reader, writer = await come(await house.open())
        for byte in PREFACE:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.001)
        assert await reader.readexactly(len(PREFACE)) == PREFACE
        writer.close()

    run(story)


def test_what_a_slow_client_has_not_taken_is_kept_back() -> None:
    sent: list[int] = []

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        for _ in range(512):
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent.append(1 << 16)
        writer.close()

    async def story(house: House) -> None:
        await house.inhabit(Guest.PAGES, flood)
        reader, writer = await come(await house.open())
        writer.write(b"GET")
        await asyncio.sleep(0.3)
        assert sum(sent) < 24 << 20, "32 MiB would mean that somebody keeps it all"
        assert len(await reader.read(-1)) == 32 << 20
        writer.close()

    run(story)


def test_when_one_end_goes_the_other_is_let_go() -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async def story(house: House) -> None:
        await house.inhabit(Guest.PAGES, serve)
        _, writer = await come(await house.open())
        writer.write(b"GET")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await gone.wait()

    run(story)


def test_nobody_in_means_that_the_client_is_sent_away() -> None:
    async def story(house: House) -> None:
        reader, writer = await come(await house.open())
        writer.write(b"GET")
        assert await reader.read() == b""
        writer.close()

    run(story)


def test_who_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_door, "FIRST_BYTES_SECONDS_MAX", 0.05)

    async def story(house: House) -> None:
        reader, writer = await come(await house.open())
        writer.write(b"PRI")
        assert await reader.read() == b""
        writer.close()

    run(story)


def test_a_closed_door_ends_what_is_open() -> None:
    async def story(house: House) -> None:
        await house.inhabit(Guest.PAGES, echo(b""))
        url = await house.open()
        reader, writer = await come(url)
        writer.write(b"GET")
        assert await reader.readexactly(3) == b"GET"
        house.door.close()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match=str(url.port)):
            await come(url)

    run(story)
