"""The simulated cluster: hosts and the network between them, and what can break in them."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from harness.environments.simulation.clock import NodeClock
from harness.environments.simulation.clocks import SimulatedClocks
from harness.environments.simulation.disk import SimulatedDisk, Tail
from harness.environments.simulation.disks import SimulatedDisks
from harness.environments.simulation.host import AdminAnswer, Host, NodeFactory
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.lease_promises import LeasePromises
from harness.environments.simulation.network import SimulatedNetwork
from harness.environments.simulation.operator import Job, Operator, joining, promotion, removal
from harness.environments.simulation.oracle import Oracle
from harness.environments.simulation.streams import Streams
from harness.environments.simulation.trace import Noted, Trace
from harness.plan import Plan
from nemesis.surface import OperatorAnswer, SurfaceError, Surfaces
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import CompactionRequest
from nodeimpl.config import LeaseConfig, NodeConfig, RaftConfig, StoreConfig, WatchConfig
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


NODES_ADDED_MAX = 2
"""How many nodes more than at its foundation a cluster grows to."""


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
        self._watch = WatchConfig(
            batch_rows_max=knobs.watch_batch_rows,
            progress_interval_ns=to_ns(knobs.watch_progress_ms),
            fragment_bytes_max=knobs.watch_fragment_bytes,
        )
        self._store = StoreConfig(quota_backend_bytes=knobs.quota_backend_bytes)
        self._leases = LeaseConfig(checkpoint_interval_ns=to_ns(knobs.lease_checkpoint_ms))
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
            voters=self.voters if node_id in self.voters else (),
            incarnation=incarnation,
            raft=self._raft,
            watch=self._watch,
            store=self._store,
            leases=self._leases,
            request_timeout_ns=self._request_timeout_ns,
            backend_commit_entries=self._backend_commit_entries,
        )
        return self._node_class(
            config, recovered, backend, self._streams.named(f"node/n{node_id}"), now
        )


def _ignore_move(founder: str, to: str) -> None:
    del founder, to


class Cluster:
    """All hosts; implements `nemesis.surface.Daemons`, `Admin`, `Members` and `Roles`.

    The other surfaces are its parts: `network`, `clocks`, `disks`.
    """

    changes_members: Final = True

    def __init__(
        self,
        plan: Plan,
        kernel: Kernel,
        streams: Streams,
        trace: Trace,
        oracle: Oracle,
        node_factory: NodeFactory,
    ) -> None:
        self._plan = plan
        self._kernel = kernel
        self._streams = streams
        self._trace = trace
        self._oracle = oracle
        self.leases = LeasePromises(lambda: kernel.now)
        oracle.on_command = self.leases.committed
        self._node_factory = node_factory
        self.names = plan.node_names
        """The nodes that belong to the cluster, or are to."""
        self._node_ids: dict[str, NodeId] = {}
        """Of all nodes there ever were."""
        self._names_ever: dict[NodeId, str] = {}
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
        self.clocks = SimulatedClocks(kernel, {})
        self.disks = SimulatedDisks({})
        self.hosts: dict[str, Host] = {}
        """All machines there ever were, by node."""
        for name in self.names:
            self._build(name)
        self.addresses = dict(self.hosts)
        """Where clients find a founder: its own machine, or that of who came after it."""
        self.on_moved: Callable[[str, str], None] = _ignore_move
        """Is told where a founder's clients are sent from now on."""
        self._operator = Operator(kernel, self)
        self._is_ending = False

    def _build(self, name: str) -> Host:
        """Return a new machine for the node `name`, with an empty disk."""
        node_id = NodeId(len(self._node_ids) + 1)
        self._node_ids[name] = node_id
        self._names_ever[node_id] = name
        clock = _draw_clock(self._streams.named(f"clock/{name}"))
        disk = SimulatedDisk(
            self._kernel,
            self._streams.named(f"disk/{name}"),
            fsync_ns_min=to_ns(self._plan.disk.fsync_ms_min),
            fsync_ns_max=to_ns(self._plan.disk.fsync_ms_max),
        )
        host = self.hosts[name] = Host(
            name,
            node_id,
            self._names_ever,
            kernel=self._kernel,
            clock=clock,
            disk=disk,
            network=self.network,
            oracle=self._oracle,
            leases=self.leases,
            trace=self._trace,
            node_factory=self._node_factory,
        )
        self.clocks.join(name, clock, host)
        self.disks.join(name, disk)
        return host

    def surfaces(self) -> Surfaces:
        """Return all that can be broken."""
        return Surfaces(
            daemons=self,
            links=self.network,
            roles=self,
            clocks=self.clocks,
            disks=self.disks,
            admin=self,
            members=self,
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

    def stop(self, node: str) -> None:
        """End the daemon. A node has nothing to say before: it is a kill that loses nothing."""
        self._host(node).kill(Tail.KEPT)

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
            raise SurfaceError(f"there is no node {node!r}; nodes are {', '.join(self.hosts)}")
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
            self.note(f"{node} answers the compaction to revision {revision}: {outcome}")

        def lost() -> None:
            self.note(f"{node} died over the compaction to revision {revision}")

        host.request(CompactionRequest(revision=revision), answer, lost)
        return f"asked to compact to revision {revision}"

    def defragment(self, node: str) -> str:
        """Do nothing: a store in memory has no file with holes."""
        return f"{self._host(node).name} keeps its store in memory: there is nothing to defragment"

    # ------------------------------------------------------------ nemesis.surface.Members
    def grow(self) -> OperatorAnswer:
        """Start a new node, and have the operator let it join."""
        refusal = self._refusal_to_join(room=NODES_ADDED_MAX)
        if refusal is not None:
            return OperatorAnswer(refusal, is_taken=False)
        name, node_id = self._join()
        steps = (joining(node_id), promotion(node_id))
        self._operator.take(
            Job(
                words=f"joining of {name}",
                steps=steps,
                on_given_up=partial(self._remove, name),
                on_dropped=partial(self._left, name),
            )
        )
        return OperatorAnswer(f"{name} is to join")

    def shrink(self, node: str) -> OperatorAnswer:
        """Have the operator remove `node`."""
        if len(self.names) < max(2, self._plan.nodes):
            return OperatorAnswer(f"the cluster has {len(self.names)} nodes only", is_taken=False)
        if not self._operator.has_time:
            return OperatorAnswer("the operator is busy", is_taken=False)
        self._remove(node)
        return OperatorAnswer(f"{node} is to leave")

    def replace(self, node: str) -> OperatorAnswer:
        """Start a new node, and have the operator put it in the place of `node`."""
        refusal = self._refusal_to_join(room=NODES_ADDED_MAX + 1)
        if refusal is not None:
            return OperatorAnswer(refusal, is_taken=False)
        name, node_id = self._join()
        steps = (joining(node_id), promotion(node_id, removed=(self._node_ids[node],)))
        job = Job(
            words=f"replacement of {node} by {name}",
            steps=steps,
            on_done=partial(self._left, node),
            on_given_up=partial(self._remove, name),
            on_dropped=partial(self._left, name),
        )
        self._operator.take(job)
        return OperatorAnswer(f"{name} is to take the place of {node}")

    def move_leader(self, node: str) -> OperatorAnswer:
        """Ask the leader to hand over; what it answers goes into the trace."""
        host = self.leading_host()
        if host is None:
            return OperatorAnswer("nobody leads", is_taken=False)

        def answer(body: AdminAnswer) -> None:
            outcome = body.message if isinstance(body, ApiError) else "done"
            self.note(f"{host.name} answers the transfer to {node}: {outcome}")

        def lost() -> None:
            self.note(f"{host.name} died over the transfer to {node}")

        host.move_leader(self._node_ids[node], answer, lost)
        return OperatorAnswer(f"{host.name} is asked")

    def end_changes(self) -> None:
        """Begin no further change of the members, and switch off who was removed."""
        self._is_ending = True
        self._operator.drop_waiting()
        for name in self.hosts:
            if name not in self.names:
                self._switch_off(name)

    def _refusal_to_join(self, *, room: int) -> str | None:
        if not self._operator.has_time:
            return "the operator is busy"
        if len(self.names) >= self._plan.nodes + room:
            return f"the cluster has {len(self.names)} nodes already"
        if len(self.hosts) >= len(self._plan.node_names_ever):
            return f"there have been {len(self.hosts)} nodes already"
        return None

    def _join(self) -> tuple[str, NodeId]:
        """Start a new node that knows of no other; return its name and id."""
        name = f"n{len(self.hosts) + 1}"
        self.network.join(name, self.hosts)
        host = self._build(name)
        self._oracle.joined(host.node_id)
        self.names = (*self.names, name)
        host.start()
        return name, host.node_id

    def _remove(self, name: str) -> None:
        """Have the operator remove the node, which may or may not have become a member."""
        steps = (removal(self._node_ids[name]),)
        words = f"removal of {name}"
        self._operator.take(Job(words=words, steps=steps, on_done=partial(self._left, name)))

    def _left(self, name: str) -> None:
        """Let go of a node that was removed: clients ask another, and its daemon runs on."""
        if name not in self.names:
            return
        self.names = tuple(other for other in self.names if other != name)
        for founder, host in self.addresses.items():
            if host.name == name:
                self.addresses[founder] = self.hosts[self.names[-1]]
                self.on_moved(founder, self.names[-1])
        if self._is_ending:
            self._switch_off(name)

    def _switch_off(self, name: str) -> None:
        host = self.hosts[name]
        if host.is_running:
            host.kill(Tail.KEPT)

    # ------------------------------------------------------------ the operator's crew
    def leading_host(self) -> Host | None:
        """Return the machine that runs the leader; None if nobody is known to lead."""
        leader = self.leader()
        return None if leader is None else self.hosts[leader]

    def note(self, words: str) -> None:
        """Write down what came of something that was asked for."""
        self._trace.add(self._kernel.now, "nemesis", Noted(words))

    # ------------------------------------------------------------ nemesis.surface.Roles
    def leader(self) -> str | None:
        """Return the running leader of the highest term, or None if there is none."""
        best: str | None = None
        best_term = -1
        for name in self.names:
            node = self.hosts[name].node
            if node is None or node.raft.role is not RoleName.LEADER:
                continue
            if node.raft.current_term > best_term:
                best, best_term = name, node.raft.current_term
        return best

    # ------------------------------------------------------------ convergence
    def lagging(self) -> str | None:
        """Say in words what keeps the cluster from having converged, or None if it has.

        Converged: nobody changes the members, every member's daemon runs, one leads and all
        follow it in its term, all have applied the same log to its end.
        """
        if self._operator.is_busy:
            return "the members are being changed"
        hosts = [self.hosts[name] for name in self.names]
        down = [host.name for host in hosts if host.node is None or host.is_paused]
        if down:
            return f"{', '.join(down)} not running"
        leader = self.leader()
        if leader is None:
            return "no leader"
        if not self._agrees_on_members(leader):
            return f"{leader} does not count {', '.join(self.names)} as members"
        return self._lagging_behind(leader)

    def _agrees_on_members(self, leader: str) -> bool:
        """Return whether the members are those that the operator knows of, for certain.

        He learns from the leader of removals that were never answered.
        """
        leading = self.hosts[leader].node
        assert leading is not None, "a leader runs"
        if not leading.raft.has_settled_members:
            return False
        members = leading.raft.configuration.members
        for name in self.names:
            if self._node_ids[name] not in members:
                self._left(name)
        return members == tuple(self._node_ids[name] for name in self.names)

    def _lagging_behind(self, leader: str) -> str | None:
        leading = self.hosts[leader].node
        assert leading is not None, "a leader runs"
        for name in self.names:
            node = self.hosts[name].node
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

    def backlog(self) -> int | None:
        """Return how many entries the members are still to apply, all together; None if unknown."""
        leader = self.leader()
        nodes = [self.hosts[name].node for name in self.names]
        if leader is None or None in nodes:
            return None
        leading = self.hosts[leader].node
        assert leading is not None, "a leader runs"
        last_index = leading.raft.last_index
        return sum(last_index - node.applied_index for node in nodes if node is not None)

    def broken_invariants(self) -> str | None:
        """Name a running node whose consensus is in a state that no node can be in, or None.

        A node that counts, counts by the members that its log names last (Raft §6).
        """
        for name, host in self.hosts.items():
            if host.node is None:
                continue
            state = host.node.raft.state
            broken = check_basic(state)
            members = self._oracle.members_of(host.node_id)
            # A node without members has joined and not been told of the cluster yet.
            if state.configuration.voters and members not in {None, state.configuration}:
                broken.append(f"it takes {state.configuration} for the members of {members}")
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
