"""Facts: what a store knows besides keys, one row each: leases, alarms, members, users, roles.

    row                 holds
    "f" kind:1 name     see the module of that kind

They have no history and no revision. Each member writes the same ones after the same commands, so
their hash stands beside the chained hash of the changes, and says where two members differ.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nodeimpl.mvcc.backend import Backend

FACTS_START: Final = b"f"
FACTS_END: Final = b"g"

LEASES: Final = b"fl"
GRANT_COUNT_ROW: Final = b"fg"
ALARMS: Final = b"fa"
MEMBERS: Final = b"fm"
ROLES: Final = b"fr"
AUTH_STATUS_ROW: Final = b"fs"
USERS: Final = b"fu"


@dataclass(slots=True)
class Facts:
    """The facts of one store, in its backend."""

    backend: Backend
    hash: int
    """Of all rows, whatever the order they were written in, 32 bits; 0 without any."""

    def put(self, row: bytes, record: bytes) -> None:
        """Write a fact, in the place of what its row said before."""
        self.remove(row)
        self.backend.put(row, record)
        self.hash ^= _hash_of(row, record)

    def remove(self, row: bytes) -> None:
        """Forget a fact; forgetting what is not known does nothing."""
        record = self.backend.get(row)
        if record is not None:
            self.backend.delete(row)
            self.hash ^= _hash_of(row, record)

    def of_kind(self, kind: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the names and records of one kind, in the order of their names."""
        for row, record in self.backend.scan(kind, kind[:-1] + bytes([kind[-1] + 1])):
            yield row[len(kind) :], record


def load_facts(backend: Backend) -> Facts:
    """Return the facts that lie in the backend."""
    return Facts(backend, facts_hash(backend))


def facts_hash(backend: Backend) -> int:
    """Return the hash of all facts in the backend."""
    total = 0
    for row, record in backend.scan(FACTS_START, FACTS_END):
        total ^= _hash_of(row, record)
    return total


def _hash_of(row: bytes, record: bytes) -> int:
    return zlib.crc32(record, zlib.crc32(row))
