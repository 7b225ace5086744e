"""The simulated cluster as its members change: who starts, who leaves, whom clients find."""

import pytest

from harness.environments.simulation.cluster import Cluster, NodeMaker
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.oracle import Oracle
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import Noted, Trace, Transition
from harness.plan import NODES_JOINING_MAX, NodePlan, Plan
from nodeimpl.ids import SECOND, LogIndex, NodeId, RequestId
from nodeimpl.node import Node
from nodeimpl.raft.configuration import Configuration
from nodeimpl.raft.state import ConfigurationAt, adopt_configuration


class Lab:
    """A cluster that has elected a leader, and the kernel that drives it."""

    def __init__(self, plan: Plan) -> None:
        self.kernel = Kernel(start=0, events_max=5_000_000, instant_events_max=10_000)
        self.notes: list[str] = []
        trace = Trace()
        trace.subscribe(self.take)
        streams = Streams(plan.seed)
        maker = NodeMaker(plan, streams, Node)
        oracle = Oracle(maker.voters)
        self.cluster = Cluster(plan, self.kernel, streams, trace, oracle, maker)
        for name in self.cluster.node_names():
            self.cluster.start(name)
        self.run_for(2.0)

    def take(self, transition: Transition) -> None:
        if isinstance(transition.what, Noted):
            self.notes.append(transition.what.words)

    def run_for(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * SECOND))

    def voters(self) -> tuple[int, ...]:
        """Return the voters that the leader counts."""
        leader = self.cluster.leading_host()
        assert leader is not None
        assert leader.node is not None
        return leader.node.raft.configuration.voters

    def cut_off(self, name: str) -> None:
        around = {(name, other) for other in self.cluster.hosts if other != name}
        self.cluster.network.cut(frozenset(around | {(to, source) for source, to in around}))


@pytest.fixture
def lab() -> Lab:
    return Lab(Plan(seed=1))


def test_a_cluster_grows_by_a_node_that_starts_without_knowing_it(lab: Lab) -> None:
    answer = lab.cluster.grow()
    lab.run_for(2.0)

    assert (answer.is_taken, answer.words) == (True, "n4 is to join")
    assert lab.cluster.node_names() == ("n1", "n2", "n3", "n4")
    assert lab.voters() == (1, 2, 3, 4)
    assert lab.notes == ["joining of n4 is done"]
    assert lab.cluster.lagging() is None


def test_a_node_that_was_removed_is_no_member_and_runs_on(lab: Lab) -> None:
    lab.cluster.shrink("n2")
    lab.run_for(2.0)

    assert lab.cluster.node_names() == ("n1", "n3")
    assert lab.voters() == (1, 3)
    assert lab.cluster.is_running("n2")
    assert lab.cluster.lagging() is None


def test_it_is_told_where_the_clients_of_a_removed_node_are_sent(lab: Lab) -> None:
    moves: list[tuple[str, str]] = []
    lab.cluster.on_moved = lambda founder, to: moves.append((founder, to))
    lab.cluster.replace("n2")
    lab.run_for(2.0)
    lab.cluster.shrink("n1")
    lab.run_for(2.0)

    assert moves == [("n2", "n4"), ("n1", "n4")]


def test_the_leader_itself_can_be_removed(lab: Lab) -> None:
    leader = lab.cluster.leader()
    assert leader is not None

    lab.cluster.shrink(leader)
    lab.run_for(3.0)

    assert lab.cluster.leader() not in {leader, None}
    assert lab.cluster.lagging() is None


def test_a_node_is_replaced_in_one_change_of_voters(lab: Lab) -> None:
    lab.cluster.replace("n1")
    lab.run_for(3.0)

    assert lab.voters() == (2, 3, 4)
    assert lab.cluster.lagging() is None


def test_clients_of_a_removed_node_find_another(lab: Lab) -> None:
    lab.cluster.replace("n1")
    lab.run_for(3.0)

    found = {name: host.name for name, host in lab.cluster.addresses.items()}
    assert found == {"n1": "n4", "n2": "n2", "n3": "n3"}


def test_wishes_are_carried_out_one_after_the_other(lab: Lab) -> None:
    lab.cluster.grow()
    lab.cluster.replace("n1")
    lab.cluster.shrink("n2")
    lab.run_for(5.0)

    assert lab.notes == [
        "joining of n4 is done",
        "replacement of n1 by n5 is done",
        "removal of n2 is done",
    ]
    assert lab.voters() == (3, 4, 5)


def test_a_node_that_never_catches_up_is_given_up_and_removed(lab: Lab) -> None:
    lab.cluster.grow()
    lab.cut_off("n4")
    lab.run_for(15.0)

    assert lab.notes == ["joining of n4 gave up", "removal of n4 is done"]
    assert lab.cluster.node_names() == ("n1", "n2", "n3")


def test_what_was_not_begun_at_the_end_is_forgotten(lab: Lab) -> None:
    lab.cluster.grow()
    lab.cluster.grow()
    lab.cluster.end_changes()
    lab.run_for(2.0)

    assert lab.cluster.node_names() == ("n1", "n2", "n3", "n4")
    assert not lab.cluster.is_running("n5")
    assert lab.cluster.lagging() is None


def test_removed_nodes_are_switched_off_at_the_end(lab: Lab) -> None:
    lab.cluster.shrink("n2")
    lab.run_for(2.0)

    lab.cluster.end_changes()

    assert not lab.cluster.is_running("n2")


def test_a_cluster_does_not_converge_while_its_members_change(lab: Lab) -> None:
    lab.cluster.grow()

    assert lab.cluster.lagging() == "the members are being changed"


def test_a_cluster_grows_by_two_nodes_at_most(lab: Lab) -> None:
    answers = [lab.cluster.grow() for _ in range(3)]

    assert [answer.is_taken for answer in answers] == [True, True, False]
    assert answers[2].words == "the cluster has 5 nodes already"


def test_a_cluster_shrinks_by_one_node_at_most(lab: Lab) -> None:
    lab.cluster.shrink("n1")
    lab.run_for(2.0)

    answer = lab.cluster.shrink("n2")

    assert not answer.is_taken
    assert answer.words == "the cluster has 2 nodes only"


def test_a_busy_operator_takes_no_more_wishes(lab: Lab) -> None:
    answers = [lab.cluster.replace("n1") for _ in range(4)]

    assert answers[3].words == "the cluster has 6 nodes already"
    assert [answer.is_taken for answer in answers] == [True, True, True, False]


def test_leadership_moves_where_it_is_wished(lab: Lab) -> None:
    target = next(name for name in lab.cluster.node_names() if name != lab.cluster.leader())

    lab.cluster.move_leader(target)
    lab.run_for(0.2)

    assert lab.cluster.leader() == target
    assert lab.notes[-1].endswith(f"answers the transfer to {target}: done")


def test_nobody_is_asked_to_hand_over_while_nobody_leads(lab: Lab) -> None:
    leader = lab.cluster.leader()
    assert leader is not None
    lab.cluster.kill(leader, lose_unsynced=False, torn_tail=False)

    answer = lab.cluster.move_leader("n1")

    assert not answer.is_taken


def test_a_removed_node_without_manners_does_not_stop_a_cluster_that_ignores_it() -> None:
    lab = Lab(Plan(seed=1, node=NodePlan(pre_vote=False)))
    lab.cut_off("n3")
    lab.cluster.shrink("n3")
    lab.run_for(3.0)
    leader = lab.cluster.leader()

    lab.cluster.network.cut(frozenset())
    lab.run_for(10.0)

    assert lab.cluster.leader() == leader
    assert lab.cluster.lagging() is None


def test_a_plan_names_all_nodes_that_may_ever_join() -> None:
    names = Plan(nodes=3).node_names_ever

    assert names[:4] == ("n1", "n2", "n3", "n4")
    assert len(names) == 3 + NODES_JOINING_MAX


def test_a_node_that_counts_by_other_members_than_its_log_names_is_in_an_impossible_state(
    lab: Lab,
) -> None:
    node = lab.cluster.hosts["n2"].node
    assert node is not None
    assert lab.cluster.broken_invariants() is None

    mistaken = ConfigurationAt(LogIndex(0), RequestId(0), Configuration((NodeId(2),)))
    node.raft.state.configurations[:] = [mistaken]
    adopt_configuration(node.raft.state)

    assert "n2 is in an impossible state: it takes" in (lab.cluster.broken_invariants() or "")
