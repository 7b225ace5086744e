"""Daemons of one node for the tests of this folder: real etcds, and our node."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.environments.local.environment import LocalEnvironment
from harness.plan import DaemonPlan, Plan
from harness.store import RunDirectory
from harness.systems.registry import system_of
from nodeimpl.api.rpc_pb2 import RangeRequest
from tests.etcd.sides import StoreDaemon
from tests.local.waiting import wait_for

VERSIONS = tuple(os.environ.get("QUORATE_ETCD_VERSIONS", "any").split(","))
"""Those to compare with, as in 3.4,3.5.16; `any` is the first that is found."""


@pytest.fixture(scope="session", params=VERSIONS)
def etcd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreDaemon]:
    """Return an etcd that serves, named for its version."""
    wanted: str = request.param
    daemon_plan = DaemonPlan(fsync=False, version=None if wanted == "any" else wanted)
    yield from serving(Plan(system="etcd", daemon=daemon_plan), tmp_path_factory.mktemp("etcd"))


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreDaemon]:
    """Return our node as a daemon that serves."""
    plan = Plan(system="nodeimpl", daemon=DaemonPlan(fsync=False))
    yield from serving(plan, tmp_path_factory.mktemp("nodeimpl"))


def serving(plan: Plan, folder: Path) -> Iterator[StoreDaemon]:
    """Yield a store of one node that serves, and see that it has not ended by itself."""
    directory = RunDirectory.create(folder, plan, datetime.now(UTC))
    system = system_of(plan)
    with LocalEnvironment(system, ("n1",), directory) as environment:
        environment.start()
        daemon = StoreDaemon(system.version, environment.members[0].client_address)
        wait_for(lambda: not isinstance(daemon.ask(RangeRequest(key=b"a")), tuple))
        yield daemon
        daemon.close()
        assert environment.deaths() == [], f"{system.name} ended by itself"
