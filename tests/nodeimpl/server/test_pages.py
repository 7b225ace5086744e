"""What is shown of a node over HTTP."""

import msgspec
import pytest

from nodeimpl.api.rpc_pb2 import CORRUPT, NOSPACE, AlarmRequest, AlarmType
from nodeimpl.server import pages
from nodeimpl.server.driver import DAEMON, Driver
from nodeimpl.server.http_server import Page
from nodeimpl.server.metrics import Metrics
from nodeimpl.server.pages import node_pages
from tests.nodeimpl.server.rigs import OWN, with_driver, with_leader


async def page(driver: Driver, path: str, query: str = "") -> Page:
    return await node_pages(driver, Metrics([], "1.2.3"))[path](query)


async def health(driver: Driver, query: str = "") -> tuple[int, str, str]:
    shown = await page(driver, "/health", query)
    body = msgspec.json.decode(shown.body, type=dict[str, str])
    return shown.status, body["health"], body["reason"]


async def alarm(driver: Driver, kind: AlarmType) -> None:
    request = AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=OWN, alarm=AlarmType.Name(kind))
    await driver.ask(request, DAEMON)


def test_who_leads_is_well() -> None:
    assert with_leader(health) == (200, "true", "")


def test_who_knows_no_leader_is_not_well() -> None:
    assert with_driver(health, 1, 2, 3) == (503, "false", "RAFT NO LEADER")


@pytest.mark.parametrize(("kind", "name"), [(NOSPACE, "NOSPACE"), (CORRUPT, "CORRUPT")])
def test_an_alarm_is_named_unless_it_is_excluded(kind: AlarmType, name: str) -> None:
    async def story(driver: Driver) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
        await alarm(driver, kind)
        return await health(driver), await health(driver, f"exclude=X&exclude={name}")

    told, excused = with_leader(story)
    assert told == (503, "false", f"ALARM {name}")
    assert excused == (200, "true", "")


def test_who_answers_no_read_in_time_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "READ_SECONDS_MAX", 0.0)

    async def story(driver: Driver) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
        slow = await health(driver)
        driver.stop()
        return slow, await health(driver, "serializable=true")

    late, stopped = with_leader(story)
    assert late == (503, "false", "RANGE ERROR:context deadline exceeded")
    assert stopped == (503, "false", "RANGE ERROR:etcdserver: server stopped")


def test_the_version_is_told() -> None:
    shown = with_leader(lambda driver: page(driver, "/version"))
    assert msgspec.json.decode(shown.body) == {
        "etcdserver": "3.5.0+quorate",
        "etcdcluster": "3.5.0",
    }


def test_series_are_shown_as_prometheus_reads_them() -> None:
    shown = with_leader(lambda driver: page(driver, "/metrics"))
    assert shown.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b'etcd_server_version{server_version="1.2.3"} 1.0' in shown.body
