"""Links between members: one TCP connection each way, kept up for as long as there is a member.

Raft repeats what gets lost, so a link keeps nothing: what cannot be sent now is dropped, and what
a peer takes in too slowly is dropped rather than queued.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Protocol, cast

import structlog
from typing_extensions import override

from nodeimpl.api.errors import UNHEALTHY, ApiError, GrpcCode
from nodeimpl.ids import NodeId
from nodeimpl.raft.messages import Message
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.frames import (
    PROTOCOL_VERSION,
    Answer,
    Batch,
    Call,
    Frame,
    FrameError,
    FrameReader,
    Hello,
    Refused,
    Welcome,
    encode_frame,
)
from nodeimpl.server.traffic import Traffic
from nodeimpl.server.urls import Url, parse_url

WRITE_BUFFER_BYTES_MAX: Final = 32 << 20
"""Bytes that wait to be taken in by a peer; more are dropped."""
BATCH_MESSAGES_MAX: Final = 512
"""Messages in one frame."""
RECONNECT_SECONDS: Final = (0.05, 0.1, 0.2, 0.5)
"""Between attempts to connect; the last one again and again."""
CONNECT_TIMEOUT_SECONDS: Final = 5.0
CALL_TIMEOUT_SECONDS: Final = 5.0

_log: Final = structlog.stdlib.get_logger("network")


class PeerHandler(Protocol):
    """Who takes what members say."""

    def refusal(self, hello: Hello) -> str | None:
        """Return why this caller is sent away; None if it may stay."""

    def receive(self, sender: NodeId, messages: Sequence[Message]) -> None:
        """Take a peer's Raft messages."""

    def call(self, sender: NodeId, method: str, payload: bytes) -> Awaitable[bytes]:
        """Answer a peer's call; raise `ApiFailure` to answer with an error."""


class _Incoming(asyncio.Protocol):
    """A connection that another member made."""

    def __init__(
        self,
        handler: PeerHandler,
        open_connections: "set[_Incoming]",
        traffic: defaultdict[NodeId, Traffic],
        on_change: Callable[[], None],
    ) -> None:
        self._handler = handler
        self._open = open_connections
        self._traffic = traffic
        self._on_change = on_change
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None
        self.sender: NodeId | None = None
        self.sender_urls: tuple[Url, ...] = ()
        """Where the sender says that it is reached."""
        self._calls: set[asyncio.Task[None]] = set()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._open.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._open.discard(self)
        self._transport = None
        for call in self._calls:
            call.cancel()
        self._on_change()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        if self.sender:
            self._traffic[self.sender].received_bytes += len(data)
        try:
            for frame in self._frames.feed(data):
                self._take(frame)
        except FrameError as error:
            _log.warning("a peer sent nonsense", sender=self.sender, error=str(error))
            self.close()

    def _take(self, frame: Frame) -> None:
        match frame:
            case Hello():
                refusal = self._handler.refusal(frame)
                if refusal is None:
                    self.sender = NodeId(frame.sender)
                    self.sender_urls = _urls_of(frame)
                    self._send(Welcome())
                    self._on_change()
                else:
                    _log.warning("refused a peer", sender=frame.sender, reason=refusal)
                    self._send(Refused(refusal))
                    self.close()
            case Batch(messages=messages) if self.sender:
                self._handler.receive(self.sender, messages)
            case Call() if self.sender is not None:
                call = asyncio.ensure_future(self._answer(self.sender, frame))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            case _:
                raise FrameError(f"an unexpected {type(frame).__name__}")

    async def _answer(self, sender: NodeId, call: Call) -> None:
        try:
            answer = Answer(
                call.number, await self._handler.call(sender, call.method, call.payload)
            )
        except ApiFailure as failure:
            error = failure.error
            answer = Answer(call.number, b"", error.code, error.message, error.definite)
        self._send(answer)

    def _send(self, frame: Frame) -> None:
        if self._transport is not None:
            self._transport.write(encode_frame(frame))


def _urls_of(hello: Hello) -> tuple[Url, ...]:
    try:
        return tuple(map(parse_url, hello.urls))
    except ValueError as error:
        raise FrameError(f"a peer that is nowhere: {error}") from error


class _Outgoing(asyncio.Protocol):
    """A connection to another member, once it is made."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._frames = FrameReader()
        self.transport: asyncio.Transport | None = None
        self.made_at = asyncio.get_running_loop().time()
        self.welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._last_call = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self.transport.write(encode_frame(self._hello))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.welcome.done():
            self.welcome.set_exception(exc or ConnectionResetError("closed by the peer"))
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ApiFailure(_LOST))
        self._calls.clear()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._frames.feed(data):
                self._take(frame)
        except FrameError as error:
            _log.warning("a peer sent nonsense", receiver=self._hello.receiver, error=str(error))
            if self.transport is not None:
                self.transport.close()

    def _take(self, frame: Frame) -> None:
        match frame:
            case Welcome() if not self.welcome.done():
                self.welcome.set_result(None)
            case Refused(reason=reason) if not self.welcome.done():
                self.welcome.set_exception(PeerRefusedError(reason))
            case Answer(number=number):
                call = self._calls.pop(number, None)
                if call is not None and not call.done():
                    _finish(call, frame)
            case _:
                raise FrameError(f"an unexpected {type(frame).__name__}")

    async def call(self, method: str, payload: bytes, seconds: float) -> bytes:
        """Return what the peer answers; raise `ApiFailure` for an error, or if it does not."""
        if self.transport is None:
            raise ApiFailure(UNHEALTHY)
        self._last_call = number = self._last_call + 1
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        self.transport.write(encode_frame(Call(number, method, payload)))
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise ApiFailure(_LOST) from None
        finally:
            self._calls.pop(number, None)


_LOST: Final = ApiError(
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, possibly due to connection lost",
    definite=False,
)


class PeerRefusedError(Exception):
    """A member will not talk to this node; it said why."""


def _finish(call: "asyncio.Future[bytes]", answer: Answer) -> None:
    if answer.code == GrpcCode.OK:
        call.set_result(answer.payload)
    else:
        error = ApiError(GrpcCode(answer.code), answer.message, definite=answer.definite)
        call.set_exception(ApiFailure(error))


class _Link:
    """The way to one member: connects, and connects again."""

    def __init__(
        self,
        urls: tuple[Url, ...],
        hello: Hello,
        tls: ssl.SSLContext | None,
        on_refused: Callable[[str], None],
        traffic: Traffic,
    ) -> None:
        self.urls = urls
        self._traffic = traffic
        self._hello = hello
        self._tls = tls
        self._on_refused = on_refused
        self.connection: _Outgoing | None = None
        self.batch: list[Message] = []
        self._task = asyncio.ensure_future(self._keep_up())

    def close(self) -> None:
        self._task.cancel()
        if self.connection is not None and self.connection.transport is not None:
            self.connection.transport.close()

    async def _keep_up(self) -> None:
        attempt = 0
        while True:
            url = self.urls[attempt % len(self.urls)]
            try:
                connection = await connect(url, self._hello, self._tls)
            except (OSError, TimeoutError, ssl.SSLError) as error:
                if attempt == len(RECONNECT_SECONDS):
                    _log.warning(
                        "cannot reach a peer",
                        peer=self._hello.receiver,
                        url=str(url),
                        error=str(error) or type(error).__name__,
                    )
            except PeerRefusedError as refused:
                self._on_refused(str(refused))
            else:
                _log.info("connected to a peer", peer=self._hello.receiver, url=str(url))
                attempt = 0
                self.connection = connection
                await connection.lost
                self.connection = None
                _log.info("lost a peer", peer=self._hello.receiver, url=str(url))
            await asyncio.sleep(RECONNECT_SECONDS[min(attempt, len(RECONNECT_SECONDS) - 1)])
            attempt += 1

    def flush(self) -> None:
        batch, self.batch = self.batch, []
        transport = self.connection.transport if self.connection is not None else None
        if transport is None or transport.get_write_buffer_size() > WRITE_BUFFER_BYTES_MAX:
            self._traffic.lost_batches += 1  # As on any network.
            return
        for start in range(0, len(batch), BATCH_MESSAGES_MAX):
            messages = tuple(batch[start : start + BATCH_MESSAGES_MAX])
            frame = encode_frame(Batch(messages))
            self._traffic.sent_bytes += len(frame)
            transport.write(frame)


async def connect(url: Url, hello: Hello, tls: ssl.SSLContext | None) -> _Outgoing:
    """Return a connection on which the peer has said welcome.

    Raises `PeerRefusedError`, `OSError` or `TimeoutError`.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
        transport, protocol = await loop.create_connection(
            lambda: _Outgoing(hello),
            url.host,
            url.port,
            ssl=tls if url.is_tls else None,
        )
        try:
            await protocol.welcome
        except BaseException:
            transport.close()
            raise
    return protocol


class Network:
    """This node's links, and the door for those of the others."""

    def __init__(self, cluster_id: int, node_id: NodeId, tls: ssl.SSLContext | None) -> None:
        self._cluster_id = cluster_id
        self._node_id = node_id
        self._tls = tls
        self._peers: dict[NodeId, tuple[Url, ...]] = {}
        self._own_urls: tuple[str, ...] = ()
        self._is_closed = False
        self._links: dict[NodeId, _Link] = {}
        self._to_flush: list[_Link] = []
        self._servers: list[asyncio.Server] = []
        self._incoming: set[_Incoming] = set()
        self.traffic: defaultdict[NodeId, Traffic] = defaultdict(Traffic)
        """What was exchanged with each member; calls between them left out."""
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Ends with the reason when a member says that this node is none."""

    async def listen(
        self, urls: Sequence[Url], handler: PeerHandler, tls: ssl.SSLContext | None
    ) -> None:
        """Take connections at these addresses."""
        loop = asyncio.get_running_loop()
        for url in urls:
            server = await loop.create_server(
                lambda: _Incoming(handler, self._incoming, self.traffic, self._link_up),
                url.host,
                url.port,
                ssl=tls if url.is_tls else None,
                reuse_address=True,
            )
            self._servers.append(server)

    def close(self) -> None:
        """End all connections, and take no more."""
        self._is_closed = True
        for link in self._links.values():
            link.close()
        for server in self._servers:
            server.close()
        for connection in list(self._incoming):
            connection.close()

    def set_peers(
        self, peers: Mapping[NodeId, tuple[Url, ...]], own_urls: Sequence[Url] = ()
    ) -> None:
        """Keep links to these members, and tell them that this one is reached at `own_urls`.

        Besides them, only who is connected to this member has a link: one that was down knows
        nothing of members that joined meanwhile, and one of these may lead.
        """
        self._peers = dict(peers)
        self._own_urls = tuple(map(str, own_urls))
        self._link_up()

    def _link_up(self) -> None:
        if self._is_closed:
            return
        wanted = {
            connection.sender: connection.sender_urls
            for connection in self._incoming
            if connection.sender and connection.sender_urls
        }
        wanted |= self._peers
        for peer in [peer for peer in self._links if peer not in wanted]:
            self._links.pop(peer).close()
        for peer, urls in wanted.items():
            link = self._links.get(peer)
            if link is None or link.urls != urls:
                if link is not None:
                    link.close()
                hello = Hello(
                    PROTOCOL_VERSION, self._cluster_id, self._node_id, peer, self._own_urls
                )
                self._links[peer] = _Link(
                    urls, hello, self._tls, self._on_refused, self.traffic[peer]
                )

    def hang_up(self, members: Collection[NodeId]) -> None:
        """End the connections that these have made; when they come again, they are told why."""
        for connection in list(self._incoming):
            if connection.sender in members:
                connection.close()

    def is_connected(self, peer: NodeId) -> bool:
        """Return whether messages to this member can leave."""
        link = self._links.get(peer)
        return link is not None and link.connection is not None

    def connected_seconds(self, peer: NodeId) -> float | None:
        """Return how long the link to this member has been up; None if it is not."""
        link = self._links.get(peer)
        if link is None or link.connection is None:
            return None
        return asyncio.get_running_loop().time() - link.connection.made_at

    def send(self, to: NodeId, message: Message) -> None:
        """Take `message` on its way with the next `flush`; it may be lost."""
        link = self._links.get(to)
        if link is None:
            return  # Not a member, or not known yet where it is.
        if not link.batch:
            self._to_flush.append(link)
        link.batch.append(message)

    def flush(self) -> None:
        """Send what was given since the last flush, one frame per peer."""
        if self._to_flush:
            links, self._to_flush = self._to_flush, []
            for link in links:
                link.flush()

    async def call(
        self, peer: NodeId, method: str, payload: bytes, seconds: float = CALL_TIMEOUT_SECONDS
    ) -> bytes:
        """Return what `peer` answers; raise `ApiFailure` for an error, or if it does not."""
        link = self._links.get(peer)
        connection = link.connection if link is not None else None
        if connection is None:
            raise ApiFailure(UNHEALTHY)
        return await connection.call(method, payload, seconds)

    def _on_refused(self, reason: str) -> None:
        _log.error("a peer refuses this node", reason=reason)
        if not self.refused.done() and "removed" in reason:
            self.refused.set_result(reason)
