"""How a lease ends: all its keys at once, in their order."""

from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import LeaseGrantRequest, LeaseRevokeRequest, PutRequest
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.rows import CHANGES_END, CHANGES_START, place_of
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend


def tombstones(backend: MemoryBackend) -> list[tuple[int, int, bytes]]:
    """Return the revision, the number within it, and the key of every tombstone."""
    return [
        (place.main, place.sub, KeyValue.FromString(record).key)
        for row, record in backend.scan(CHANGES_START, CHANGES_END)
        if (place := place_of(row)).is_tombstone
    ]


def test_the_keys_of_a_lease_go_in_one_revision_in_their_order() -> None:
    """As etcd's lessor does at Revoke: sorted, "so that all members apply in the same order"."""
    backend = MemoryBackend()
    store = Store(backend, StoreConfig())
    store.apply(LeaseGrantRequest(ID=7, TTL=5))
    for key in (b"c", b"a", b"b", b"kept"):
        store.apply(PutRequest(key=key, value=b"v", lease=7))
    store.apply(PutRequest(key=b"kept", value=b"v"))
    store.apply(LeaseRevokeRequest(ID=7))
    assert tombstones(backend) == [(7, 0, b"a"), (7, 1, b"b"), (7, 2, b"c")]


def test_a_lease_without_keys_takes_no_revision() -> None:
    store = Store(MemoryBackend(), StoreConfig())
    store.apply(LeaseGrantRequest(ID=7, TTL=5))
    store.apply(LeaseRevokeRequest(ID=7))
    assert store.revision == 1


def test_stores_that_differ_in_a_lease_have_different_hashes() -> None:
    one, other = (Store(MemoryBackend(), StoreConfig()) for _ in range(2))
    one.apply(LeaseGrantRequest(ID=7, TTL=5))
    other.apply(LeaseGrantRequest(ID=7, TTL=6))
    assert one.hash() != other.hash()
