"""Real etcds of one node for the tests of this folder."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from harness.environments.local.environment import LocalEnvironment
from harness.plan import DaemonPlan, Plan
from harness.store import RunDirectory
from harness.systems.etcd import etcd_of
from nodeimpl.api.rpc_pb2 import RangeRequest
from tests.etcd.sides import EtcdDaemon
from tests.local.waiting import wait_for

VERSIONS = tuple(os.environ.get("QUORATE_ETCD_VERSIONS", "any").split(","))
"""Those to compare with, as in 3.4,3.5.16; `any` is the first that is found."""


@pytest.fixture(scope="session", params=VERSIONS)
def etcd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EtcdDaemon]:
    """Return an etcd that serves."""
    wanted: str = request.param
    daemon_plan = DaemonPlan(fsync=False, version=None if wanted == "any" else wanted)
    plan = Plan(system="etcd", nodes=1, daemon=daemon_plan)
    directory = RunDirectory.create(tmp_path_factory.mktemp("etcd"), plan, datetime.now(UTC))
    system = etcd_of(plan)
    with LocalEnvironment(system, plan.node_names, directory) as environment:
        environment.start()
        daemon = EtcdDaemon(environment.members[0].client_address, system.binary.version)
        wait_for(lambda: not isinstance(daemon.ask(RangeRequest(key=b"a")), tuple))
        yield daemon
        daemon.close()
        assert environment.deaths() == [], "etcd ended by itself"
