"""Addresses as etcd writes them: http://host:port, https://host:port."""

from urllib.parse import urlsplit

import msgspec
from typing_extensions import override


class UrlError(ValueError):
    """A text that is no address of a member."""


class Url(msgspec.Struct, frozen=True):
    """Where to listen, or whom to call."""

    scheme: str
    host: str
    port: int

    @property
    def is_tls(self) -> bool:
        """Whether TLS is spoken there."""
        return self.scheme == "https"

    @property
    def address(self) -> str:
        """host:port, as gRPC wants it; an IPv6 host in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @override
    def __str__(self) -> str:
        return f"{self.scheme}://{self.address}"


def parse_url(text: str) -> Url:
    """Return the address; raise `UrlError` unless it is of scheme http or https, with a port."""
    parts = urlsplit(text.strip())
    try:
        port = parts.port
    except ValueError as error:
        raise UrlError(f"URL {text!r}: {error}") from error
    if parts.scheme not in {"http", "https"}:
        raise UrlError(f"URL {text!r}: URL scheme must be http or https")
    if not parts.hostname or port is None:
        raise UrlError(f'URL {text!r}: URL address does not have the form "host:port"')
    if parts.path not in {"", "/"}:
        raise UrlError(f"URL {text!r}: URL must not contain a path")
    return Url(parts.scheme, parts.hostname, port)


def parse_urls(text: str) -> tuple[Url, ...]:
    """Return a list written with commas; raise `UrlError` for what is none."""
    return tuple(parse_url(part) for part in text.split(",") if part.strip())
