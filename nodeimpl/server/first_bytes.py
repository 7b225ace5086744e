"""Who is at the clients' door, told from the first bytes: a gRPC client, or one that wants a page.

In the clear a gRPC client begins with HTTP/2's preface (RFC 9113 §3.4), every other one with a
method. Through TLS it names the protocols that it speaks in its first message, in the clear
(RFC 7301, RFC 8446 §4.1.2): `h2` alone is gRPC's; browsers, curl and Prometheus speak HTTP/1.1,
too, and are spoken to so.
"""

import enum
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO_BYTES_MAX: Final = 64 << 10
"""A longer first message is left to gRPC to refuse."""

_RECORD_HEAD: Final = 5
_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_ALPN: Final = 16
_HTTP_1_1: Final = b"http/1.1"


class Guest(enum.Enum):
    """Who it is."""

    GRPC = "gRPC"
    PAGES = "pages"


def plain_guest(data: bytes) -> Guest | None:
    """Return who begins like this in the clear; None if that cannot be told yet."""
    if data.startswith(PREFACE):
        return Guest.GRPC
    return None if PREFACE.startswith(data) else Guest.PAGES


def tls_guest(data: bytes) -> Guest | None:
    """Return who begins like this through TLS; None if that cannot be told yet.

    Whatever is no TLS is gRPC's to refuse.
    """
    try:
        hello = _first_message(data)
        if hello is None:
            return None if len(data) <= HELLO_BYTES_MAX else Guest.GRPC
        protocols = _protocols(hello)
    except _NotTlsError:
        return Guest.GRPC
    return Guest.PAGES if not protocols or _HTTP_1_1 in protocols else Guest.GRPC


class _NotTlsError(ValueError):
    """These bytes are no message that a client begins with."""


class _Reader:
    """Takes apart one message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def is_at_end(self) -> bool:
        return self._position == len(self._data)

    def take(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._data):
            raise _NotTlsError(f"{count} bytes from {self._position} on: there are fewer")
        taken, self._position = self._data[self._position : end], end
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        """Return bytes whose count stands before them, itself so many bytes wide."""
        return self.take(self.number(width))


def _first_message(data: bytes) -> bytes | None:
    """Return the body of a ClientHello, whatever records it is cut into; None if it goes on."""
    message = b""
    position = 0
    while len(data) - position >= _RECORD_HEAD:
        if data[position] != _HANDSHAKE:
            raise _NotTlsError(f"a record of type {data[position]}")
        start = position + _RECORD_HEAD
        position = start + int.from_bytes(data[start - 2 : start], "big")
        message += data[start:position]
        if message and message[0] != _CLIENT_HELLO:
            raise _NotTlsError(f"a handshake message of type {message[0]}")
        end = 4 + int.from_bytes(message[1:4], "big")
        if len(message) >= max(end, 4):
            return message[4:end]
    if data and data[0] != _HANDSHAKE:
        raise _NotTlsError(f"a record of type {data[0]}")
    return None


def _protocols(hello: bytes) -> list[bytes]:
    """Return the protocols that a client offers; none if it does not say."""
    reader = _Reader(hello)
    reader.take(2 + 32)  # version, random
    reader.vector(1)  # session
    reader.vector(2)  # cipher suites
    reader.vector(1)  # compression methods
    if reader.is_at_end:
        return []
    extensions = _Reader(reader.vector(2))
    while not extensions.is_at_end:
        kind, body = extensions.number(2), extensions.vector(2)
        if kind == _ALPN:
            names = _Reader(_Reader(body).vector(2))
            protocols = []
            while not names.is_at_end:
                protocols.append(names.vector(1))
            return protocols
    return []
