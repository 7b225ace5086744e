"""/metrics, /health and /version: what is shown of a node over HTTP."""

import asyncio
from collections.abc import Collection
from typing import Final, Protocol
from urllib.parse import parse_qs

import msgspec

from nodeimpl.api.errors import PERMISSION_DENIED, USER_EMPTY
from nodeimpl.api.rpc_pb2 import NONE, AlarmType, RangeRequest
from nodeimpl.raft.effects import RoleName
from nodeimpl.server.driver import DAEMON, ApiFailure, Driver
from nodeimpl.server.http_server import Page, Pages
from nodeimpl.server.metrics import Metrics
from nodeimpl.server.version import API_VERSION, SERVER_VERSION

READ_SECONDS_MAX: Final = 1.0
"""For the read that shows that a member is well (as etcd)."""


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

    async def series(query: str) -> Page:
        del query
        return metrics.page()

    async def health(query: str) -> Page:
        asked = parse_qs(query)
        reason = await illness(
            driver,
            excluded_alarms=asked.get("exclude", ()),
            is_serializable=asked.get("serializable") == ["true"],
        )
        body = {"health": "false" if reason else "true", "reason": reason}
        return Page(msgspec.json.encode(body), "application/json", status=503 if reason else 200)

    async def version(query: str) -> Page:
        del query
        body = {"etcdserver": SERVER_VERSION, "etcdcluster": API_VERSION}
        return Page(msgspec.json.encode(body), "application/json")

    return {"/metrics": series, "/health": health, "/version": version}


async def illness(
    driver: Driver, *, excluded_alarms: Collection[str], is_serializable: bool
) -> str:
    """Return what is wrong with a member; empty if it is well (etcd, etcdhttp: checkHealth).

    Well is who has no alarm but the excluded, knows a leader, and answers a read within a second;
    a linearizable one, or a serializable one.
    """
    node = driver.node
    for alarm in node.store.alarms.of_kind(NONE):
        name = AlarmType.Name(alarm.alarm)
        if name not in excluded_alarms:
            return f"ALARM {name}"
    if node.raft.leader is None:
        return "RAFT NO LEADER"
    probe = RangeRequest(key=b"\0", limit=1, keys_only=True, serializable=is_serializable)
    try:
        async with asyncio.timeout(READ_SECONDS_MAX):
            await driver.ask(probe, DAEMON)
    except ApiFailure as failure:
        if failure.error not in {USER_EMPTY, PERMISSION_DENIED}:
            return f"RANGE ERROR:{failure}"
    except TimeoutError:
        return "RANGE ERROR:context deadline exceeded"
    return ""
