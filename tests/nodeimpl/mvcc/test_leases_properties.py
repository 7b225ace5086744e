"""Leases in the store against a slow, obvious one, with crashes, snapshots and restarts.

The slow one keeps a map from keys to leases and looks through all of it.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nodeimpl.api.errors import LEASE_EXISTS, LEASE_NOT_FOUND, ApiError
from nodeimpl.api.rpc_pb2 import (
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    TxnRequest,
)
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LeaseId, LogIndex, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.commands import CheckpointLease, Command, ExpireLease
from nodeimpl.mvcc.invariants import check_reloaded, check_store
from nodeimpl.mvcc.snapshot import encode_snapshot, install_snapshot
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

KEYS = st.sampled_from([b"a", b"b", b"c"])
LEASES = st.sampled_from([-4, 1, 2, 3])
NO_LEASE = 0


class LeasesMachine(RuleBasedStateMachine):
    """Grants, revocations, expiries and puts, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = MemoryBackend()
        self.store = Store(self.backend, StoreConfig())
        self.index = 0
        self.grants: dict[int, int] = {}
        """The leases there are, and which grant each is."""
        self.grant_count = 0
        self.lease_of: dict[bytes, int] = {}
        self.revision = 1

    def apply(self, command: Command) -> object:
        self.index += 1
        return self.store.apply(command)

    @rule(lease=LEASES, ttl=st.integers(1, 9))
    def grant(self, lease: int, ttl: int) -> None:
        answer = self.apply(LeaseGrantRequest(ID=lease, TTL=ttl))
        if lease in self.grants:
            assert answer == LEASE_EXISTS
            return
        assert isinstance(answer, LeaseGrantResponse)
        assert (answer.ID, answer.TTL, answer.header.revision) == (lease, ttl, self.revision)
        self.grant_count += 1
        self.grants[lease] = self.grant_count

    @rule(lease=LEASES)
    def revoke(self, lease: int) -> None:
        self._end(lease, self.apply(LeaseRevokeRequest(ID=lease)), is_meant=lease in self.grants)

    @rule(lease=LEASES, behind=st.integers(0, 1))
    def expire(self, lease: int, behind: int) -> None:
        grant = self.grants.get(lease, 1) - behind
        answer = self.apply(ExpireLease(LeaseId(lease), grant, Term(1)))
        self._end(lease, answer, is_meant=self.grants.get(lease) == grant)

    @rule(lease=LEASES, remaining=st.integers(0, 9))
    def checkpoint(self, lease: int, remaining: int) -> None:
        grant = self.grants.get(lease, 1)
        answer = self.apply(CheckpointLease(LeaseId(lease), grant, remaining, Term(1)))
        if lease not in self.grants:
            assert answer == LEASE_NOT_FOUND
        else:
            assert self.store.leases.by_id[LeaseId(lease)].remaining_s == remaining

    @rule(key=KEYS, lease=st.one_of(st.just(NO_LEASE), LEASES))
    def put(self, key: bytes, lease: int) -> None:
        answer = self.apply(PutRequest(key=key, value=b"v", lease=lease))
        if lease and lease not in self.grants:
            assert answer == LEASE_NOT_FOUND
            return
        self.revision += 1
        self.lease_of[key] = lease

    @rule(key=KEYS)
    def put_keeping_the_lease(self, key: bytes) -> None:
        answer = self.apply(PutRequest(key=key, value=b"w", ignore_lease=True))
        if key in self.lease_of:
            assert not isinstance(answer, ApiError)
            self.revision += 1

    @rule(keys=st.lists(KEYS, unique=True, min_size=1), lease=LEASES)
    def put_together(self, keys: list[bytes], lease: int) -> None:
        puts = [RequestOp(request_put=PutRequest(key=key, lease=lease)) for key in keys]
        answer = self.apply(TxnRequest(success=puts))
        if lease not in self.grants:
            assert answer == LEASE_NOT_FOUND
            return
        self.revision += 1
        self.lease_of.update(dict.fromkeys(keys, lease))

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self.apply(DeleteRangeRequest(key=key))
        if self.lease_of.pop(key, None) is not None:
            self.revision += 1

    @rule()
    def restart(self) -> None:
        self.backend.commit(self.backend.seal(Applied(LogIndex(self.index), Term(1))))
        again = Store(self.backend, StoreConfig())
        check_reloaded(self.store.state, again.state)
        assert again.hash() == self.store.hash()
        self.store = again

    @rule()
    def send_to_another(self) -> None:
        self.backend.commit(self.backend.seal(Applied(LogIndex(self.index), Term(1))))
        other = MemoryBackend()
        other.commit(install_snapshot(other, encode_snapshot(self.backend)))
        again = Store(other, StoreConfig())
        assert again.hash() == self.store.hash()
        self.backend, self.store = other, again

    @invariant()
    def holds_what_the_slow_one_holds(self) -> None:
        check_store(self.store.state)
        assert self.store.revision == self.revision
        answer = self.store.read(RangeRequest(key=b"\0", range_end=b"\0"))
        assert isinstance(answer, RangeResponse)
        assert {kv.key: kv.lease for kv in answer.kvs} == self.lease_of
        leases = self.store.read(LeaseLeasesRequest())
        assert isinstance(leases, LeaseLeasesResponse)
        assert [lease.ID for lease in leases.leases] == sorted(self.grants)

    def _end(self, lease: int, answer: object, *, is_meant: bool) -> None:
        if not is_meant:
            assert answer == LEASE_NOT_FOUND
            return
        assert isinstance(answer, LeaseRevokeResponse)
        del self.grants[lease]
        gone = [key for key, of in self.lease_of.items() if of == lease]
        for key in gone:
            del self.lease_of[key]
        self.revision += bool(gone)
        assert answer.header.revision == self.revision


TestLeases = LeasesMachine.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=30)
