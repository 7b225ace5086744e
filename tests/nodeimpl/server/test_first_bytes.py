"""The first bytes tell a gRPC client from one that wants a page."""

import ssl

import pytest

from nodeimpl.server.first_bytes import HELLO_BYTES_MAX, PREFACE, Guest, plain_guest, tls_guest


def hello(*protocols: str) -> bytes:
    """Return what a real TLS client begins with, offering these protocols."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def in_two_records(data: bytes, at: int) -> bytes:
    """Return the same message, cut in two records (RFC 8446 §5.1 allows it)."""
    body = data[5:]
    return b"".join(
        data[:3] + len(part).to_bytes(2, "big") + part for part in (body[:at], body[at:])
    )


def test_the_preface_of_http2_is_a_grpc_client() -> None:
    assert plain_guest(PREFACE) is Guest.GRPC
    assert plain_guest(PREFACE + b"\0\0\0\4\0") is Guest.GRPC


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\n", "POST /", "PUT", "PRI * HTTP/1.1"])
def test_a_method_of_http1_wants_a_page(method: str) -> None:
    assert plain_guest(method.encode()) is Guest.PAGES


def test_too_few_bytes_tell_nothing() -> None:
    told = [plain_guest(PREFACE[:count]) for count in range(len(PREFACE))]
    assert told == [None] * len(PREFACE)


@pytest.mark.parametrize("protocols", [("h2",), ("grpc-exp", "h2")])
def test_who_speaks_nothing_but_http2_is_a_grpc_client(protocols: tuple[str, ...]) -> None:
    assert tls_guest(hello(*protocols)) is Guest.GRPC


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("h2", "http/1.1")])
def test_who_speaks_http1_wants_a_page(protocols: tuple[str, ...]) -> None:
    assert tls_guest(hello(*protocols)) is Guest.PAGES


@pytest.mark.parametrize("at", [1, 3, 4, 60])
def test_a_hello_in_two_records_is_read_as_one(at: int) -> None:
    assert tls_guest(in_two_records(hello("h2"), at)) is Guest.GRPC
    assert tls_guest(in_two_records(hello("h2", "http/1.1"), at)) is Guest.PAGES


def test_half_a_hello_tells_nothing() -> None:
    whole = hello("h2")
    told = [tls_guest(whole[:count]) for count in range(len(whole))]
    assert told == [None] * len(whole)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",  # an alert
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",  # a ServerHello
        b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03",  # a hello that ends too soon
        b"\x16\x03\x01\x00\x00" * (HELLO_BYTES_MAX // 5 + 1),  # one that never begins
    ],
)
def test_what_is_no_hello_is_left_to_grpc_to_refuse(data: bytes) -> None:
    assert tls_guest(data) is Guest.GRPC
