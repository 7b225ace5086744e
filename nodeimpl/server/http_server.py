"""A small HTTP server for what is read by people and monitoring: GET only, one answer a connection.

It serves addresses of its own (--listen-metrics-urls, --listen-client-http-urls), and whoever
comes to the clients' door and is no gRPC client (`client_door`).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

from nodeimpl.server.urls import Url

HEAD_BYTES_MAX: Final = 16 << 10
HEAD_SECONDS_MAX: Final = 5.0

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


class Page(msgspec.Struct, frozen=True):
    """What is answered to a GET."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


Pages = Mapping[str, Callable[[str], Awaitable[Page]]]
"""What to answer, by path, to a query: what follows the question mark."""

_NOT_FOUND: Final = Page(b"404 page not found\n", status=404)
_NOT_ALLOWED: Final = Page(b"Method Not Allowed\n", status=405)
_BAD_REQUEST: Final = Page(b"Bad Request\n", status=400)


async def serve_pages(
    urls: Sequence[Url], pages: Pages, tls: ssl.SSLContext | None
) -> list[asyncio.Server]:
    """Return servers that answer at `urls` until they are closed; `tls` is for those of https."""
    return [
        await asyncio.start_server(
            _server_of(pages),
            url.host,
            url.port,
            limit=HEAD_BYTES_MAX,
            ssl=tls if url.is_tls else None,
        )
        for url in urls
    ]


async def serve_pages_inside(
    room: str, pages: Pages, tls: ssl.SSLContext | None
) -> asyncio.AbstractServer:
    """Return a server that answers at an abstract Unix address, given without its zero byte."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(f"\0{room}")
        return await asyncio.start_unix_server(
            _server_of(pages), sock=listener, limit=HEAD_BYTES_MAX, ssl=tls
        )
    except BaseException:
        listener.close()
        raise


def _server_of(
    pages: Pages,
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Return what serves one connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
            is_head, page = await _answer(head, pages)
            writer.write(_response(page, with_body=not is_head))
            await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Whoever asked has gone, or does not speak HTTP: there is nobody to tell.
        finally:
            writer.close()

    return serve


async def _answer(head: bytes, pages: Pages) -> tuple[bool, Page]:
    """Return whether only the head of the answer is wanted, and the answer."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        return False, _BAD_REQUEST
    method, target, _ = words
    if method not in {"GET", "HEAD"}:
        return False, _NOT_ALLOWED
    path, _, query = target.partition("?")
    page = pages.get(path)
    return method == "HEAD", _NOT_FOUND if page is None else await page(query)


def _response(page: Page, *, with_body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {page.status} {_REASONS[page.status]}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(page.body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode("latin-1")
    return head + page.body if with_body else head
