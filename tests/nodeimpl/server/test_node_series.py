"""A node's state as series."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from nodeimpl.api.rpc_pb2 import (
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseRevokeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.ids import NodeId
from nodeimpl.server.driver import Driver
from nodeimpl.server.node_series import NodeSeries
from nodeimpl.server.traffic import Traffic
from tests.nodeimpl.server.rigs import with_driver, with_leader
from tests.nodeimpl.server.waiting import until


class FixedSizes:
    def file_bytes(self) -> int:
        return 4096

    def in_use_bytes(self) -> int:
        return 1000


class OneLink:
    @property
    def traffic(self) -> Mapping[NodeId, Traffic]:
        return {NodeId(0xAB): Traffic(sent_bytes=5, received_bytes=7, lost_batches=2)}

    def is_connected(self, peer: NodeId) -> bool:
        return peer == 0xAB


def registry_of(driver: Driver) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(NodeSeries(driver, FixedSizes(), OneLink()))
    return registry


async def busy(driver: Driver) -> CollectorRegistry:
    """Do some of everything, and return the series then."""
    responses: list[WatchResponse] = []
    stream = driver.open_watch(1 << 20, responses.append)
    create = WatchCreateRequest(key=b"a")
    driver.ask_watch(stream, WatchRequest(create_request=create))
    await until(lambda: responses)
    await driver.ask(LeaseGrantRequest(ID=5, TTL=60))
    await driver.ask(LeaseGrantRequest(ID=6, TTL=60))
    await driver.ask(LeaseKeepAliveRequest(ID=5))
    await driver.ask(LeaseKeepAliveRequest(ID=7))  # there is none
    await driver.ask(PutRequest(key=b"a", value=b"v"))
    puts = [RequestOp(request_put=PutRequest(key=key)) for key in (b"a", b"b")]
    await driver.ask(TxnRequest(success=puts))
    await driver.ask(RangeRequest(key=b"a"))
    await driver.ask(DeleteRangeRequest(key=b"b"))
    await driver.ask(LeaseRevokeRequest(ID=6))
    await until(lambda: len(responses) == 3)
    return registry_of(driver)


def test_what_was_done_is_counted() -> None:
    value = with_leader(busy).get_sample_value
    assert [
        value(f"etcd_{name}_total")
        for name in (
            "mvcc_put",
            "mvcc_txn",
            "mvcc_range",
            "mvcc_delete",
            "debugging_lease_granted",
            "debugging_lease_renewed",
            "debugging_lease_revoked",
            "debugging_server_lease_expired",
            "debugging_mvcc_events",
        )
    ] == [3, 1, 1, 1, 2, 1, 1, 0, 2]


def test_the_state_is_shown() -> None:
    value = with_leader(busy).get_sample_value
    assert value("etcd_server_has_leader") == 1
    assert value("etcd_server_is_leader") == 1
    assert value("etcd_server_is_learner") == 0
    assert value("etcd_server_id", {"server_id": "1"}) == 1
    assert value("etcd_server_quota_backend_bytes") == 2 << 30
    assert value("etcd_debugging_mvcc_current_revision") == 4
    assert value("etcd_debugging_mvcc_compact_revision") == -1
    assert value("etcd_debugging_mvcc_keys_total") == 2
    assert value("etcd_debugging_mvcc_watcher_total") == 1
    assert value("etcd_debugging_mvcc_watch_stream_total") == 1
    assert value("etcd_debugging_mvcc_slow_watcher_total") == 0
    assert value("etcd_mvcc_db_total_size_in_bytes") == 4096
    assert value("etcd_mvcc_db_total_size_in_use_in_bytes") == 1000
    applied = value("etcd_server_proposals_applied_total")
    assert applied == value("etcd_server_proposals_committed_total")


def test_traffic_between_members_is_shown_by_member() -> None:
    value = with_leader(busy).get_sample_value
    assert value("etcd_network_peer_sent_bytes_total", {"To": "ab"}) == 5
    assert value("etcd_network_peer_received_bytes_total", {"From": "ab"}) == 7
    assert value("etcd_network_peer_sent_failures_total", {"To": "ab"}) == 2
    assert value("etcd_network_active_peers", {"Local": "1", "Remote": "ab"}) == 1


def test_without_a_leader_the_series_say_so() -> None:
    async def alone(driver: Driver) -> CollectorRegistry:
        return registry_of(driver)

    value = with_driver(alone, 1, 2, 3).get_sample_value
    assert value("etcd_server_has_leader") == 0
    assert value("etcd_server_is_leader") == 0
