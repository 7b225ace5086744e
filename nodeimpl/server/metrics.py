"""What monitoring reads: Prometheus series with etcd's names.

Most are read off the node when somebody asks; only what has no state of its own is counted here.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from nodeimpl.boundary import CommitBackend
from nodeimpl.raft.effects import Became, Commit, ConfigurationChanged, Restored
from nodeimpl.server.disk import DiskEffect
from nodeimpl.server.http_server import Page

_SECONDS: Final = tuple(0.001 * 2**step for step in range(14))
"""Buckets from a millisecond to eight seconds (as etcd)."""


class Metrics:
    """The series of one node; it observes the node's driver."""

    def __init__(self, collectors: Sequence[Collector], version: str) -> None:
        """Show what `collectors` find, beside what is counted here."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        for collector in collectors:
            registry.register(collector)
        self._leader_changes = Counter(
            "etcd_server_leader_changes_seen",
            "The number of leader changes seen.",
            registry=registry,
        )
        self._wal_seconds = Histogram(
            "etcd_disk_wal_fsync_duration_seconds",
            "How long it took to make entries of the log durable.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._backend_seconds = Histogram(
            "etcd_disk_backend_commit_duration_seconds",
            "How long it took to commit the backend, and what went to the log with it.",
            buckets=_SECONDS,
            registry=registry,
        )
        version_info = GaugeMetricFamily(
            "etcd_server_version", "Which version is running.", labels=["server_version"]
        )
        version_info.add_metric([version], 1)
        registry.register(_Constant(version_info))
        self._leader: int | None = None

    def page(self) -> Page:
        """Return all series in Prometheus' text format."""
        return Page(generate_latest(self.registry), "text/plain; version=0.0.4; charset=utf-8")

    def on_became(self, became: Became) -> None:
        """Count changes of leaders."""
        if became.leader is not None and became.leader != self._leader:
            self._leader_changes.inc()
        self._leader = became.leader

    def on_durable(self, effects: Sequence[DiskEffect], seconds: float) -> None:
        """Note how long the disk took."""
        if any(isinstance(effect, CommitBackend) for effect in effects):
            self._backend_seconds.observe(seconds)
        else:
            self._wal_seconds.observe(seconds)

    def on_commit(self, commit: Commit) -> None:
        """Nothing: the indices are read when they are asked for."""

    def on_configuration(self, changed: ConfigurationChanged) -> None:
        """Nothing: the members are read when they are asked for."""

    def on_restored(self, restored: Restored) -> None:
        """Nothing: the store is read when it is asked for."""


class _Constant(Collector):
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    @override
    def collect(self) -> Iterator[Metric]:
        yield self._metric
