"""A few nodes of Raft with disks, a network and clocks, moved by hand one step at a time.

It carries effects out as `effects` demands, first in first out. What a test does with it decides
how unlucky the cluster is: messages may be lost, repeated and overtaken, disks stalled, nodes
crashed between any two effects and restarted from what was durable.

After every call the node's invariants are checked, after every effect the oracle is asked.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple, TypeAlias

from nodeimpl.config import RaftConfig
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Change, Objection
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Dropped,
    Persist,
    RaftEffect,
    ReadReady,
    Send,
)
from nodeimpl.raft.invariants import Observation, check_basic, check_delta, observe
from nodeimpl.raft.messages import Entry, EntryKind, HardState, Message
from nodeimpl.raft.state import Recovered
from tests.nodeimpl.raft.oracle import Oracle

SETTLE_STEPS_MAX = 2_000
"""More messages than any test sends before its cluster is quiet: beyond lies a storm."""

Watcher: TypeAlias = Callable[[NodeId, RaftEffect], None]


def watch_nothing(node_id: NodeId, effect: RaftEffect) -> None:
    """Let effects be carried out unwatched."""
    del node_id, effect


class Envelope(NamedTuple):
    """A message on its way."""

    sender: NodeId
    to: NodeId
    message: Message


class Disk:
    """What one node has made durable."""

    def __init__(self) -> None:
        self.hard_state = HardState(current_term=Term(0), voted_for=None)
        self.entries: list[Entry] = []
        self.applied_index = LogIndex(0)

    def persist(self, effect: Persist) -> None:
        """Write as `Persist` says: an entry replaces its namesake and all behind it."""
        if effect.hard_state is not None:
            self.hard_state = effect.hard_state
        if effect.entries:
            first_index = effect.entries[0].index
            assert first_index <= len(self.entries) + 1, "a Persist leaves no gap"
            del self.entries[first_index - 1 :]
            self.entries.extend(effect.entries)

    def recover(self) -> Recovered:
        """Return what a node finds here when it starts."""
        return Recovered(
            hard_state=self.hard_state,
            entries=tuple(self.entries),
            commit_index=self.applied_index,
            configuration=next(
                (
                    entry.data
                    for entry in reversed(self.entries[: self.applied_index])
                    if entry.kind is EntryKind.CONFIGURATION
                ),
                b"",
            ),
        )


class Cluster:
    """Nodes 1..size, the founders, and those that join them later.

    All clocks show `now`, which moves only when a node is woken.
    """

    def __init__(
        self,
        size: int = 3,
        *,
        config: RaftConfig | None = None,
        seed: int = 0,
        watcher: Watcher = watch_nothing,
    ) -> None:
        self.config = config or RaftConfig()
        self.founders = tuple(NodeId(number) for number in range(1, size + 1))
        self.node_ids = self.founders
        self.now = Instant(0)
        self.nodes: dict[NodeId, Raft] = {}
        self.disks = {node_id: Disk() for node_id in self.node_ids}
        self.applied: dict[NodeId, list[Entry]] = {node_id: [] for node_id in self.node_ids}
        self.network: list[Envelope] = []
        self.cuts: set[tuple[NodeId, NodeId]] = set()
        self.stalled: set[NodeId] = set()
        self.reads_ready: dict[RequestId, LogIndex] = {}
        self.reads_dropped: set[RequestId] = set()
        self.oracle = Oracle(self.node_ids, asks_first=self.config.pre_vote)
        self._random = Random(seed)
        self._watcher = watcher
        self._effects: dict[NodeId, deque[RaftEffect]] = {}
        self._observations: dict[NodeId, Observation] = {}
        self.request_count = 0
        self._read_floors: dict[RequestId, LogIndex] = {}
        for node_id in self.node_ids:
            self.restart(node_id)

    # ---------------------------------------------------------------- nodes

    def wake(self, node_id: NodeId) -> None:
        """Let time pass until the node's deadline and wake it: an election, or a heartbeat."""
        self.now = max(self.now, self.nodes[node_id].deadline)
        self._after(node_id, self.nodes[node_id].wake(self.now))

    def advance(self, span: int) -> None:
        """Let that much time pass; nodes wake when they must, and all that is sent arrives."""
        until = self.now + span
        while self.nodes:
            first = min(self.nodes, key=lambda node_id: self.nodes[node_id].deadline)
            if self.nodes[first].deadline > until:
                break
            self.wake(first)
            self.settle()
        self.now = Instant(until)

    def propose(self, node_id: NodeId, *commands: bytes) -> tuple[RequestId, ...]:
        """Propose `commands` together; return their ids."""
        proposals = [(self._next_request_id(), command) for command in commands]
        self._after(node_id, self.nodes[node_id].propose(self.now, proposals))
        return tuple(request_id for request_id, _ in proposals)

    def read(self, node_id: NodeId, count: int = 1) -> tuple[RequestId, ...]:
        """Ask for a read index for `count` reads together; return their ids."""
        request_ids = tuple(self._next_request_id() for _ in range(count))
        for request_id in request_ids:
            self._read_floors[request_id] = self.oracle.commit_index
        self._after(node_id, self.nodes[node_id].read(self.now, request_ids))
        return request_ids

    def join(self) -> NodeId:
        """Start a new node, which knows no members; return its id."""
        node_id = NodeId(len(self.node_ids) + 1)
        self.node_ids += (node_id,)
        self.disks[node_id] = Disk()
        self.applied[node_id] = []
        self.oracle.joined(node_id)
        self.restart(node_id)
        return node_id

    def change(self, node_id: NodeId, change: Change) -> Objection | None:
        """Ask the node to change the members; return why it does not."""
        node = self.nodes[node_id]
        objection = node.objection_to_change(change)
        if objection is None:
            request_id = self._next_request_id()
            self._after(node_id, node.change_membership(self.now, request_id, change))
        return objection

    def transfer(self, node_id: NodeId, target: NodeId) -> Objection | None:
        """Ask the node to hand leadership to `target`; return why it does not."""
        node = self.nodes[node_id]
        objection = node.objection_to_transfer(target)
        if objection is None:
            self._after(node_id, node.transfer(self.now, target))
        return objection

    def crash(self, node_id: NodeId, *, applied_lost: int = 0) -> None:
        """End the node; effects not carried out yet are lost, and the last applied entries."""
        del self.nodes[node_id]
        self._effects[node_id].clear()
        self.stalled.discard(node_id)
        disk = self.disks[node_id]
        kept = max(disk.applied_index, len(self.applied[node_id]) - applied_lost)
        disk.applied_index = LogIndex(kept)
        del self.applied[node_id][kept:]

    def restart(self, node_id: NodeId) -> None:
        """Start the node from its disk."""
        assert node_id not in self.nodes, f"node {node_id} runs"
        node = Raft(
            self.config,
            node_id,
            self.founders if node_id in self.founders else (),
            self.disks[node_id].recover(),
            Random(self._random.getrandbits(64)),
            self.now,
        )
        self.nodes[node_id] = node
        self._effects[node_id] = deque()
        self._observations[node_id] = observe(node.state)
        assert check_basic(node.state) == [], "a recovered state is sound"
        disk = self.disks[node_id]
        self.oracle.restarted(node_id, disk.hard_state.current_term, disk.applied_index)

    def stall(self, node_id: NodeId) -> None:
        """Let the disk take long: effects wait from now on."""
        self.stalled.add(node_id)

    def carry_out(self, node_id: NodeId, count: int | None = None) -> None:
        """Carry out the next `count` waiting effects, or all and end the stall."""
        if count is None:
            self.stalled.discard(node_id)
        waiting = self._effects[node_id]
        for _ in range(len(waiting) if count is None else min(count, len(waiting))):
            self._carry_out(node_id, waiting.popleft())

    # ---------------------------------------------------------------- network

    def deliver(self, position: int = 0) -> None:
        """Deliver one message on its way; to a node that is down, it is lost."""
        envelope = self.network.pop(position)
        node = self.nodes.get(envelope.to)
        if node is not None:
            effects = node.receive(self.now, envelope.sender, envelope.message)
            self._after(envelope.to, effects)

    def settle(self) -> None:
        """Deliver messages, oldest first, until none is on its way."""
        for _ in range(SETTLE_STEPS_MAX):
            if not self.network:
                return
            self.deliver()
        raise AssertionError(f"a storm: {SETTLE_STEPS_MAX} messages and no end")

    def cut(self, one: NodeId, other: NodeId) -> None:
        """Lose what these two send each other, what is on its way included."""
        self.cuts |= {(one, other), (other, one)}
        self.network = [
            envelope for envelope in self.network if (envelope.sender, envelope.to) not in self.cuts
        ]

    def isolate(self, node_id: NodeId) -> None:
        """Cut the node off from all others."""
        for other in self.node_ids:
            if other != node_id:
                self.cut(node_id, other)

    def heal(self) -> None:
        """Undo all cuts."""
        self.cuts.clear()

    # ---------------------------------------------------------------- what happened

    def leader(self) -> NodeId | None:
        """Return the running leader of the latest term; None if there is none."""
        leaders = [
            (node.current_term, node_id)
            for node_id, node in self.nodes.items()
            if node.leader == node_id
        ]
        return max(leaders)[1] if leaders else None

    def _after(self, node_id: NodeId, effects: list[RaftEffect]) -> None:
        state = self.nodes[node_id].state
        breaches = check_basic(state) + check_delta(self._observations[node_id], state)
        assert breaches == [], f"node {node_id}: {breaches}"
        self._observations[node_id] = observe(state)
        self._effects[node_id].extend(effects)
        if node_id not in self.stalled:
            self.carry_out(node_id)

    def _carry_out(  # noqa: C901 (one case per effect)
        self, node_id: NodeId, effect: RaftEffect
    ) -> None:
        self._watcher(node_id, effect)
        match effect:
            case Persist():
                self.disks[node_id].persist(effect)
                self.oracle.persisted(node_id, effect)
            case Send(to=to, message=message):
                self.oracle.sent(node_id, effect)
                if (node_id, to) not in self.cuts:
                    self.network.append(Envelope(node_id, to, message))
            case Commit(entries=entries):
                self.oracle.committed(node_id, entries)
                assert entries[0].index == len(self.applied[node_id]) + 1, "no gap is applied"
                self.applied[node_id].extend(entries)
            case Became():
                self.oracle.became(node_id, effect)
            case ConfigurationChanged():
                pass
            case ReadReady():
                self._answer_reads(effect)
            case Dropped(request_ids=request_ids):
                self.reads_dropped.update(request_ids)

    def _answer_reads(self, effect: ReadReady) -> None:
        """Check that the reads see all that any node had committed when they were asked for."""
        for request_id in effect.request_ids:
            floor = self._read_floors.pop(request_id)
            assert effect.read_index >= floor, f"a read at {effect.read_index} misses {floor}"
            self.reads_ready[request_id] = effect.read_index

    def _next_request_id(self) -> RequestId:
        self.request_count += 1
        return RequestId(self.request_count)
