"""A machine whose node does what the test says, and a log of all that became of it."""

from collections import deque
from random import Random

from typing_extensions import override

from harness.environments.simulation.clock import NodeClock
from harness.environments.simulation.disk import SimulatedDisk
from harness.environments.simulation.host import Host
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.lease_promises import LeasePromises
from harness.environments.simulation.oracle import Oracle
from harness.environments.simulation.trace import Trace, Transition, What
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import RangeRequest, RangeResponse
from nodeimpl.boundary import CommitBackend, Effect, Input, Receive, Reply, Requests, Wake
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.node import Node
from nodeimpl.raft.effects import Persist, Send, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState, Message, ReadIndex
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend

FSYNC_NS = 100
ME, PEER, OTHER = NodeId(1), NodeId(2), NodeId(3)
NEVER = Instant(10**15)

TERM_1 = Persist(HardState(Term(1), None), ())


def stored(index: int) -> Persist:
    """Return the `Persist` of one entry of term 1."""
    return Persist(None, (Entry(Term(1), LogIndex(index), EntryKind.COMMAND, b"data"),))


def applied(index: int) -> Applied:
    """Return the place of the log's entry `index`, of term 1."""
    return Applied(LogIndex(index), Term(1))


def trim(index: int) -> Trim:
    return Trim(LogIndex(index), Term(1))


def message(number: int) -> Message:
    """Return a message known by its number, which reveals nothing that must be durable."""
    return ReadIndex(Term(0), RequestId(number))


def send(number: int) -> Send:
    return Send(PEER, message(number))


def reply(tag: int) -> Reply:
    return Reply(tag, RangeResponse())


class ScriptedNode(Node):
    """Does the next thing of the script at each input but `Wake`, and notes its inputs."""

    script: deque[list[Effect]]
    inputs: list[Input]
    wakes: list[Instant]
    recovered: Recovered
    next_deadline: Instant
    broken_rule: str | None = None
    """What its own assertions find broken at the next input; None if nothing."""
    dies_of: Exception | None = None
    """What it raises at the next input; None if nothing."""

    @property
    @override
    def deadline(self) -> Instant:
        return self.next_deadline

    @override
    def handle(self, now: Instant, given: Input) -> list[Effect]:
        if isinstance(given, Wake):
            self.wakes.append(now)
            self.next_deadline = NEVER
            return []
        assert self.broken_rule is None, self.broken_rule
        if self.dies_of is not None:
            raise self.dies_of
        self.inputs.append(given)
        return self.script.popleft() if self.script else []


class Machine:
    """One host, n1 of three, with a node that follows `script`."""

    def __init__(self, *, drift_ppb: int = 0, tear_seed: int = 1) -> None:
        self.kernel = Kernel(start=0, events_max=100_000, instant_events_max=1_000)
        self.clock = NodeClock(origin_ns=50, drift_ppb=drift_ppb)
        self.disk = SimulatedDisk(
            self.kernel, Random(tear_seed), fsync_ns_min=FSYNC_NS, fsync_ns_max=FSYNC_NS
        )
        self.script: deque[list[Effect]] = deque()
        self.deadlines: deque[Instant] = deque()
        """The first deadline of each incarnation; afterwards, and when it is empty, never."""
        self.nodes: list[ScriptedNode] = []
        self.sent: list[tuple[int, int]] = []
        """When which message left."""
        self.answered: list[int] = []
        self.lost: list[int] = []
        """Requests by their number, as they were answered or as their connection broke."""
        self.transitions: list[Transition] = []
        trace = Trace()
        trace.subscribe(self.transitions.append)
        self.host = Host(
            "n1",
            ME,
            {ME: "n1", PEER: "n2", OTHER: "n3"},
            kernel=self.kernel,
            clock=self.clock,
            disk=self.disk,
            network=self,
            oracle=Oracle((ME, PEER, OTHER)),
            leases=LeasePromises(lambda: 0),
            trace=trace,
            node_factory=self.make_node,
        )

    def make_node(
        self,
        node_id: NodeId,
        incarnation: int,
        recovered: Recovered,
        backend: MemoryBackend,
        now: Instant,
    ) -> Node:
        config = NodeConfig(
            node_id=node_id, cluster_id=1, voters=(ME, PEER, OTHER), incarnation=incarnation
        )
        node = ScriptedNode(config, recovered, backend, Random(1), now)
        node.script = self.script
        node.inputs = []
        node.wakes = []
        node.recovered = recovered
        node.next_deadline = self.deadlines.popleft() if self.deadlines else NEVER
        self.nodes.append(node)
        return node

    def send(self, sender: str, receiver: str, message: Message) -> None:
        """Note what leaves (this is the host's network)."""
        assert (sender, receiver) == ("n1", "n2")
        assert isinstance(message, ReadIndex)
        self.sent.append((self.kernel.now, message.request_id))

    def started(self) -> "Machine":
        """Start the daemon, wait until it has recovered, and set the clock's 0 there."""
        self.host.start()
        self.run_for(FSYNC_NS)
        return self

    def run_for(self, nanoseconds: int) -> None:
        self.kernel.run(self.kernel.now + nanoseconds)

    def does(self, *effects: Effect) -> None:
        """Let a message arrive to which the node answers with `effects`."""
        self.script.append(list(effects))
        self.host.receive(PEER, message(0))

    def is_asked(self, number: int) -> None:
        """Let a client's request arrive."""

        def answer(_: ApiResponse | ApiError) -> None:
            self.answered.append(number)

        def connection_lost() -> None:
            self.lost.append(number)

        self.host.request(RangeRequest(key=b"%d" % number), answer, connection_lost)

    def commits(self, count: int) -> None:
        """Let the entries 1..count of term 1 be stored everywhere and committed."""
        self.does(TERM_1, *(stored(index) for index in range(1, count + 1)))
        self.run_for(10 * FSYNC_NS)
        self.peers_commit(*range(1, count + 1))

    def peers_commit(self, *indices: int) -> None:
        """Tell the oracle of entries that the two other nodes store and commit."""
        oracle = self.host._oracle
        for index in indices:
            for peer in (PEER, OTHER):
                oracle.wrote(peer, stored(index))
                oracle.synced(peer)
            oracle.committed(PEER, stored(index).entries)

    def saves(self, index: int) -> CommitBackend:
        """Return what makes the store durable, as the outcome of the log up to `index`."""
        point = self.node._backend.seal(applied(index))
        return CommitBackend(point, applied(index), 0)

    @property
    def node(self) -> ScriptedNode:
        """The node of the latest incarnation."""
        return self.nodes[-1]

    @property
    def numbers_sent(self) -> list[int]:
        return [number for _, number in self.sent]

    @property
    def whats(self) -> list[What]:
        return [transition.what for transition in self.transitions]


def received(given: Input) -> int:
    """Return the number of a message or of a client's request."""
    match given:
        case Receive(message=ReadIndex(request_id=number)):
            return number
        case Requests(requests=(request,)):
            assert isinstance(request.body, RangeRequest)
            return int(request.body.key)
        case _:
            raise AssertionError(f"nothing numbered: {given}")
