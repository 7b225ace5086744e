"""A few nodes of Raft with disks, a network and clocks, moved by hand one step at a time.

It carries effects out as `effects` demands, first in first out. Each node's state machine is the
list of all entries it was given, and so is a snapshot. What a test does with it decides
how unlucky the cluster is: messages may be lost, repeated and overtaken, disks stalled, nodes
crashed between any two effects and restarted from what was durable.

After every call the node's invariants are checked, after every effect the oracle is asked.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, TypeAlias

import msgspec

from nodeimpl.config import RaftConfig
from nodeimpl.ids import Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.configuration import Change, Objection
from nodeimpl.raft.core import Raft
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Dropped,
    Inquired,
    InquiryAnswered,
    NeedSnapshot,
    Persist,
    RaftEffect,
    ReadReady,
    Restore,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.invariants import Observation, check_basic, check_delta, observe
from nodeimpl.raft.log import NO_INDEX, NO_TERM
from nodeimpl.raft.messages import Entry, EntryKind, HardState, Message, Snapshot
from nodeimpl.raft.state import Recovered
from tests.nodeimpl.raft.oracle import Oracle

SETTLE_STEPS_MAX = 2_000
"""More messages than any test sends before its cluster is quiet: beyond lies a storm."""


@dataclass(frozen=True)
class Saved:
    """An effect of the cluster's own: the state machine as it was is durable, if carried out."""

    state: tuple[Entry, ...]


Watcher: TypeAlias = Callable[[NodeId, RaftEffect | Saved], None]


def watch_nothing(node_id: NodeId, effect: RaftEffect | Saved) -> None:
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
        self.prefix = Trim(NO_INDEX, NO_TERM)
        self.entries: list[Entry] = []
        """The log behind the prefix."""
        self.state: tuple[Entry, ...] = ()
        """The state machine: what it was given, oldest first."""

    def persist(self, effect: Persist) -> None:
        """Write as `Persist` says: an entry replaces its namesake and all behind it."""
        if effect.hard_state is not None:
            self.hard_state = effect.hard_state
        if effect.entries:
            place = effect.entries[0].index - self.prefix.prefix_index - 1
            assert 0 <= place <= len(self.entries), "a Persist leaves no gap"
            del self.entries[place:]
            self.entries.extend(effect.entries)

    def trim(self, effect: Trim) -> None:
        """Forget as `Trim` says: what follows the prefix stays if its last entry is here."""
        is_here = self._holds(effect.prefix_index, effect.prefix_term)
        self.entries = [
            entry for entry in self.entries if is_here and entry.index > effect.prefix_index
        ]
        self.prefix = effect

    def recover(self) -> Recovered:
        """Return what a node finds here when it starts.

        If a crash came between a snapshot and its `Trim`, the log goes on where the state does.
        """
        if self.state and not self._holds(self.state[-1].index, self.state[-1].term):
            self.trim(Trim(self.state[-1].index, self.state[-1].term))
        return Recovered(
            hard_state=self.hard_state,
            entries=tuple(self.entries),
            commit_index=LogIndex(len(self.state)),
            prefix_index=self.prefix.prefix_index,
            prefix_term=self.prefix.prefix_term,
            configuration=configuration_in(self.state),
        )

    def _holds(self, index: LogIndex, term: Term) -> bool:
        """Return whether the log has this entry, or ends its prefix with it."""
        known = {entry.index: entry.term for entry in self.entries}
        known[self.prefix.prefix_index] = self.prefix.prefix_term
        return known.get(index) == term


def configuration_in(state: Sequence[Entry]) -> bytes:
    """Return the data of the last entry that names the members; nothing if none does."""
    named = [entry.data for entry in state if entry.kind is EntryKind.CONFIGURATION]
    return named[-1] if named else b""


def snapshot_of(state: Sequence[Entry]) -> Snapshot:
    """Return the state machine as a leader sends it."""
    return Snapshot(
        state[-1].index, state[-1].term, configuration_in(state), msgspec.msgpack.encode(state)
    )


def state_of(snapshot: Snapshot) -> list[Entry]:
    """Return the state machine that a snapshot holds; nothing damages one on its way here."""
    try:
        return msgspec.msgpack.decode(bytes(snapshot.data[:]), type=list[Entry])
    except msgspec.DecodeError as error:
        raise AssertionError(f"a snapshot does not arrive as it was sent: {error}") from error


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
        """What each node has been seen to apply."""
        self._machines: dict[NodeId, list[Entry]] = {node_id: [] for node_id in self.node_ids}
        """What each node's state machine was given, by effects that wait too."""
        self.network: list[Envelope] = []
        self.cuts: set[tuple[NodeId, NodeId]] = set()
        self.stalled: set[NodeId] = set()
        self.reads_ready: dict[RequestId, LogIndex] = {}
        self.reads_dropped: set[RequestId] = set()
        self.oracle = Oracle(self.node_ids, asks_first=self.config.pre_vote)
        self._random = Random(seed)
        self._watcher = watcher
        self._effects: dict[NodeId, deque[RaftEffect | Saved]] = {}
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

    def inquire(self, node_id: NodeId, question: bytes) -> RequestId:
        """Ask the leader, who will answer with the question; return its id."""
        request_id = self._next_request_id()
        self._after(node_id, self.nodes[node_id].inquire(self.now, request_id, question))
        return request_id

    def join(self) -> NodeId:
        """Start a new node, which knows no members; return its id."""
        node_id = NodeId(len(self.node_ids) + 1)
        self.node_ids += (node_id,)
        self.disks[node_id] = Disk()
        self.applied[node_id] = []
        self._machines[node_id] = []
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

    def save(self, node_id: NodeId) -> None:
        """Make the node's state machine durable, and let the log forget what it then may."""
        saved_index = LogIndex(len(self._machines[node_id]))
        self._effects[node_id].append(Saved(tuple(self._machines[node_id])))
        self._after(node_id, self.nodes[node_id].trim(self.now, saved_index))

    def crash(self, node_id: NodeId, *, applied_lost: int = 0) -> None:
        """End the node; effects not carried out yet are lost, and the last applied entries."""
        del self.nodes[node_id]
        self._effects[node_id].clear()
        self.stalled.discard(node_id)
        disk = self.disks[node_id]
        kept = max(len(disk.state), len(self.applied[node_id]) - applied_lost)
        disk.state = tuple(self.applied[node_id][:kept]) if kept > len(disk.state) else disk.state
        self.applied[node_id] = list(disk.state)

    def restart(self, node_id: NodeId) -> None:
        """Start the node from its disk."""
        assert node_id not in self.nodes, f"node {node_id} runs"
        disk = self.disks[node_id]
        recovered = disk.recover()
        self._machines[node_id] = list(disk.state)
        node = Raft(
            self.config,
            node_id,
            self.founders if node_id in self.founders else (),
            recovered,
            Random(self._random.getrandbits(64)),
            self.now,
        )
        self.nodes[node_id] = node
        self._effects[node_id] = deque()
        self._observations[node_id] = observe(node.state)
        assert check_basic(node.state) == [], "a recovered state is sound"
        self.oracle.restarted(node_id, recovered)

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
        self._run(node_id, effects)
        state = self.nodes[node_id].state
        breaches = check_basic(state) + check_delta(self._observations[node_id], state)
        assert breaches == [], f"node {node_id}: {breaches}"
        self._observations[node_id] = observe(state)
        if node_id not in self.stalled:
            self.carry_out(node_id)

    def _run(self, node_id: NodeId, effects: list[RaftEffect]) -> None:
        """Let the state machine take part, as the node around it would; queue all the rest."""
        node, waiting = self.nodes[node_id], self._effects[node_id]
        machine = self._machines[node_id]
        for effect in effects:
            match effect:
                case NeedSnapshot():
                    waiting.append(Saved(tuple(machine)))
                    self._run(node_id, node.snapshot_ready(self.now, snapshot_of(machine)))
                case Restore(snapshot=snapshot):
                    machine[:] = state_of(snapshot)
                    waiting.append(Saved(tuple(machine)))
                    self._run(node_id, node.snapshot_restored(self.now, is_restored=True))
                case Commit(entries=entries):
                    machine.extend(entries)
                    waiting.append(effect)
                case _:
                    waiting.append(effect)

    def _carry_out(  # noqa: C901, PLR0912, PLR0915 (one case per effect)
        self, node_id: NodeId, effect: RaftEffect | Saved
    ) -> None:
        self._watcher(node_id, effect)
        match effect:
            case Saved(state=state):
                self.disks[node_id].state = state
                self.oracle.saved(node_id, state)
            case Trim():
                self.disks[node_id].trim(effect)
                self.oracle.trimmed(node_id, effect)
            case Restored():
                self.applied[node_id] = list(self.disks[node_id].state)
            case NeedSnapshot() | Restore():
                raise AssertionError("answered within the call")
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
            case Inquired(origin=origin, request_id=request_id, data=data):
                answers = self.nodes[node_id].answer(self.now, origin, request_id, data)
                self._after(node_id, answers)
            case InquiryAnswered():
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
