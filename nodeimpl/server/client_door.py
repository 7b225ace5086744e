"""The clients' door: one port for gRPC and for pages over HTTP, as etcd's.

gRPC's C core takes no connection that somebody else has accepted, so the door looks at the first
bytes of each (`first_bytes`), connects to whoever is meant, and passes bytes on, both ways, without
looking at them. gRPC and the pages listen at abstract Unix addresses (Linux), which leave nothing
behind and which nobody outside this machine can reach. TLS goes through untouched.

What that costs is told in docs/NODE.md; with `--listen-client-http-urls` (as in etcd) there is no
door, and gRPC listens at the clients' port itself.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Final, cast

import structlog
from typing_extensions import override

from nodeimpl.server.first_bytes import Guest
from nodeimpl.server.urls import Url

FIRST_BYTES_SECONDS_MAX: Final = 60.0
"""For a client to begin."""

_log: Final = structlog.stdlib.get_logger("door")


class _Side(asyncio.Protocol):
    """One end of a connection that is passed on; the other end is another one."""

    def __init__(self, other: "_Side | None" = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.other = other
        self._has_ended = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    @override
    def data_received(self, data: bytes) -> None:
        assert self.other is not None, "bytes come when both ends are there"
        if self.other.transport is not None:
            self.other.transport.write(data)

    @override
    def eof_received(self) -> bool:
        """Pass the end of one direction on; the other may have something to say still."""
        self._has_ended = True
        other = self.other
        if other is None or other.transport is None or other._has_ended:  # noqa: SLF001
            return False
        other.transport.write_eof()
        return True

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.transport = None
        if self.other is not None:
            self.other.close()

    @override
    def pause_writing(self) -> None:
        """Take nothing from the other end while this one takes nothing in."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    @override
    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class _Outside(_Side):
    """The end of a client, of whom it is not known at first who it is."""

    def __init__(
        self,
        tell: Callable[[bytes], Guest | None],
        rooms: Mapping[Guest, str],
        all_open: "set[_Outside]",
    ) -> None:
        super().__init__()
        self._tell = tell
        self._rooms = rooms
        self._open = all_open
        self._first = b""
        self._patience: asyncio.TimerHandle | None = None
        self._leading: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._open.add(self)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(FIRST_BYTES_SECONDS_MAX, self.close)

    @override
    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            super().data_received(data)
            return
        self._first += data
        guest = self._tell(self._first)
        if guest is None:
            return
        self._stop_waiting()
        assert self.transport is not None, "it has just received something"
        self.transport.pause_reading()
        self._leading = asyncio.ensure_future(self._lead_to(self._rooms[guest]))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self._stop_waiting()
        super().connection_lost(exc)

    async def _lead_to(self, room: str) -> None:
        """Connect with who listens at `room`, and pass on what has come already."""
        try:
            inside = await _connected(room, self)
        except OSError as error:
            _log.warning("nobody is in", error=str(error))
            self.close()
            return
        if self.transport is None:
            inside.close()  # The client has gone meanwhile.
            return
        self.other = inside
        first, self._first = self._first, b""
        super().data_received(first)
        self.transport.resume_reading()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()


async def _connected(room: str, outside: _Side) -> _Side:
    """Return the end at who listens at `room`; it may speak at once."""
    loop = asyncio.get_running_loop()
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(0)
        await loop.sock_connect(stream, f"\0{room}")
        _, inside = await loop.create_unix_connection(lambda: _Side(outside), sock=stream)
    except BaseException:
        stream.close()
        raise
    return inside


class ClientDoor:
    """Listens where clients come, and leads each to who is meant."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._open: set[_Outside] = set()

    async def listen(
        self, url: Url, tell: Callable[[bytes], Guest | None], rooms: Mapping[Guest, str]
    ) -> None:
        """Take connections at `url`; `rooms` are abstract Unix addresses, without the zero byte.

        Raises `OSError` if nobody can listen there.
        """
        server = await asyncio.get_running_loop().create_server(
            lambda: _Outside(tell, rooms, self._open), url.host, url.port
        )
        self._servers.append(server)

    def stop_listening(self) -> None:
        """Let nobody in any more; who is in may stay."""
        for server in self._servers:
            server.close()

    def close(self) -> None:
        """Let nobody in, and end every connection."""
        self.stop_listening()
        for outside in list(self._open):
            outside.close()
