"""The whole cluster: its surfaces, who leads, what keeps it from having converged."""

import pytest

from harness.environments.simulation.cluster import Cluster, NodeMaker, to_ns
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.oracle import Oracle
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import Crashed, Trace, Transition
from harness.plan import NodePlan, Plan
from nemesis.surface import SurfaceError
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import PutRequest
from nodeimpl.ids import MILLISECOND, SECOND, Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.effects import RoleName
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

HASTY = NodePlan(pre_vote=False, check_quorum=False)
"""Nodes that stand for election unasked, and lead on unheard."""

PUT = PutRequest(key=b"k", value=b"v")


class Lab:
    """A cluster, all of its daemons started, and the kernel that drives it."""

    def __init__(self, plan: Plan) -> None:
        self.kernel = Kernel(start=0, events_max=1_000_000, instant_events_max=10_000)
        self.transitions: list[Transition] = []
        trace = Trace()
        trace.subscribe(self.transitions.append)
        streams = Streams(plan.seed)
        maker = NodeMaker(plan, streams, Node)
        oracle = Oracle(maker.voters)
        self.cluster = Cluster(plan, self.kernel, streams, trace, oracle, maker)
        for name in self.cluster.node_names():
            self.cluster.start(name)

    def run_for(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * SECOND))

    def node(self, name: str) -> Node:
        node = self.cluster.hosts[name].node
        assert node is not None
        return node

    def leader(self) -> str:
        leader = self.cluster.leader()
        assert leader is not None
        return leader

    def others(self) -> list[str]:
        return [name for name in self.cluster.names if name != self.leader()]

    def isolate(self, name: str) -> None:
        around = {(name, other) for other in self.cluster.names if other != name}
        self.cluster.network.cut(frozenset(around | {(to, source) for source, to in around}))

    def put(self, name: str) -> list[ApiResponse | ApiError]:
        """Ask `name` for a put; return the list that its answer will be in."""
        answers: list[ApiResponse | ApiError] = []
        self.cluster.hosts[name].request(PUT, answers.append, lambda: None)
        return answers


@pytest.fixture
def lab() -> Lab:
    """Return three nodes that have elected a leader and converged."""
    lab = Lab(Plan(seed=1))
    lab.run_for(2.0)
    return lab


def test_milliseconds_become_whole_nanoseconds() -> None:
    assert to_ns(0.3) == 300_000


def test_a_started_cluster_elects_a_leader_and_converges(lab: Lab) -> None:
    assert lab.cluster.leader() in ("n1", "n2", "n3")
    assert lab.cluster.lagging() is None
    assert lab.cluster.differing_stores() is None


@pytest.mark.parametrize("nodes", [1, 2, 5, 7])
def test_clusters_of_other_sizes_converge_too(nodes: int) -> None:
    lab = Lab(Plan(seed=1, nodes=nodes))
    lab.run_for(3.0)
    assert lab.cluster.lagging() is None


def test_before_an_election_there_is_no_leader() -> None:
    lab = Lab(Plan(seed=1))
    lab.run_for(0.01)
    assert lab.cluster.leader() is None
    assert lab.cluster.lagging() == "no leader"


def test_a_put_reaches_every_node(lab: Lab) -> None:
    answers = lab.put(lab.others()[0])
    lab.run_for(0.1)
    assert len(answers) == 1
    assert [lab.node(name).store.revision for name in lab.cluster.names] == [2, 2, 2]


def test_of_two_that_think_they_lead_the_later_term_counts() -> None:
    lab = Lab(Plan(seed=1, node=HASTY))
    lab.run_for(2.0)
    deposed = lab.leader()
    lab.isolate(deposed)
    lab.run_for(2.0)
    assert lab.node(deposed).raft.role is RoleName.LEADER
    assert lab.leader() != deposed


def test_a_daemon_that_is_down_keeps_the_cluster_from_converging(lab: Lab) -> None:
    lab.cluster.kill("n2", lose_unsynced=False, torn_tail=False)
    assert not lab.cluster.is_running("n2")
    assert lab.cluster.lagging() == "n2 not running"


def test_so_does_one_that_is_paused_though_it_runs(lab: Lab) -> None:
    lab.cluster.pause("n2")
    assert lab.cluster.is_running("n2")
    assert lab.cluster.lagging() == "n2 not running"
    lab.cluster.resume("n2")
    assert lab.cluster.lagging() is None


def test_so_does_one_that_lacks_entries(lab: Lab) -> None:
    behind = lab.others()[0]
    lab.isolate(behind)
    lab.put(lab.leader())
    lab.run_for(0.1)
    assert lab.cluster.lagging() == f"{behind} has applied 1 of 2 entries"


def test_so_does_one_in_another_term() -> None:
    lab = Lab(Plan(seed=1, node=HASTY))
    lab.run_for(2.0)
    away = lab.others()[0]
    lab.isolate(away)
    lab.run_for(1.0)
    told = lab.cluster.lagging()
    assert told is not None
    assert told.startswith(f"{away} is in term ")


def test_a_healed_cluster_converges_again(lab: Lab) -> None:
    lab.isolate(lab.leader())
    lab.run_for(2.0)
    lab.cluster.network.cut(frozenset())
    lab.run_for(2.0)
    assert lab.cluster.lagging() is None


def test_nodes_that_applied_as_much_and_hold_different_stores_are_named(lab: Lab) -> None:
    lab.node("n2").store.apply(PUT)
    differing = lab.cluster.differing_stores()
    assert differing is not None
    assert differing.startswith("n1 and n2 have both applied 1 entries, but their stores hash to")


def test_nodes_that_applied_less_are_not_compared(lab: Lab) -> None:
    behind = lab.others()[0]
    lab.isolate(behind)
    lab.put(lab.leader())
    lab.run_for(0.1)
    assert lab.cluster.differing_stores() is None


@pytest.mark.parametrize(
    ("lose_unsynced", "torn_tail", "tail"),
    [(False, False, "kept"), (True, False, "lost"), (True, True, "torn")],
)
def test_a_kill_leaves_the_tail_that_was_asked_for(
    lab: Lab,
    lose_unsynced: bool,  # noqa: FBT001 - a case
    torn_tail: bool,  # noqa: FBT001 - a case
    tail: str,
) -> None:
    lab.cluster.kill("n1", lose_unsynced=lose_unsynced, torn_tail=torn_tail)
    crashed = lab.transitions[-1].what
    assert isinstance(crashed, Crashed)
    assert crashed.tail == tail


def test_a_node_that_does_not_exist_is_an_error_of_the_surface(lab: Lab) -> None:
    with pytest.raises(SurfaceError, match="there is no node 'n9'; nodes are n1, n2, n3"):
        lab.cluster.pause("n9")


def test_clocks_are_the_nodes_own_and_come_from_the_seed() -> None:
    one, again, other = (Lab(Plan(seed=seed)) for seed in (1, 1, 2))
    readings = [
        [lab.cluster.hosts[name]._clock.read(0) for name in lab.cluster.names]
        for lab in (one, again, other)
    ]
    assert len(set(readings[0])) == 3
    assert readings[0] == readings[1] != readings[2]


class Planted(Node):
    """Stands for a node with a planted bug."""


def test_nodes_are_made_as_the_plan_configures_them() -> None:
    knobs = NodePlan(
        heartbeat_ms=20.0,
        election_timeout_ms=(100.0, 150.5),
        request_timeout_ms=700.0,
        append_entries_max=3,
        appends_in_flight_max=2,
        backend_commit_entries=9,
    )
    maker = NodeMaker(Plan(nodes=5, node=knobs), Streams(1), Planted)
    node = maker(NodeId(4), 6, Recovered(), MemoryBackend(), Instant(0))
    config = node.config
    assert type(node) is Planted
    assert (config.node_id, config.incarnation, config.voters) == (4, 6, (1, 2, 3, 4, 5))
    assert config.request_timeout_ns == 700 * MILLISECOND
    assert config.backend_commit_entries == 9
    assert config.raft.heartbeat_interval_ns == 20 * MILLISECOND
    assert config.raft.election_timeout_ns_min == 100 * MILLISECOND
    assert config.raft.election_timeout_ns_max == 150_500_000
    assert config.raft.append_entries_max == 3
    assert config.raft.appends_in_flight_max == 2
