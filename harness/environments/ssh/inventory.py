"""The inventory: which hosts there are, and how each is reached, from a TOML file.

[defaults]                       # for every host that does not say otherwise
user = "root"
key = "~/.ssh/id_ed25519"

[[hosts]]                        # the first is n1, the second n2, ...
address = "10.0.0.1"
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.errors import UsageError


class Host(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one host is reached, and what it has."""

    address: str
    """By which this machine and the other hosts reach it."""
    port: int = 22
    user: str = "root"
    key: str | None = None
    """A file with the private key. None: those of the user's own, and the agent's."""
    known_hosts: str | None = None
    """A file with the hosts' keys. None: the user's own."""
    check_host_key: bool = True
    """Whether a host whose key is unknown is refused."""
    directory: str = "/var/tmp/quorate"  # noqa: S108 - on the host, below it everything has a name
    """Where everything lies on the host."""
    python: str = "python3"
    """The host's Python, for agents; for nodeimpl, one in which Quorate is installed."""
    client_port: int = 2379
    peer_port: int = 2380


def read_inventory(path: Path) -> Sequence[Host]:
    """Return the hosts of the file; raises `UsageError` if it does not read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"is not TOML: {error}", path=path) from error
    try:
        found = msgspec.convert(content, _File)
        hosts = [msgspec.convert({**found.defaults, **each}, Host) for each in found.hosts]
    except msgspec.ValidationError as error:
        raise UsageError(f"is not an inventory: {error}", path=path) from error
    if len({(host.address, host.client_port) for host in hosts}) != len(hosts):
        raise UsageError("two hosts have one address and port", path=path)
    return hosts


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hosts: list[dict[str, object]]
    defaults: dict[str, object] = {}
