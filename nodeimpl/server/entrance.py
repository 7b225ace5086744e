"""Where clients come in: gRPC, and pages over HTTP beside it.

    --listen-client-urls       gRPC and pages, through the door; with the next flag, gRPC alone
    --listen-client-http-urls  pages
    --listen-metrics-urls      pages

https anywhere means the clients' certificate.
"""

import asyncio
import ssl
from secrets import token_hex
from typing import Final

import grpc.aio

from nodeimpl.server.client_door import ClientDoor
from nodeimpl.server.first_bytes import Guest, plain_guest, tls_guest
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import Flags
from nodeimpl.server.grpc_server import Place
from nodeimpl.server.http_server import serve_pages, serve_pages_inside
from nodeimpl.server.parts import Parts
from nodeimpl.server.urls import Url

STOP_SECONDS_MAX: Final = 1.0
"""For calls under way when the daemon is stopped."""


class Entrance:
    """Everything that clients connect to."""

    def __init__(self, flags: Flags, parts: Parts, tls: ssl.SSLContext | None) -> None:
        """Raise `FlagError` for an https address without a certificate, and `BindError`."""
        self._urls = flags.listen_client_urls
        self._page_urls = (*flags.listen_client_http_urls, *flags.listen_metrics_urls)
        for url in (*self._urls, *self._page_urls):
            if url.is_tls and tls is None:
                raise FlagError(f"{url} needs --cert-file and --key-file")
        self._tls = tls
        self._pages = parts.pages
        self._page_servers: list[asyncio.AbstractServer] = []
        self._has_door = not flags.listen_client_http_urls
        self._door = ClientDoor()
        self._name = f"quorate-{token_hex(8)}"
        """Tells this member's Unix addresses from all others of the machine."""
        self._grpc: grpc.aio.Server = parts.grpc_server([self._place(url) for url in self._urls])

    def _place(self, url: Url) -> Place:
        address = f"unix-abstract:{self._room(Guest.GRPC, url)}" if self._has_door else url.address
        return Place(address, url.is_tls)

    def _room(self, guest: Guest, url: Url) -> str:
        return f"{self._name}-{guest.value}-{self._urls.index(url)}"

    async def open(self) -> None:
        """Serve; raise `OSError` if an address cannot be listened at."""
        self._page_servers += await serve_pages(self._page_urls, self._pages, self._tls)
        await self._grpc.start()
        if not self._has_door:
            return
        for url in self._urls:
            room = self._room(Guest.PAGES, url)
            tls = self._tls if url.is_tls else None
            self._page_servers.append(await serve_pages_inside(room, self._pages, tls))
            tell = tls_guest if url.is_tls else plain_guest
            await self._door.listen(url, tell, {guest: self._room(guest, url) for guest in Guest})

    async def close(self) -> None:
        """Let nobody in any more; calls under way have a moment."""
        self._door.stop_listening()
        for server in self._page_servers:
            server.close()
        await self._grpc.stop(STOP_SECONDS_MAX)
        self._door.close()
