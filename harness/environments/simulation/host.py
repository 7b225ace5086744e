"""A simulated machine: it runs one node's daemon, carries out its effects, and can be broken.

Effects are carried out in order (`outbox`).
"""

from collections.abc import Callable
from typing import Protocol, assert_never

from harness.environments.simulation.clock import NodeClock
from harness.environments.simulation.disk import SimulatedDisk, Tail
from harness.environments.simulation.judges import Judges
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.lease_promises import LeasePromises
from harness.environments.simulation.oracle import Breach, Oracle
from harness.environments.simulation.outbox import Outbox
from harness.environments.simulation.trace import (
    Crashed,
    Members,
    Noted,
    Role,
    SnapshotInstalled,
    SnapshotSent,
    Started,
    Stopped,
    Trace,
    Trimmed,
    What,
    committed,
    fingerprints,
    persisted,
)
from harness.environments.simulation.watch_streams import WatchStreams
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.boundary import (
    AdminReply,
    ChangeMembers,
    ClientRequest,
    CommitBackend,
    Credentials,
    Effect,
    Input,
    LeaderMoved,
    MembersChanged,
    MoveLeader,
    Receive,
    Reply,
    Requests,
    Wake,
    WatchReply,
)
from nodeimpl.ids import Instant, LogIndex, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.configuration import Change, Configuration
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Persist,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.messages import InstallSnapshot, Message
from nodeimpl.raft.state import Recovered, RecoveredStateError
from nodeimpl.storage.memory_backend import MemoryBackend
from nodeimpl.storage.recovery import implied_trim, replay
from nodeimpl.storage.wal_format import WalCorruption, decode, encode

INBOX_MAX = 20_000
"""Inputs that a paused daemon's sockets hold; more are dropped, as full buffers would."""

Answer = Callable[[ApiResponse | ApiError], None]
"""Called with the node's reply to a client."""

AdminAnswer = MembersChanged | LeaderMoved | ApiError
OperatorAnswer = Callable[[AdminAnswer], None]
"""Called with the node's reply to an operator."""

ConnectionLost = Callable[[], None]
"""Called when the daemon dies before it replied."""


class NodeFactory(Protocol):
    """Makes the node that a daemon runs."""

    def __call__(
        self,
        node_id: NodeId,
        incarnation: int,
        recovered: Recovered,
        backend: MemoryBackend,
        now: Instant,
    ) -> Node:
        """Return a node started from `recovered` and `backend`."""


class HostNetwork(Protocol):
    """What a host needs of the network."""

    def send(self, sender: str, receiver: str, message: Message) -> None:
        """Take `message` on its way."""


class Host:
    """One machine: disk, clock, and at most one running daemon."""

    def __init__(  # noqa: PLR0913 - the parts of a machine, all required
        self,
        name: str,
        node_id: NodeId,
        names: dict[NodeId, str],
        *,
        kernel: Kernel,
        clock: NodeClock,
        disk: SimulatedDisk,
        network: HostNetwork,
        oracle: Oracle,
        leases: LeasePromises,
        trace: Trace,
        node_factory: NodeFactory,
    ) -> None:
        self.name = name
        self.node_id = node_id
        self._names = names
        self._kernel = kernel
        self._clock = clock
        self._disk = disk
        self._network = network
        self._oracle = oracle
        self._trace = trace
        self._node_factory = node_factory
        self._backend = MemoryBackend()
        self.node: Node | None = None
        """The running node; None while the daemon is down."""
        self.incarnation = 0
        self.is_paused = False
        self._recovering = False
        self._recovers_on_resume = False
        """Whether the daemon was paused in the middle of its start."""
        self._disk_failed = False
        """Whether a sync has failed that a paused daemon has not noticed yet."""
        self._outbox = Outbox(disk, self)
        self._timer_at: int | None = None
        """When the pending timer fires, in virtual time; None if none is pending."""
        self._timer_deadline = Instant(0)
        """The deadline it was armed for, by the node's clock."""
        self._inbox: list[Input] = []
        self._clients: dict[int, tuple[Answer, ConnectionLost]] = {}
        self._judges = Judges(name, leases)
        self._operators: dict[int, tuple[OperatorAnswer, ConnectionLost]] = {}
        self.streams = WatchStreams(name, self._give)
        self._last_tag = 0

    # ------------------------------------------------------------ daemon
    @property
    def is_running(self) -> bool:
        """Whether the daemon's process exists (paused or still recovering included)."""
        return self.node is not None or self._recovering

    def start(self) -> None:
        """Start the daemon: it syncs what it finds, recovers, and then listens."""
        assert not self.is_running, f"{self.name} is started while it runs"
        assert not self._disk.lost_bytes, f"{self.name} is started from a disk that broke its word"
        self.incarnation += 1
        self._recovering = True
        self._clock.start(self._kernel.now)
        # What survived a crash in the page cache is not durable yet. A node that spoke of it
        # before syncing it could be made a liar by the next power cut.
        self._disk.sync(self._recover, self.stop_over_failed_sync)

    def _recover(self) -> None:
        if self.is_paused:
            self._recovers_on_resume = True
            return
        data = self._disk.content
        torn_bytes = 0
        try:
            contents = decode(data)
            recovered = replay(contents, self._backend.applied)
        except (WalCorruption, RecoveredStateError) as error:
            if self._disk.is_rotten:
                # A node that stops over a damaged log does what it must.
                self._stop(f"it refuses to start: {error}", Tail.KEPT)
                return
            raise Breach(
                "Recovery (Raft Figure 2)", f"{self.name} cannot start: {error}"
            ) from error
        if self._disk.is_rotten:
            raise Breach(
                "Checksums (etcd, WAL)", f"{self.name} started from a log whose bits had flipped"
            )
        if contents.torn_tail is not None:
            torn_bytes = len(data) - contents.torn_tail.offset
            self._disk.truncate(contents.torn_tail.offset)
        self._oracle.recovered(
            self.node_id, recovered.hard_state, recovered.entries, recovered.prefix_index
        )
        trim = implied_trim(contents, recovered)
        if trim is not None and not self._disk.append(encode(trim)):
            self.stop_over_full_disk()
            return
        voted_for = recovered.hard_state.voted_for
        self._note(
            Started(
                self.incarnation,
                recovered.hard_state.current_term,
                recovered.last_index,
                self._backend.applied.index,
                torn_bytes,
                None if voted_for is None else self._names[voted_for],
                recovered.prefix_index,
                fingerprints(recovered.entries),
            )
        )
        self._recovering = False
        now = self._clock.read(self._kernel.now)
        try:
            self.node = self._node_factory(
                self.node_id, self.incarnation, recovered, self._backend, now
            )
        except Exception as error:
            raise self._breach_of(error) from error
        self._drain()
        self.clock_changed()

    def _stop(self, reason: str, tail: Tail) -> None:
        """Let the daemon end by its own decision."""
        self._note(Stopped(reason))
        self.kill(tail)

    def kill(self, tail: Tail) -> None:
        """End the daemon; clients see their connections break."""
        assert self.is_running, f"{self.name} is killed while it is down"
        lost_bytes = self._disk.crash(tail)
        self._backend.crash()
        self.node = None
        self._recovering = False
        self.is_paused = False
        self._disk_failed = False
        self._recovers_on_resume = False
        self._outbox.clear()
        self._timer_at = None
        self._inbox.clear()
        self._judges.crashed()
        asking = [*self._clients.values(), *self._operators.values()]
        self._clients, self._operators = {}, {}
        self._oracle.crashed(self.node_id)
        self._note(Crashed(tail.value, lost_bytes))
        for connection_lost in [*(lost for _, lost in asking), *self.streams.lose_all()]:
            connection_lost()

    def pause(self) -> None:
        """Stop executing; the network and the disk go on."""
        assert self.is_running, f"{self.name} is paused while it is down"
        assert not self.is_paused, f"{self.name} is paused twice"
        self.is_paused = True
        self._note(Noted("is paused"))

    def resume(self) -> None:
        """Go on, with all that arrived meanwhile."""
        assert self.is_paused, f"{self.name} is resumed while it runs"
        self.is_paused = False
        self._note(Noted("resumes"))
        if self._disk_failed:
            self.stop_over_failed_sync()
            return
        if self._recovers_on_resume:
            self._recovers_on_resume = False
            self._recover()
            return
        self._outbox.go_on()
        self._drain()
        self.clock_changed()

    # ------------------------------------------------------------ inputs
    def receive(self, sender: NodeId, message: Message) -> None:
        """Take a peer's message that arrived."""
        node = self.node
        if node is not None and not self.is_paused:
            self._handle(node, self._clock.read(self._kernel.now), Receive(sender, message))
        elif self.is_running:
            self._give(Receive(sender, message))

    def request(
        self, body: ApiRequest, answer: Answer, lost: ConnectionLost, who: Credentials | None = None
    ) -> None:
        """Take a client's request that arrived; the daemon must be running."""
        assert self.is_running, f"{self.name} is asked while it is down"
        self._last_tag += 1
        self._clients[self._last_tag] = (answer, lost)
        self._judges.asked(self._last_tag, body, self._oracle.commit_count)
        self._give(Requests((ClientRequest(self._last_tag, body, who),)))

    def change_members(
        self, change: Change, answer: OperatorAnswer, connection_lost: ConnectionLost
    ) -> None:
        """Take an operator's request to change the members; the daemon must be running."""
        self._give(ChangeMembers(self._operator_tag(answer, connection_lost), change))

    def move_leader(
        self, target: NodeId, answer: OperatorAnswer, connection_lost: ConnectionLost
    ) -> None:
        """Take an operator's request to hand leadership over; the daemon must be running."""
        self._give(MoveLeader(self._operator_tag(answer, connection_lost), target))

    def _operator_tag(self, answer: OperatorAnswer, connection_lost: ConnectionLost) -> int:
        assert self.is_running, f"{self.name} is asked while it is down"
        self._last_tag += 1
        self._operators[self._last_tag] = (answer, connection_lost)
        return self._last_tag

    def _give(self, given: Input) -> None:
        node = self.node
        if node is None or self.is_paused:
            if len(self._inbox) < INBOX_MAX:
                self._inbox.append(given)
            return
        self._handle(node, self._clock.read(self._kernel.now), given)

    def _handle(self, node: Node, now: Instant, given: Input) -> None:
        """Let the node handle `given`, and see to its effects and its deadline."""
        try:
            effects = node.handle(now, given)
        except Exception as error:
            raise self._breach_of(error) from error
        self._judges.handled(node, effects)
        if not self._outbox.put(effects):
            return
        deadline = node.deadline
        if self._timer_at is None or deadline < self._timer_deadline:
            self._arm_timer(deadline)

    def _breach_of(self, error: Exception) -> Breach:
        """Return what a node is convicted of that raised `error`.

        The node is handed values and returns values: whatever it raises is its own doing, and would
        have ended a real daemon in the middle of its work. Deviation from our rule never to catch
        an assertion: here the node is what is judged, and its own assertion convicts it. The run
        ends, and the seed repeats it.
        """
        if isinstance(error, AssertionError):
            return Breach("Assertion", f"{self.name} stopped itself: {error}")
        return Breach("Crash", f"{self.name} died of {type(error).__name__}: {error}")

    def _drain(self) -> None:
        inbox, self._inbox = self._inbox, []
        for given in inbox:
            if self.node is None:
                return  # It stopped over one of them.
            self._give(given)

    # ------------------------------------------------------------ time
    def _arm_timer(self, deadline: Instant) -> None:
        """Have a timer pending at `deadline`; one that is pending for later will be ignored."""
        self._timer_deadline = deadline
        self._timer_at = when = max(self._clock.when(deadline), self._kernel.now)
        self._kernel.at(when, self._wake, when, self.incarnation)

    def _wake(self, when: int, incarnation: int) -> None:
        if when != self._timer_at or incarnation != self.incarnation:
            return
        self._timer_at = None
        if self.node is not None and not self.is_paused:
            self._look_at_the_clock(self.node)

    def clock_changed(self) -> None:
        """Look at the clock, which may read anything now; a timer armed before is void."""
        self._timer_at = None
        if self.node is not None and not self.is_paused:
            self._look_at_the_clock(self.node)

    def _look_at_the_clock(self, node: Node) -> None:
        """Wake the node if its deadline has come, else see to it that it will be woken."""
        now = self._clock.read(self._kernel.now)
        deadline = node.deadline
        if now >= deadline:
            self._handle(node, now, Wake())
        elif self._timer_at is None or deadline < self._timer_deadline:
            self._arm_timer(deadline)

    # ------------------------------------------------------------ effects
    def carry_out(self, effect: Effect) -> None:
        """Do what `effect` asks for; it is no `Persist` and no `Trim`."""
        # Nearly all effects are of these three kinds: see decision 10 on how kinds are told.
        if type(effect) is Send:
            to, message = effect.to, effect.message
            self._oracle.sent(self.node_id, to, message)
            if type(message) is InstallSnapshot and message.done:
                self._note_snapshot_sent(to, message)
            self._network.send(self.name, self._names[to], message)
        elif type(effect) is Commit:
            self._note_committed(effect)
        elif type(effect) is Reply:
            self._answer(effect.tag, effect.body)
        else:
            self._carry_out_rare(effect)

    def _carry_out_rare(self, effect: Effect) -> None:
        match effect:
            case WatchReply(stream=stream, body=body):
                self.streams.respond(stream, body)
            case Became(role=role, term=term, leader=leader):
                self._oracle.became(self.node_id, role, term)
                self._note(Role(role.value, term, None if leader is None else self._names[leader]))
            case ConfigurationChanged(index=index, configuration=configuration):
                self._note_members(index, configuration)
            case AdminReply(tag=tag, body=body):
                self._answer_operator(tag, body)
            case CommitBackend():
                self._save(effect)
            case Restored(index=index, term=term):
                self._note(SnapshotInstalled(index, term))
            case Send() | Commit() | Reply() | Persist() | Trim():
                raise AssertionError("these are carried out elsewhere")
            case _:
                assert_never(effect)

    def wrote(self, persist: Persist) -> None:
        """Note that `persist` is in the page cache."""
        self._oracle.wrote(self.node_id, persist)

    def synced(self, persist: Persist) -> None:
        """Note that `persist`, the oldest that was not, is durable."""
        self._oracle.synced(self.node_id)
        self._note(persisted(persist.hard_state, persist.entries, self._names))

    def trimmed(self, trim: Trim) -> None:
        """Note that the log is about to be trimmed."""
        self._oracle.trimmed(self.node_id, trim.prefix_index, trim.prefix_term)
        self._note(Trimmed(trim.prefix_index, trim.prefix_term))

    def stop_over_full_disk(self) -> None:
        """End the daemon: there was no room for what it must not forget."""
        self._stop("its disk is full", Tail.KEPT)

    def stop_over_failed_sync(self) -> None:
        """End the daemon: nobody knows what of its writes is durable (etcd panics here)."""
        if self.is_paused:
            self._disk_failed = True
        else:
            self._stop("its disk failed to sync", Tail.TORN)

    def _note(self, what: What) -> None:
        self._trace.add(self._kernel.now, self.name, what)

    def _save(self, commit: CommitBackend) -> None:
        self._backend.commit(commit.point)
        applied = commit.applied
        self._oracle.saved(self.node_id, applied.index, applied.term, commit.store_hash)

    def _note_snapshot_sent(self, to: NodeId, message: InstallSnapshot) -> None:
        index, term = message.last_included_index, message.last_included_term
        end = message.offset + len(message.data)
        self._note(SnapshotSent(self._names[to], index, term, end))

    def _answer(self, tag: int, body: ApiResponse | ApiError) -> None:
        client = self._clients.pop(tag, None)
        if client is None:
            raise Breach(
                "One answer per request (boundary)",
                f"{self.name} answered request {tag}, which waits for no answer: {body}",
            )
        self._judges.answered(tag, body)
        answer, _ = client
        answer(body)

    def _answer_operator(self, tag: int, body: AdminAnswer) -> None:
        operator = self._operators.pop(tag, None)
        if operator is None:
            raise Breach(
                "One answer per request (boundary)",
                f"{self.name} answered its operator's request {tag}, which waits for none: {body}",
            )
        answer, _ = operator
        answer(body)

    def _note_members(self, index: LogIndex, configuration: Configuration) -> None:
        sets = (configuration.voters, configuration.learners, configuration.outgoing or ())
        voters, learners, outgoing = (tuple(self._names[each] for each in of) for of in sets)
        self._note(Members(voters, learners, outgoing, index))

    def _note_committed(self, commit: Commit) -> None:
        entries = commit.entries
        self._oracle.committed(self.node_id, entries)
        self._note(committed(entries))
