"""What is seen of nodes from outside, and what is told of it."""

import asyncio

from harness.environments.real_time.convergence import lagging
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.monitor import Monitor, NodeStatus
from nemesis.schedule import Observation
from nodeimpl.api.rpc_pb2 import PutRequest
from tests.harness.environments.real_time.fake_cluster import FakeCluster


def status(
    member_id: int = 1, leader_id: int = 1, term: int = 2, applied_index: int = 5
) -> NodeStatus:
    return NodeStatus(
        member_id=member_id,
        leader_id=leader_id,
        term=term,
        applied_index=applied_index,
        revision=1,
    )


class Watched:
    """A cluster, looked at by a monitor."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.seen: list[Observation] = []
        self.endpoints = {
            member.name: Endpoint(member.client_address) for member in cluster.members
        }
        self.monitor = Monitor(self.endpoints, self.seen.append)

    async def close(self) -> None:
        for endpoint in self.endpoints.values():
            await endpoint.close()


def roles(seen: list[Observation]) -> list[tuple[str, str | None]]:
    return [(each.node, each.role) for each in seen if each.event == "role"]


def test_the_leader_is_who_says_so() -> None:
    async def look() -> str | None:
        with FakeCluster("n1", "n2") as cluster:
            watched = Watched(cluster)
            await watched.monitor.look_at_all()
            await watched.close()
            return watched.monitor.leader()

    assert asyncio.run(look()) == "n1"


def test_nobody_leads_before_anybody_was_seen() -> None:
    assert Monitor({}, lambda _: None).leader() is None


def test_of_two_who_say_so_the_later_term_counts() -> None:
    monitor = Monitor({}, lambda _: None)
    monitor.statuses |= {
        "n1": status(member_id=1, leader_id=1, term=7),
        "n2": status(member_id=2, leader_id=2, term=9),
    }

    assert monitor.leader() == "n2"


def test_a_change_of_leader_is_observed_once() -> None:
    async def look() -> list[tuple[str, str | None]]:
        with FakeCluster("n1", "n2") as cluster:
            watched = Watched(cluster)
            await watched.monitor.look_at_all()
            await watched.monitor.look_at_all()
            cluster.end("n1")
            cluster.term_of_office = 2
            await watched.monitor.look_at_all()
            await watched.monitor.look_at_all()
            await watched.close()
            assert watched.monitor.election_count == 2
            return roles(watched.seen)

    seen = asyncio.run(look())
    assert sorted(seen[:2]) == [("n1", "leader"), ("n2", "follower")]
    assert seen[2:] == [("n2", "leader")]


def test_a_leader_elected_again_is_observed_again() -> None:
    async def look() -> list[tuple[str, str | None]]:
        with FakeCluster("n1") as cluster:
            watched = Watched(cluster)
            await watched.monitor.look_at_all()
            cluster.term_of_office = 2
            await watched.monitor.look_at_all()
            await watched.close()
            return roles(watched.seen)

    assert asyncio.run(look()) == [("n1", "leader"), ("n1", "leader")]


def test_what_is_applied_is_observed_as_a_commit() -> None:
    async def look() -> list[Observation]:
        with FakeCluster("n1") as cluster:
            watched = Watched(cluster)
            await watched.monitor.look_at_all()
            cluster.store.ask(PutRequest(key=b"k"))
            await watched.monitor.look_at_all()
            await watched.monitor.look_at_all()
            await watched.close()
            return [each for each in watched.seen if each.event == "commit"]

    assert asyncio.run(look()) == [Observation(event="commit", node="n1")]


def test_nodes_that_agree_have_come_together() -> None:
    assert lagging({"n1": status(), "n2": status(member_id=2)}) is None


def test_what_is_missing_is_said() -> None:
    assert lagging({"n1": None}) == "n1 does not answer"
    assert lagging({"n1": status(leader_id=0)}) == "there is no leader"
    assert lagging({"n1": status(), "n2": status(leader_id=2)}) == (
        "the nodes do not agree who leads: n1 1, n2 2"
    )
    assert lagging({"n1": status(), "n2": status(applied_index=4)}) == (
        "the nodes have applied unequally much: n1 5, n2 4"
    )


def test_a_node_that_comes_is_looked_at_and_one_that_left_is_not() -> None:
    async def look() -> tuple[list[str], bool]:
        with FakeCluster("n1", "n2") as cluster:
            watched = Watched(cluster)
            endpoint = watched.endpoints.pop("n2")
            monitor = Monitor(watched.endpoints, watched.seen.append)
            looking = asyncio.create_task(monitor.run())
            await monitor.look_at_all()
            monitor.join("n2", endpoint)
            monitor.leave("n1")
            await monitor.look_at_all()
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await endpoint.close()
            await watched.close()
            return list(monitor.statuses), monitor.leader() is None

    assert asyncio.run(look()) == (["n2"], True)
