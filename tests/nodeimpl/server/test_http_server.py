"""The small HTTP server: what it answers, and what it does not wait for."""

import asyncio
import ssl
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from secrets import token_hex

import pytest

from nodeimpl.server import http_server
from nodeimpl.server.http_server import Page, Pages, serve_pages, serve_pages_inside
from nodeimpl.server.urls import Url
from tests.nodeimpl.server.certificates import make_certificates
from tests.nodeimpl.server.test_network import free_url


async def hello(query: str) -> Page:
    return Page(f"hello {query}".encode())


async def ill(query: str) -> Page:
    del query
    return Page(b"{}", "application/json", status=503)


PAGES: Pages = {"/hello": hello, "/ill": ill}


def served(ask: Callable[[Url], Awaitable[bytes]], tls: ssl.SSLContext | None = None) -> bytes:
    """Return what `ask` returns while pages are served at the URL it is given."""

    async def tell() -> bytes:
        url = free_url()
        if tls is not None:
            url = Url("https", url.host, url.port)
        servers = await serve_pages([url], PAGES, tls)
        try:
            async with asyncio.timeout(20):
                return await ask(url)
        finally:
            for server in servers:
                server.close()

    return asyncio.run(tell())


def said(request: bytes) -> bytes:
    """Return all that is answered to these bytes."""

    async def ask(url: Url) -> bytes:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    return served(ask)


def test_a_page_is_answered_with_its_length_and_type() -> None:
    answer = said(b"GET /hello?you HTTP/1.1\r\nHost: here\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"hello you"
    assert head.splitlines()[0] == b"HTTP/1.1 200 OK"
    assert b"Content-Length: 9" in head.splitlines()
    assert b"Content-Type: text/plain; charset=utf-8" in head.splitlines()


def test_a_head_has_no_body() -> None:
    answer = said(b"HEAD /hello HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 6" in answer


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /nothing HTTP/1.1", b"404 Not Found"),
        (b"POST /hello HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET /ill HTTP/1.1", b"503 Service Unavailable"),
        (b"nonsense", b"400 Bad Request"),
        (b"GET /hello SMTP", b"400 Bad Request"),
    ],
)
def test_what_is_no_page_has_a_status_that_says_so(request_line: bytes, status: bytes) -> None:
    answer = said(request_line + b"\r\n\r\n")
    assert answer.splitlines()[0] == b"HTTP/1.1 " + status


def test_a_head_that_is_too_long_ends_the_connection() -> None:
    assert said(b"GET /hello HTTP/1.1\r\nX: " + b"x" * (20 << 10) + b"\r\n\r\n") == b""


def test_who_does_not_ask_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS_MAX", 0.05)
    assert said(b"GET /hello") == b""


def test_https_is_served_with_a_certificate(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))

    def read(url: Url) -> bytes:
        address = f"https://127.0.0.1:{url.port}/hello"
        with urllib.request.urlopen(address, timeout=10, context=trusting) as response:
            body: bytes = response.read()
            return body

    async def ask(url: Url) -> bytes:
        return await asyncio.to_thread(read, url)

    assert served(ask, context) == b"hello "


def test_pages_are_served_inside_the_machine() -> None:
    async def tell() -> bytes:
        room = f"quorate-test-{token_hex(8)}"
        server = await serve_pages_inside(room, PAGES, None)
        reader, writer = await asyncio.open_unix_connection(f"\0{room}")
        writer.write(b"GET /hello HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    assert asyncio.run(tell()).endswith(b"hello ")
