"""What is counted of a node's doings."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from nodeimpl.boundary import CommitBackend
from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.mvcc.backend import Applied, CommitPoint
from nodeimpl.raft.effects import Became, RoleName, Trim
from nodeimpl.server.metrics import Metrics


class OneSeries(Collector):
    @override
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("one", "A series.", value=1)


def became(leader: int | None) -> Became:
    follows = None if leader is None else NodeId(leader)
    return Became(role=RoleName.FOLLOWER, term=Term(1), leader=follows)


def test_changes_of_leaders_are_counted_and_their_absence_is_none() -> None:
    metrics = Metrics([], "1")
    for leader in (None, 2, 2, None, 2, 3):
        metrics.on_became(became(leader))
    value = metrics.registry.get_sample_value("etcd_server_leader_changes_seen_total")
    assert value == 3


def test_syncs_of_the_log_and_commits_of_the_store_are_told_apart() -> None:
    metrics = Metrics([], "1")
    trim = Trim(LogIndex(1), Term(1))
    commit = CommitBackend(CommitPoint(1), Applied(LogIndex(1), Term(1)), 0)
    metrics.on_durable([trim], 0.003)
    metrics.on_durable([trim, commit], 5.0)
    sample = metrics.registry.get_sample_value
    assert sample("etcd_disk_wal_fsync_duration_seconds_count") == 1
    assert sample("etcd_disk_wal_fsync_duration_seconds_bucket", {"le": "0.002"}) == 0
    assert sample("etcd_disk_wal_fsync_duration_seconds_bucket", {"le": "0.004"}) == 1
    assert sample("etcd_disk_backend_commit_duration_seconds_sum") == 5.0


def test_what_others_find_is_shown_too() -> None:
    body = Metrics([OneSeries()], "1").page().body
    assert b"\none 1.0\n" in body
    assert b"process_resident_memory_bytes" in body
