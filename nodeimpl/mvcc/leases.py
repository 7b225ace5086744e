"""Leases as every member knows them: which there are, and the keys that live by each.

A lease's row holds its TTL, what of it is left as its leader last wrote it down (a *checkpoint*),
and which grant it is. The keys are not written there: a key's own row names its lease, and after a
restart they are gathered from these (as etcd, lease/lessor.go and mvcc/kvstore.go: restore).

When a lease ends is not known here. Time is the leader's own (`nodeimpl.leasing`).
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from nodeimpl.ids import LeaseId
from nodeimpl.mvcc.facts import GRANT_COUNT_ROW, LEASES, Facts

NO_LEASE: Final = LeaseId(0)

_ID = struct.Struct(">q")
_RECORD = struct.Struct(">qqQ")
_COUNT = struct.Struct(">Q")


@dataclass(slots=True, kw_only=True)
class Lease:
    """One lease that has been granted and not revoked."""

    lease_id: LeaseId
    ttl_s: int
    """As granted."""
    remaining_s: int = 0
    """What is left of it for a new leader to count from; 0 means all of it."""
    grant: int
    """Grants are counted through: an id that was revoked and granted again names another one."""
    keys: set[bytes] = field(default_factory=set)

    @property
    def next_ttl_s(self) -> int:
        """How long it lives from when a new leader begins to count."""
        return self.remaining_s or self.ttl_s


@dataclass(slots=True)
class LeaseBook:
    """All leases, and the lease of every key that has one."""

    facts: Facts
    grant_count: int = 0
    by_id: dict[LeaseId, Lease] = field(default_factory=dict)
    lease_of: dict[bytes, LeaseId] = field(default_factory=dict)
    touched: list[LeaseId] = field(default_factory=list)
    """Leases of which something has changed but their keys; whoever keeps their time clears it."""

    def grant(self, lease_id: LeaseId, ttl_s: int) -> None:
        """Add a lease, of an id that is free."""
        assert lease_id != NO_LEASE, "0 means no lease"
        assert lease_id not in self.by_id, f"lease {lease_id} is granted twice"
        self.grant_count += 1
        self.facts.put(GRANT_COUNT_ROW, _COUNT.pack(self.grant_count))
        lease = Lease(lease_id=lease_id, ttl_s=ttl_s, grant=self.grant_count)
        self.by_id[lease_id] = lease
        self._write(lease)

    def checkpoint(self, lease: Lease, remaining_s: int) -> None:
        """Write down what is left of a lease; 0 means all of it."""
        lease.remaining_s = remaining_s
        self._write(lease)

    def revoke(self, lease: Lease) -> None:
        """Forget a lease, whose keys have been deleted."""
        assert not lease.keys, f"lease {lease.lease_id} still has keys: {sorted(lease.keys)}"
        del self.by_id[lease.lease_id]
        self.facts.remove(lease_row(lease.lease_id))
        self.touched.append(lease.lease_id)

    def attach(self, key: bytes, lease_id: LeaseId) -> None:
        """Let `key` live by this lease, which exists, and by no other; `NO_LEASE` by none."""
        before = self.lease_of.get(key, NO_LEASE)
        if before == lease_id:
            return
        if before:
            self.by_id[before].keys.remove(key)
            del self.lease_of[key]
        if lease_id:
            self.by_id[lease_id].keys.add(key)
            self.lease_of[key] = lease_id

    def _write(self, lease: Lease) -> None:
        record = _RECORD.pack(lease.ttl_s, lease.remaining_s, lease.grant)
        self.facts.put(lease_row(lease.lease_id), record)
        self.touched.append(lease.lease_id)


def lease_row(lease_id: LeaseId) -> bytes:
    """Return the row of a lease."""
    return LEASES + _ID.pack(lease_id)


def load_leases(facts: Facts, lease_of: dict[bytes, LeaseId]) -> LeaseBook:
    """Return the leases that lie among the facts.

    `lease_of` says of every key that exists by which lease it lives, if by one; that lease exists.
    """
    count = facts.backend.get(GRANT_COUNT_ROW)
    book = LeaseBook(facts, grant_count=0 if count is None else _COUNT.unpack(count)[0])
    for name, record in facts.of_kind(LEASES):
        (number,) = _ID.unpack(name)
        lease_id = LeaseId(number)
        ttl_s, remaining_s, grant = _RECORD.unpack(record)
        book.by_id[lease_id] = Lease(
            lease_id=lease_id, ttl_s=ttl_s, remaining_s=remaining_s, grant=grant
        )
    for key, lease_id in lease_of.items():
        assert lease_id in book.by_id, f"{key!r} lives by lease {lease_id}, which nobody knows"
        book.attach(key, lease_id)
    return book
