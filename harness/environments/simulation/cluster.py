"""The simulated cluster: hosts and the network between them, and what can break in them."""

from collections.abc import Sequence
from random import Random

from harness.environments.simulation.clock import NodeClock
from harness.environments.simulation.clocks import SimulatedClocks
from harness.environments.simulation.disk import SimulatedDisk, Tail
from harness.environments.simulation.disks import SimulatedDisks
from harness.environments.simulation.host import Host, NodeFactory
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.network import SimulatedNetwork
from harness.environments.simulation.oracle import Oracle
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import Noted, Trace
from harness.plan import Plan
from nemesis.surface import SurfaceError, Surfaces
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import CompactionRequest
from nodeimpl.config import NodeConfig, RaftConfig
from nodeimpl.ids import MILLISECOND, SECOND, Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.effects import RoleName
from nodeimpl.raft.invariants import check_basic
from nodeimpl.raft.messages import Message
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

_CLUSTER_ID = 0x514F_5241_5445
_CLOCK_ORIGIN_NS_MAX = 1_000 * SECOND
_CLOCK_DRIFT_PPB_MAX = 200_000
"""200 parts per million: what ordinary quartz does at worst."""


def to_ns(milliseconds: float) -> int:
    """Return whole nanoseconds."""
    return round(milliseconds * MILLISECOND)


class NodeMaker:
    """Makes healthy nodes as the plan configures them; planted bugs replace `node_class`."""

    def __init__(self, plan: Plan, streams: Streams, node_class: type[Node]) -> None:
        self._streams = streams
        self._node_class = node_class
        self.voters = tuple(NodeId(number) for number in range(1, plan.nodes + 1))
        knobs = plan.node
        shortest, longest = knobs.election_timeout_ms
        self._request_timeout_ns = to_ns(knobs.request_timeout_ms)
        self._backend_commit_entries = knobs.backend_commit_entries
        self._raft = RaftConfig(
            heartbeat_interval_ns=to_ns(knobs.heartbeat_ms),
            election_timeout_ns_min=to_ns(shortest),
            election_timeout_ns_max=to_ns(longest),
            pre_vote=knobs.pre_vote,
            check_quorum=knobs.check_quorum,
            append_entries_max=knobs.append_entries_max,
            appends_in_flight_max=knobs.appends_in_flight_max,
            snapshot_entries=knobs.snapshot_entries,
            catch_up_entries=knobs.catch_up_entries,
            snapshot_chunk_bytes=knobs.snapshot_chunk_bytes,
        )

    def __call__(
        self,
        node_id: NodeId,
        incarnation: int,
        recovered: Recovered,
        backend: MemoryBackend,
        now: Instant,
    ) -> Node:
        """Return a node started from `recovered` and `backend`."""
        config = NodeConfig(
            node_id=node_id,
            cluster_id=_CLUSTER_ID,
            voters=self.voters,
            incarnation=incarnation,
            raft=self._raft,
            request_timeout_ns=self._request_timeout_ns,
            backend_commit_entries=self._backend_commit_entries,
        )
        return self._node_class(
            config, recovered, backend, self._streams.named(f"node/n{node_id}"), now
        )


class Cluster:
    """All hosts; implements `nemesis.surface.Daemons`, `Admin` and `Roles`.

    The other surfaces are its parts: `network`, `clocks`, `disks`.
    """

    def __init__(
        self,
        plan: Plan,
        kernel: Kernel,
        streams: Streams,
        trace: Trace,
        oracle: Oracle,
        node_factory: NodeFactory,
    ) -> None:
        self.names = plan.node_names
        self._node_ids = {name: NodeId(number) for number, name in enumerate(self.names, 1)}
        self.network = SimulatedNetwork(
            kernel,
            streams,
            self.names,
            self._deliver,
            delay_ns_min=to_ns(plan.network.delay_ms_min),
            delay_ns_max=to_ns(plan.network.delay_ms_max),
            loss=plan.network.loss,
            duplicate=plan.network.duplicate,
        )
        names = {node_id: name for name, node_id in self._node_ids.items()}
        clocks = {name: _draw_clock(streams.named(f"clock/{name}")) for name in self.names}
        disks = {
            name: SimulatedDisk(
                kernel,
                streams.named(f"disk/{name}"),
                fsync_ns_min=to_ns(plan.disk.fsync_ms_min),
                fsync_ns_max=to_ns(plan.disk.fsync_ms_max),
            )
            for name in self.names
        }
        self.hosts = {
            name: Host(
                name,
                node_id,
                names,
                kernel=kernel,
                clock=clocks[name],
                disk=disks[name],
                network=self.network,
                oracle=oracle,
                trace=trace,
                node_factory=node_factory,
            )
            for name, node_id in self._node_ids.items()
        }
        self.clocks = SimulatedClocks(
            kernel, {name: (clocks[name], host) for name, host in self.hosts.items()}
        )
        self.disks = SimulatedDisks(disks)
        self._kernel = kernel
        self._trace = trace

    def surfaces(self) -> Surfaces:
        """Return all that can be broken."""
        return Surfaces(
            daemons=self,
            links=self.network,
            roles=self,
            clocks=self.clocks,
            disks=self.disks,
            admin=self,
        )

    def _deliver(self, sender: str, receiver: str, message: Message) -> None:
        self.hosts[receiver].receive(self._node_ids[sender], message)

    # ------------------------------------------------------------ nemesis.surface.Daemons
    def node_names(self) -> Sequence[str]:
        """Return every node's name, in a fixed order."""
        return self.names

    def is_running(self, node: str) -> bool:
        """Say whether the daemon runs (a paused daemon runs)."""
        return self._host(node).is_running

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        """End the daemon without warning."""
        tail = Tail.TORN if torn_tail else Tail.LOST if lose_unsynced else Tail.KEPT
        self._host(node).kill(tail)

    def start(self, node: str) -> None:
        """Start the daemon from its data directory."""
        self._host(node).start()

    def pause(self, node: str) -> None:
        """Stop the daemon's execution."""
        self._host(node).pause()

    def resume(self, node: str) -> None:
        """Undo `pause`."""
        self._host(node).resume()

    def _host(self, node: str) -> Host:
        host = self.hosts.get(node)
        if host is None:
            raise SurfaceError(f"there is no node {node!r}; nodes are {', '.join(self.names)}")
        return host

    # ------------------------------------------------------------ nemesis.surface.Admin
    def compact(self, node: str, revisions_kept: int) -> str:
        """Ask a running node to compact; what it answers goes into the trace."""
        host = self._host(node)
        if host.node is None:
            return f"{node} recovers still and was not asked"
        revision = host.node.store.revision - revisions_kept
        if revision < 1:
            return f"{node} has no more than {revisions_kept} revisions and was not asked"

        def answer(body: ApiResponse | ApiError) -> None:
            outcome = body.message if isinstance(body, ApiError) else "done"
            self._note(f"{node} answers the compaction to revision {revision}: {outcome}")

        def lost() -> None:
            self._note(f"{node} died over the compaction to revision {revision}")

        host.request(CompactionRequest(revision=revision), answer, lost)
        return f"asked to compact to revision {revision}"

    def _note(self, words: str) -> None:
        self._trace.add(self._kernel.now, "nemesis", Noted(words))

    # ------------------------------------------------------------ nemesis.surface.Roles
    def leader(self) -> str | None:
        """Return the running leader of the highest term, or None if there is none."""
        best: str | None = None
        best_term = -1
        for name, host in self.hosts.items():
            node = host.node
            if node is None or node.raft.role is not RoleName.LEADER:
                continue
            if node.raft.current_term > best_term:
                best, best_term = name, node.raft.current_term
        return best

    # ------------------------------------------------------------ convergence
    def lagging(self) -> str | None:
        """Say in words what keeps the cluster from having converged, or None if it has.

        Converged: every daemon runs, one leads and all follow it in its term, all have applied
        the same log to its end, and their stores are equal.
        """
        down = [name for name, host in self.hosts.items() if host.node is None or host.is_paused]
        if down:
            return f"{', '.join(down)} not running"
        leader = self.leader()
        if leader is None:
            return "no leader"
        return self._lagging_behind(leader)

    def _lagging_behind(self, leader: str) -> str | None:
        leading = self.hosts[leader].node
        assert leading is not None, "a leader runs"
        for name, host in self.hosts.items():
            node = host.node
            assert node is not None, "checked by the caller"
            if node.raft.current_term != leading.raft.current_term:
                return f"{name} is in term {node.raft.current_term}, not {leader}'s"
            if node.raft.leader != self._node_ids[leader]:
                return f"{name} does not follow {leader}"
            if node.applied_index != leading.raft.last_index:
                return (
                    f"{name} has applied {node.applied_index} of {leading.raft.last_index} entries"
                )
        return None

    def broken_invariants(self) -> str | None:
        """Name a running node whose consensus is in a state that no node can be in, or None."""
        for name, host in self.hosts.items():
            if host.node is not None:
                broken = check_basic(host.node.raft.state)
                if broken:
                    return f"{name} is in an impossible state: {'; '.join(broken)}"
        return None

    def differing_stores(self) -> str | None:
        """Name two running nodes that applied as much and hold different stores, or None."""
        seen: dict[int, tuple[str, int]] = {}
        for name, host in self.hosts.items():
            if host.node is None:
                continue
            content = host.node.store.hash()
            other, other_content = seen.setdefault(host.node.applied_index, (name, content))
            if other_content != content:
                return (
                    f"{other} and {name} have both applied {host.node.applied_index} entries, but "
                    f"their stores hash to {other_content:#x} and {content:#x}"
                )
        return None


def _draw_clock(random: Random) -> NodeClock:
    return NodeClock(
        origin_ns=random.randrange(_CLOCK_ORIGIN_NS_MAX),
        drift_ppb=random.randint(-_CLOCK_DRIFT_PPB_MAX, _CLOCK_DRIFT_PPB_MAX),
    )
