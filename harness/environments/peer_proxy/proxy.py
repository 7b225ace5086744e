"""The proxy: listens at every node's peer address, and passes on what comes by the rules.

The heads of most requests say whose a connection is (`X-PeerURLs`); one that was opened to probe
says it only when it is used again. Streams of Raft
messages are cut into messages; whatever else there is (snapshots, messages too large for a stream,
probes) is passed as bytes, which can be late but neither lost nor reordered. A cut of one direction
breaks such a connection; a cut of both breaks every one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from harness.environments.peer_proxy.commands import (
    Command,
    Cut,
    Delay,
    Duplicate,
    Hold,
    Lose,
    Release,
    Reorder,
)
from harness.environments.peer_proxy.messages import AppendStream, MessageStream, StreamDecoder
from harness.environments.peer_proxy.rules import LinkRules, Send

_HEAD_END: Final = b"\r\n\r\n"
_HEAD_BYTES_MAX: Final = 64 * 1024
_READ_BYTES: Final = 256 * 1024
_LOOK_S: Final = 0.005
"""Between two looks at whether a hold still blocks a connection."""
_SECOND: Final = 1_000_000_000

_LOST: Final = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""How a connection ends, one that brings what is no HTTP included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node's peer port, as others know it and as it is."""

    node: str
    address: str
    """Where others find it: the proxy listens there."""
    target: str
    """Where the node listens."""


@dataclass(eq=False, slots=True)
class _Connection:
    """One connection from `source` (empty: nobody says who) to `node`."""

    source: str
    node: str
    incoming: asyncio.StreamWriter
    outgoing: asyncio.StreamWriter

    def abort(self) -> None:
        self.incoming.transport.abort()
        self.outgoing.transport.abort()


class PeerProxy:
    """Lives in one event loop."""

    def __init__(self, places: Mapping[str, Place], rules: LinkRules) -> None:
        """`places` are by node."""
        self._places = places
        self._rules = rules
        self._nodes = {place.address: node for node, place in places.items()}
        self._connections: dict[_Connection, None] = {}

    async def listen(self) -> None:
        """Listen at every address; raises `OSError` if one is taken."""
        for place in self._places.values():
            host, _, port = place.address.rpartition(":")
            await asyncio.start_server(self._accepted(place), host, int(port))

    def carry_out(self, command: Command) -> int:  # noqa: C901 - one case per command
        """Do what is asked; return how many messages were let go."""
        rules = self._rules
        match command:
            case Cut(links=links):
                rules.cut(frozenset(links))
                self._break_connections()
            case Lose(links=lossy):
                rules.lose(dict(lossy))
            case Delay(links=slow):
                rules.delay(dict(slow))
            case Duplicate(links=doubled):
                rules.duplicate(dict(doubled))
            case Reorder(links=reordered):
                rules.reorder(dict(reordered))
            case Hold(name=name, links=held, kinds=kinds, count_max=count_max):
                rules.hold(name, frozenset(held), frozenset(kinds), count_max=count_max)
            case Release(name=name, is_reversed=is_reversed, is_doubled=is_doubled):
                released = rules.release(name, is_reversed=is_reversed, is_doubled=is_doubled)
                for send in released:
                    send()
                return len(released) // (2 if is_doubled else 1)
        return 0

    def _break_connections(self) -> None:
        for connection in list(self._connections):
            if self._rules.are_severed(connection.source, connection.node):
                connection.abort()

    # ------------------------------------------------------------ connections
    def _accepted(
        self, place: Place
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(*_LOST):
                await self._serve(place, reader, writer)
            writer.transport.abort()

        return accepted

    async def _serve(
        self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(_HEAD_END)
        source = self._source(head)
        if self._rules.are_severed(source, place.node):
            return
        host, _, port = place.target.rpartition(":")
        back, onward = await asyncio.open_connection(host, int(port), limit=_HEAD_BYTES_MAX)
        connection = _Connection(source, place.node, writer, onward)
        self._connections[connection] = None
        onward.write(head)
        decoder = _decoder(head)
        answers = (
            self._pass_answers(connection, back)
            if decoder is None
            else self._pass_messages(connection, back, decoder)
        )
        requests = self._pass_requests(connection, reader)
        try:
            await _until_one_ends(requests, answers)
        finally:
            del self._connections[connection]
            connection.abort()

    def _source(self, head: bytes) -> str:
        """Return whose the connection is; an empty name if its request does not say."""
        urls = _header(head, b"X-PeerURLs") or b""
        for url in urls.decode(errors="replace").split(","):
            node = self._nodes.get(url.partition("://")[2].rstrip("/"))
            if node is not None:
                return node
        return ""

    async def _pass_requests(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_READ_BYTES):
            connection.source = connection.source or self._source(data)
            link = (connection.source, connection.node)
            if not await self._pass_bytes(link, data, connection.outgoing):
                return

    async def _pass_answers(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_READ_BYTES):
            link = (connection.node, connection.source)
            if not await self._pass_bytes(link, data, connection.incoming):
                return

    async def _pass_bytes(
        self, link: tuple[str, str], data: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        """Pass on bytes that are no stream of messages; return False if the link is cut."""
        while self._rules.blocks(link):  # noqa: ASYNC110 - many things end a hold
            await asyncio.sleep(_LOOK_S)
        if self._rules.is_cut(link):
            return False
        await asyncio.sleep(self._rules.latency_ns(link) / _SECOND)
        writer.write(data)
        await writer.drain()
        return True

    async def _pass_messages(
        self, connection: _Connection, reader: asyncio.StreamReader, decoder: StreamDecoder
    ) -> None:
        """Pass on the answer to the request for a stream, message by message."""
        link, writer = (connection.node, connection.source), connection.incoming
        head = await reader.readuntil(_HEAD_END)
        writer.write(head)
        if (_header(head, b"Transfer-Encoding") or b"").strip().lower() != b"chunked":
            await self._pass_answers(connection, reader)
            return
        while size := int(await reader.readuntil(b"\r\n"), 16):
            chunk = (await reader.readexactly(size + 2))[:-2]
            for kind, frame in decoder.feed(chunk):
                self._route(link, kind, _sending(writer, frame))
            await writer.drain()

    def _route(self, link: tuple[str, str], kind: str, send: Send) -> None:
        loop = asyncio.get_running_loop()
        now_ns = round(loop.time() * _SECOND)
        for passage in self._rules.route(now_ns, link, kind, send):
            if passage.at_ns <= now_ns:
                passage.send()
            else:
                loop.call_at(passage.at_ns / _SECOND, passage.send)


async def _until_one_ends(*ways: Awaitable[None]) -> None:
    """Wait until one of two ways ends, and end the other; raises what the first failed of."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _sending(writer: asyncio.StreamWriter, frame: bytes) -> Send:
    """Return what sends `frame` as a chunk, unless the connection is gone."""

    def send() -> None:
        if not writer.is_closing():
            writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))

    return send


def _decoder(head: bytes) -> StreamDecoder | None:
    """Return what cuts the answer to this request into messages; None if it has none."""
    request = head.partition(b"\r\n")[0]
    if b"/raft/stream/message/" in request:
        return MessageStream()
    if b"/raft/stream/msgapp/" in request:
        asked, asker = _header(head, b"X-Raft-To"), _header(head, b"X-Server-From")
        return AppendStream(sender=int(asked or b"0", 16), receiver=int(asker or b"0", 16))
    return None


def _header(head: bytes, name: bytes) -> bytes | None:
    found = re.search(rb"(?i)\r\n%b:\s*([^\r]*)" % re.escape(name), head)
    return None if found is None else found[1]
