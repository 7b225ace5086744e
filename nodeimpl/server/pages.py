"""/metrics, /health and /version: what is shown of a node over HTTP."""

from typing import Protocol

import msgspec

from nodeimpl.api.rpc_pb2 import NONE, NOSPACE
from nodeimpl.raft.effects import RoleName
from nodeimpl.server.driver import Driver
from nodeimpl.server.http_server import Page, Pages
from nodeimpl.server.metrics import Metrics
from nodeimpl.server.version import SERVER_VERSION


class Sizes(Protocol):
    """What the backend's file takes."""

    def file_bytes(self) -> int:
        """Return the size of the backend's file."""

    def in_use_bytes(self) -> int:
        """Return how much of it is in use."""


class NodeGauges:
    """A node's state as etcd's gauges."""

    def __init__(self, driver: Driver, sizes: Sizes) -> None:
        self._driver = driver
        self._sizes = sizes

    def read(self) -> dict[str, tuple[str, float]]:
        """Return each series' help text and its value now, by name."""
        node = self._driver.node
        raft = node.raft
        is_learner = node.config.node_id in raft.configuration.learners
        return {
            "etcd_server_has_leader": (
                "Whether or not a leader exists. 1 is existence, 0 is not.",
                raft.leader is not None,
            ),
            "etcd_server_is_leader": (
                "Whether or not this member is a leader. 1 if is, 0 otherwise.",
                raft.role is RoleName.LEADER,
            ),
            "etcd_server_is_learner": (
                "Whether or not this member is a learner. 1 if is, 0 otherwise.",
                is_learner,
            ),
            "etcd_server_proposals_committed_total": (
                "The highest index known to be committed.",
                raft.commit_index,
            ),
            "etcd_server_proposals_applied_total": (
                "The highest index that was applied.",
                node.applied_index,
            ),
            "etcd_server_proposals_pending": (
                "Requests that wait for their answer.",
                self._driver.waiting_count,
            ),
            "etcd_mvcc_db_total_size_in_bytes": (
                "Bytes allocated to the backend.",
                self._sizes.file_bytes(),
            ),
            "etcd_mvcc_db_total_size_in_use_in_bytes": (
                "Bytes of the backend that hold something.",
                self._sizes.in_use_bytes(),
            ),
            "etcd_debugging_mvcc_current_revision": (
                "The store's revision.",
                node.store.revision,
            ),
            "etcd_debugging_mvcc_compact_revision": (
                "The revision of the last compaction.",
                node.store.compact_revision,
            ),
        }


def node_pages(driver: Driver, metrics: Metrics) -> Pages:
    """Return what is answered at each path."""

    def health() -> Page:
        """Healthy: there is a leader, and no alarm (as etcd; NOSPACE is told by its own word)."""
        node = driver.node
        reason = ""
        if node.store.alarms.is_on(NOSPACE):
            reason = "ALARM NOSPACE"
        elif node.store.alarms.of_kind(NONE):
            reason = "ALARM CORRUPT"
        elif node.raft.leader is None:
            reason = "RAFT NO LEADER"
        body = {"health": "false" if reason else "true", "reason": reason}
        return Page(msgspec.json.encode(body), "application/json", status=503 if reason else 200)

    def version() -> Page:
        body = {"etcdserver": SERVER_VERSION, "etcdcluster": SERVER_VERSION}
        return Page(msgspec.json.encode(body), "application/json")

    return {"/metrics": metrics.page, "/health": health, "/version": version}
