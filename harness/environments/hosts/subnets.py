"""A network of its own for every cluster on this machine.

They are taken from 198.18.0.0/15, which is set aside for tests of networks (RFC 2544, appendix C),
so nobody else should be there; that no route leads there is looked at all the same.
"""

import os
import socket
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from harness.environments.hosts.locks import Locks
from harness.errors import HarnessError

_SUBNETS: Final = 512
_ROUTES: Final = Path("/proc/net/route")
HARNESS_HOST: Final = 254
"""The number of the harness' own address in every subnet."""


class Subnet:
    """A network of 254 addresses, held until it is released."""

    def __init__(self, directory: Path | None = None) -> None:
        """Take one; raises `HarnessError` if there is none. Lock files lie in `directory`."""
        self._locks = Locks("subnets", directory)
        self._prefix = self._take()

    @property
    def cidr(self) -> str:
        """The network, as in `198.18.7.0/24`."""
        return f"{self._prefix}.0/24"

    def address(self, number: int) -> str:
        """Return the address of one host, from 1."""
        assert 1 <= number <= HARNESS_HOST, "a /24 has no other hosts"
        return f"{self._prefix}.{number}"

    def release(self) -> None:
        """Give it back."""
        self._locks.release()

    def _take(self) -> str:
        offset = (os.getpid() * 97) % _SUBNETS
        for step in range(_SUBNETS):
            number = (offset + step) % _SUBNETS
            prefix = f"198.{18 + number // 256}.{number % 256}"
            if self._locks.take(prefix, partial(_is_free, f"{prefix}.0")):
                return prefix
        raise HarnessError(f"all {_SUBNETS} networks for clusters are taken on this machine")


def _is_free(network: str) -> bool:
    (wanted,) = struct.unpack("!I", socket.inet_aton(network))
    return not any(wanted & mask == found & mask for found, mask in _routes() if mask)


def _routes() -> Iterator[tuple[int, int]]:
    """Yield (network, mask) of every route but the default one."""
    if not _ROUTES.exists():
        return
    for line in _ROUTES.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        yield _number(fields[1]), _number(fields[7])


def _number(field: str) -> int:
    """Return the address that /proc/net/route shows, in the order of the host's bytes."""
    return socket.ntohl(int(field, 16))
