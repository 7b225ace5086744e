"""/metrics, /health and /version: what is shown of a node over HTTP."""

import asyncio
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs

import msgspec

from nodeimpl.api.errors import PERMISSION_DENIED, USER_EMPTY
from nodeimpl.api.rpc_pb2 import NONE, AlarmType, RangeRequest
from nodeimpl.server.driver import DAEMON, ApiFailure, Driver
from nodeimpl.server.http_server import Page, Pages
from nodeimpl.server.metrics import Metrics
from nodeimpl.server.version import API_VERSION, SERVER_VERSION

READ_SECONDS_MAX: Final = 1.0
"""For the read that shows that a member is well (as etcd)."""


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
