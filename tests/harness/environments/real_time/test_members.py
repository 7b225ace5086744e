"""Leadership that is handed over because an operator asks for it."""

import asyncio

import pytest

from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.members import RealMembers
from harness.environments.real_time.monitor import Monitor
from nemesis.surface import OperatorAnswer, SurfaceError
from tests.harness.environments.real_time.fake_cluster import FakeCluster


def asked(cluster: FakeCluster, node: str, *, is_watched: bool = True) -> OperatorAnswer:
    """Return what comes of asking the leader, n1, to hand over to `node`."""

    async def ask() -> OperatorAnswer:
        endpoints = {each.name: Endpoint(each.client_address) for each in cluster.members}
        monitor = Monitor(endpoints, lambda _: None)
        if is_watched:
            await monitor.look_at_all()
        members = RealMembers(asyncio.get_running_loop(), endpoints, monitor)
        answer = await asyncio.to_thread(members.move_leader, node)
        for endpoint in endpoints.values():
            await endpoint.close()
        return answer

    return asyncio.run(ask())


def test_the_leader_is_asked_to_hand_over() -> None:
    with FakeCluster("n1", "n2") as cluster:
        answer = asked(cluster, "n2")

        assert answer == OperatorAnswer("asked n1 to hand over to n2: done")
        assert cluster.calls == [("move", "n2")]


def test_who_leads_already_is_not_asked() -> None:
    with FakeCluster("n1", "n2") as cluster:
        assert asked(cluster, "n1") == OperatorAnswer("n1 leads already", is_taken=False)


def test_while_no_leader_is_known_nobody_is_asked() -> None:
    with FakeCluster("n1", "n2") as cluster:
        answer = asked(cluster, "n2", is_watched=False)

        assert answer == OperatorAnswer("the leader is not known at the moment", is_taken=False)


def test_clusters_without_a_machine_to_spare_keep_their_members() -> None:
    loop = asyncio.new_event_loop()
    members = RealMembers(loop, {}, Monitor({}, lambda _: None))
    loop.close()

    assert not members.changes_members
    with pytest.raises(SurfaceError, match="no machine to spare"):
        members.grow()
    with pytest.raises(SurfaceError, match="no machine to spare"):
        members.shrink("n1")
    with pytest.raises(SurfaceError, match="no machine to spare"):
        members.replace("n1")
