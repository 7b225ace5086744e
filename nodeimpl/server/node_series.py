"""A node's state as series with etcd's names; read off the node when somebody asks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from nodeimpl.ids import NodeId
from nodeimpl.node import Node
from nodeimpl.raft.effects import RoleName
from nodeimpl.server.driver import Driver
from nodeimpl.server.traffic import Traffic

_Reading = tuple[str, str, Callable[[Node], float]]

_GAUGES: Final[tuple[_Reading, ...]] = (
    (
        "etcd_server_has_leader",
        "Whether or not a leader exists. 1 is existence, 0 is not.",
        lambda node: node.raft.leader is not None,
    ),
    (
        "etcd_server_is_leader",
        "Whether or not this member is a leader. 1 if is, 0 otherwise.",
        lambda node: node.raft.role is RoleName.LEADER,
    ),
    (
        "etcd_server_is_learner",
        "Whether or not this member is a learner. 1 if is, 0 otherwise.",
        lambda node: node.config.node_id in node.raft.configuration.learners,
    ),
    (
        "etcd_server_proposals_committed_total",
        "The highest index known to be committed.",
        lambda node: node.raft.commit_index,
    ),
    (
        "etcd_server_proposals_applied_total",
        "The highest index that was applied.",
        lambda node: node.applied_index,
    ),
    (
        "etcd_server_quota_backend_bytes",
        "Size at which writes are refused.",
        lambda node: node.config.store.quota_backend_bytes,
    ),
    (
        "etcd_debugging_mvcc_current_revision",
        "The store's revision.",
        lambda node: node.store.revision,
    ),
    (
        "etcd_debugging_mvcc_compact_revision",
        "The revision of the last compaction.",
        lambda node: node.store.compact_revision,
    ),
    (
        "etcd_debugging_mvcc_keys_total",
        "Keys of which something is known.",
        lambda node: node.store.state.index.key_count,
    ),
    (
        "etcd_debugging_mvcc_watch_stream_total",
        "Streams of watches.",
        lambda node: len(node.watch.streams),
    ),
    ("etcd_debugging_mvcc_watcher_total", "Watchers.", lambda node: node.watch.watcher_count),
    (
        "etcd_debugging_mvcc_slow_watcher_total",
        "Watchers that are behind.",
        lambda node: node.watch.lagging_count,
    ),
)

_COUNTERS: Final[tuple[_Reading, ...]] = (
    ("etcd_mvcc_range", "Ranges read.", lambda node: node.store.tally.ranges),
    ("etcd_mvcc_put", "Puts made.", lambda node: node.store.tally.puts),
    ("etcd_mvcc_delete", "Deletions made.", lambda node: node.store.tally.deletes),
    ("etcd_mvcc_txn", "Transactions.", lambda node: node.store.tally.txns),
    (
        "etcd_debugging_mvcc_events",
        "Events sent to watchers.",
        lambda node: node.watch.event_count,
    ),
    (
        "etcd_debugging_lease_granted",
        "Leases granted.",
        lambda node: node.store.tally.leases_granted,
    ),
    (
        "etcd_debugging_lease_revoked",
        "Leases revoked, expired ones too.",
        lambda node: node.store.tally.leases_revoked,
    ),
    (
        "etcd_debugging_lease_renewed",
        "Leases kept alive by this leader.",
        lambda node: node.store.tally.leases_renewed,
    ),
    (
        "etcd_debugging_server_lease_expired",
        "Leases expired.",
        lambda node: node.store.tally.leases_expired,
    ),
)


class Sizes(Protocol):
    """What the backend's file takes."""

    def file_bytes(self) -> int:
        """Return the size of the backend's file."""

    def in_use_bytes(self) -> int:
        """Return how much of it is in use."""


class Links(Protocol):
    """What passes between members."""

    @property
    def traffic(self) -> Mapping[NodeId, Traffic]:
        """What was exchanged with each member."""

    def is_connected(self, peer: NodeId) -> bool:
        """Return whether messages to this member can leave."""


class NodeSeries(Collector):
    """The series of one member."""

    def __init__(self, driver: Driver, sizes: Sizes, links: Links) -> None:
        self._driver = driver
        self._sizes = sizes
        self._links = links

    @override
    def collect(self) -> Iterator[Metric]:
        node = self._driver.node
        for name, text, read in _GAUGES:
            yield GaugeMetricFamily(name, text, value=read(node))
        for name, text, read in _COUNTERS:
            yield CounterMetricFamily(name, text, value=read(node))
        yield GaugeMetricFamily(
            "etcd_server_proposals_pending",
            "Requests that wait for their answer.",
            value=self._driver.waiting_count,
        )
        yield GaugeMetricFamily(
            "etcd_mvcc_db_total_size_in_bytes",
            "Bytes allocated to the backend.",
            value=self._sizes.file_bytes(),
        )
        yield GaugeMetricFamily(
            "etcd_mvcc_db_total_size_in_use_in_bytes",
            "Bytes of the backend that hold something.",
            value=self._sizes.in_use_bytes(),
        )
        server_id = GaugeMetricFamily("etcd_server_id", "Who it is.", labels=["server_id"])
        server_id.add_metric([f"{node.config.node_id:x}"], 1)
        yield server_id
        yield from self._traffic()

    def _traffic(self) -> Iterator[Metric]:
        sent = CounterMetricFamily(
            "etcd_network_peer_sent_bytes", "Bytes sent to members.", labels=["To"]
        )
        failed = CounterMetricFamily(
            "etcd_network_peer_sent_failures",
            "Batches that found no way to a member.",
            labels=["To"],
        )
        received = CounterMetricFamily(
            "etcd_network_peer_received_bytes", "Bytes received from members.", labels=["From"]
        )
        active = GaugeMetricFamily(
            "etcd_network_active_peers", "Connections to members.", labels=["Local", "Remote"]
        )
        own = f"{self._driver.node.config.node_id:x}"
        for peer, traffic in sorted(self._links.traffic.items()):
            sent.add_metric([f"{peer:x}"], traffic.sent_bytes)
            failed.add_metric([f"{peer:x}"], traffic.lost_batches)
            received.add_metric([f"{peer:x}"], traffic.received_bytes)
            active.add_metric([own, f"{peer:x}"], self._links.is_connected(peer))
        yield from (sent, failed, received, active)
