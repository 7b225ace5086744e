"""Every kind of bad luck for a cluster, and then none: lives that end in recovery.

Bytes decide what happens next, so Hypothesis can shrink a life, and a seed can replay it.
"""

from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from nodeimpl.config import RaftConfig
from nodeimpl.ids import MILLISECOND, NodeId
from nodeimpl.raft.configuration import Change
from nodeimpl.raft.roles import Leader
from tests.nodeimpl.raft.cluster import Cluster

NETWORK_SIZE_MAX: Final = 60
"""Messages on their way; beyond, the oldest is lost, so that a run does not drown in them."""

NODES_MAX: Final = 7
"""Nodes that ever join."""

CONFIG: Final = RaftConfig(
    heartbeat_interval_ns=50 * MILLISECOND,
    election_timeout_ns_min=150 * MILLISECOND,
    election_timeout_ns_max=300 * MILLISECOND,
    append_entries_max=2,
    append_bytes_max=8,
    appends_in_flight_max=2,
    proposals_remembered_max=3,
    snapshot_chunk_bytes=200,
)
"""Small limits, so that short runs reach them."""


def _deliver_oldest(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del node_id
    for _ in range(min(len(cluster.network), choice % 8)):
        cluster.deliver()


def _deliver_any(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del node_id
    if cluster.network:
        cluster.deliver(choice % len(cluster.network))


def _repeat(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del node_id
    if cluster.network:
        cluster.network.append(cluster.network[choice % len(cluster.network)])


def _lose(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del node_id
    if cluster.network:
        cluster.network.pop(choice % len(cluster.network))


def _wake_next(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del node_id, choice
    if cluster.nodes:
        cluster.wake(min(cluster.nodes, key=lambda running: cluster.nodes[running].deadline))


def _wake_any(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del choice
    if node_id in cluster.nodes:
        cluster.wake(node_id)


def _propose(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    if node_id in cluster.nodes:
        number = cluster.request_count
        cluster.propose(node_id, *[b"%d" % (number + count) for count in range(1 + choice % 3)])


def _read(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    if node_id in cluster.nodes:
        cluster.read(node_id, 1 + choice % 2)


def _crash_or_restart(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    if node_id in cluster.nodes:
        cluster.crash(node_id, applied_lost=choice % 3)
    else:
        cluster.restart(node_id)


def _restart(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del choice
    if node_id not in cluster.nodes:
        cluster.restart(node_id)


def _isolate(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del choice
    cluster.isolate(node_id)


def _isolate_leader(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    _isolate(cluster, cluster.leader() or node_id, choice)


def _change_members(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    leader = cluster.leader()
    if leader is None:
        return
    members = cluster.nodes[leader].configuration
    learner = members.learners[:1]
    newcomer = NodeId(len(cluster.node_ids) + 1)
    if choice % 3 == 0 and not learner and newcomer <= NODES_MAX:
        if cluster.change(leader, Change(added=(newcomer,))) is None:
            cluster.join()
    elif choice % 3 == 1:
        cluster.change(leader, Change(promoted=learner))
    elif node_id in members.voters:
        cluster.change(leader, Change(promoted=learner, removed=(node_id,)))


def _transfer(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del choice
    leader = cluster.leader()
    if leader is not None:
        cluster.transfer(leader, node_id)


def _heal(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del node_id, choice
    cluster.heal()


def _save(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del choice
    if cluster.applied.get(node_id) and node_id in cluster.nodes:
        cluster.save(node_id)


def _stall(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    del choice
    if node_id in cluster.nodes:
        cluster.stall(node_id)


def _carry_out(cluster: Cluster, node_id: NodeId, choice: int) -> None:
    if node_id in cluster.nodes:
        cluster.carry_out(node_id, choice % 4 or None)


STEPS: Final[tuple[Callable[[Cluster, NodeId, int], None], ...]] = (
    *[_deliver_oldest] * 16,
    *[_deliver_any] * 8,
    *[_repeat] * 2,
    *[_lose] * 2,
    *[_wake_next] * 4,
    _wake_any,
    *[_propose] * 5,
    *[_read] * 4,
    _crash_or_restart,
    *[_restart] * 3,
    _isolate,
    _isolate_leader,
    *[_change_members] * 4,
    _transfer,
    *[_heal] * 2,
    *[_save] * 3,
    _stall,
    *[_carry_out] * 6,
)
"""A step is chosen evenly among these; so weighted, about half of a long life makes progress."""


def run(cluster: Cluster, fate: bytes) -> None:
    """Take one step per two bytes of `fate`."""
    for first, second in zip(fate[::2], fate[1::2], strict=False):
        node_id = cluster.node_ids[second % len(cluster.node_ids)]
        STEPS[first % len(STEPS)](cluster, node_id, second // len(cluster.node_ids))
        del cluster.network[:-NETWORK_SIZE_MAX]


def recover(cluster: Cluster) -> NodeId:
    """Let all be well again, and return the leader that has brought all logs together.

    Who was removed is switched off as soon as that is certain.
    """
    cluster.heal()
    for node_id in cluster.node_ids:
        if node_id not in cluster.nodes:
            cluster.restart(node_id)
        cluster.carry_out(node_id)
    for _ in range(200):
        cluster.settle()
        leader = cluster.leader()
        if leader is not None and _is_settled(cluster, leader):
            members = cluster.nodes[leader].configuration.members
            for node_id in set(cluster.nodes) - set(members):
                cluster.crash(node_id)
            last_indices = {cluster.nodes[member].last_index for member in members}
            commit_indices = {cluster.nodes[member].commit_index for member in members}
            is_followed = {cluster.nodes[member].leader for member in members} == {leader}
            if is_followed and last_indices == commit_indices and len(last_indices) == 1:
                return leader
        _wake_next(cluster, leader or cluster.node_ids[0], 0)
    raise AssertionError("no leader has brought the logs together in 200 timeouts")


def _is_settled(cluster: Cluster, leader: NodeId) -> bool:
    """Return whether the leader means to stay and its members are the last ones, and committed."""
    state = cluster.nodes[leader].state
    assert isinstance(state.role, Leader), "asked of a leader"
    is_committed = state.configurations[-1].index <= state.commit_index
    is_latest = state.commit_index == cluster.oracle.commit_index
    is_changing = state.configuration.is_joint or state.role.transfer is not None
    return is_latest and is_committed and not is_changing


def assert_progress(cluster: Cluster) -> None:
    """Check that the cluster recovers, commits, and answers reads on every member."""
    leader = recover(cluster)
    members = cluster.nodes[leader].configuration.members
    cluster.propose(leader, b"last")
    cluster.settle()
    reads = [*cluster.read(members[0]), *cluster.read(members[-1])]
    cluster.settle()
    assert all(cluster.applied[member][-1].data == b"last" for member in members)
    assert set(reads) <= set(cluster.reads_ready)


def config_of(seed: int) -> RaftConfig:
    """Return the configuration of a life: each of four has other election rules.

    Of the next four the logs are trimmed, so that followers need snapshots.
    """
    config = msgspec.structs.replace(
        CONFIG, pre_vote=seed % 2 == 1, check_quorum=seed // 2 % 2 == 1
    )
    if seed // 4 % 2 == 0:
        return config
    return msgspec.structs.replace(
        config, snapshot_entries=1 + seed // 8 % 3, catch_up_entries=seed // 8 % 2
    )


def live(seed: int, size: int) -> None:
    """Let a cluster live as `seed` decides, two thousand steps, and then recover."""
    cluster = Cluster(size, config=config_of(seed), seed=seed)
    run(cluster, Random(seed).randbytes(4_000))
    assert_progress(cluster)
