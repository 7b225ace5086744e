"""Leases from the clients' side: a node that leads alone, or with a peer that obeys."""

from nodeimpl.api.errors import (
    LEASE_EXISTS,
    LEASE_NOT_FOUND,
    LEASE_TTL_TOO_LARGE,
)
from nodeimpl.api.rpc_pb2 import (
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
)
from nodeimpl.ids import SECOND
from nodeimpl.mvcc.commands import ExpireLease
from tests.nodeimpl.lease_situations import (
    Driven,
    alone,
    errors,
    leader,
    proposed,
)

EVERYTHING = RangeRequest(key=b"\0", range_end=b"\0")
KEEP_ALIVE = LeaseKeepAliveRequest(ID=7)
HOW_LONG = LeaseTimeToLiveRequest(ID=7, keys=True)


def granted(driven: Driven, ttl_s: int = 5, lease: int = 7, keys: tuple[bytes, ...] = ()) -> Driven:
    """Return the node with a lease, and keys that live by it."""
    driven.answer(LeaseGrantRequest(ID=lease, TTL=ttl_s), LeaseGrantResponse)
    for key in keys:
        driven.answer(PutRequest(key=key, value=b"v", lease=lease), PutResponse)
    return driven


def keys_of(driven: Driven) -> list[bytes]:
    return [kv.key for kv in driven.answer(EVERYTHING, RangeResponse).kvs]


def time_left(driven: Driven) -> int:
    return driven.answer(HOW_LONG, LeaseTimeToLiveResponse).TTL


# ------------------------------------------------------------ granting and revoking
def test_a_grant_is_answered_with_what_was_asked_for() -> None:
    response = alone().answer(LeaseGrantRequest(ID=7, TTL=5), LeaseGrantResponse)
    assert (response.ID, response.TTL, response.header.revision) == (7, 5, 1)


def test_the_node_chooses_an_id_that_nobody_else_will() -> None:
    driven = alone()
    first = driven.answer(LeaseGrantRequest(TTL=5), LeaseGrantResponse)
    second = driven.answer(LeaseGrantRequest(TTL=5), LeaseGrantResponse)
    assert 0 < first.ID < second.ID


def test_a_ttl_is_no_shorter_than_an_election_and_a_half() -> None:
    """Etcd MinLeaseTTL; 600 ms make 0.9 s, in whole seconds 1."""
    for asked in (-1, 0, 1):
        driven = alone()
        assert driven.answer(LeaseGrantRequest(TTL=asked), LeaseGrantResponse).TTL == 1


def test_an_id_is_granted_once_at_a_time() -> None:
    driven = granted(alone())
    assert errors(driven.ask(LeaseGrantRequest(ID=7, TTL=5))) == [LEASE_EXISTS]
    driven.answer(LeaseRevokeRequest(ID=7), LeaseRevokeResponse)
    granted(driven)


def test_a_ttl_of_centuries_is_too_large() -> None:
    assert errors(alone().ask(LeaseGrantRequest(TTL=9_000_000_001))) == [LEASE_TTL_TOO_LARGE]


def test_a_lease_that_does_not_exist_cannot_be_revoked_or_attached() -> None:
    driven = alone()
    assert errors(driven.ask(LeaseRevokeRequest(ID=7))) == [LEASE_NOT_FOUND]
    assert errors(driven.ask(PutRequest(key=b"k", lease=7))) == [LEASE_NOT_FOUND]


def test_leases_are_listed() -> None:
    driven = granted(granted(alone(), lease=9), lease=8)
    response = driven.answer(LeaseLeasesRequest(), LeaseLeasesResponse)
    assert [lease.ID for lease in response.leases] == [8, 9]


# ------------------------------------------------------------ living and ending
def test_a_lease_lives_for_its_ttl_and_takes_its_keys_with_it() -> None:
    driven = granted(alone(), keys=(b"a", b"b"))
    end = driven.now + 5 * SECOND
    driven.sleep_until(end - 1)
    assert keys_of(driven) == [b"a", b"b"]
    assert driven.node.store.revision == 3
    driven.sleep_until(end)
    assert keys_of(driven) == []
    assert driven.node.store.revision == 4
    assert errors(driven.ask(LeaseRevokeRequest(ID=7))) == [LEASE_NOT_FOUND]


def test_a_lease_that_is_kept_alive_lives_on() -> None:
    driven = granted(alone(), keys=(b"a",))
    driven.sleep_until(4 * SECOND)
    response = driven.answer(KEEP_ALIVE, LeaseKeepAliveResponse)
    assert (response.ID, response.TTL) == (7, 5)
    driven.sleep_until(9 * SECOND - 1)
    assert keys_of(driven) == [b"a"]
    driven.sleep_until(9 * SECOND)
    assert keys_of(driven) == []


def test_a_keep_alive_of_no_lease_says_so() -> None:
    response = alone().answer(KEEP_ALIVE, LeaseKeepAliveResponse)
    assert (response.ID, response.TTL) == (7, 0)


def test_the_time_to_live_counts_down() -> None:
    driven = granted(alone(), keys=(b"b", b"a"))
    begun = driven.now
    response = driven.answer(HOW_LONG, LeaseTimeToLiveResponse)
    assert (response.TTL, response.grantedTTL, list(response.keys)) == (5, 5, [b"a", b"b"])
    driven.sleep_until(begun + 1)
    assert time_left(driven) == 4
    driven.sleep_until(begun + 5 * SECOND - 1)
    assert time_left(driven) == 0
    driven.sleep_until(begun + 5 * SECOND)
    assert time_left(driven) == -1


def test_a_lease_that_was_revoked_and_granted_anew_has_all_its_time() -> None:
    driven = granted(alone(), ttl_s=2)
    driven.sleep_until(driven.now + SECOND)
    driven.answer(LeaseRevokeRequest(ID=7), LeaseRevokeResponse)
    granted(driven, ttl_s=2)
    driven.sleep_until(driven.now + 2 * SECOND - 1)
    assert time_left(driven) == 0
    driven.sleep_until(driven.now + 1)
    assert time_left(driven) == -1


def test_no_more_leases_expire_at_a_time_than_configured() -> None:
    driven = leader(expiring_max=2)
    for lease in range(1, 6):
        granted(driven, ttl_s=1, lease=lease)
    driven.sleep_until(driven.now + SECOND)
    asked = driven.node.raft.state.role
    del asked
    done = driven.with_peer(driven.wake())
    assert [command.lease_id for command in proposed(done) if isinstance(command, ExpireLease)] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert driven.node.store.leases.by_id == {}
