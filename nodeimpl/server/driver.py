"""Drives a node: inputs in, effects out, in the order that is their contract (`boundary`).

One turn of the event loop is one batch: all requests that arrived meanwhile share an append, all
messages to a peer share a frame. Effects behind one that must become durable wait until it is;
what comes to wait meanwhile becomes durable together with the next sync. Making something durable
earlier than its turn is always right: to the outside it is the same as a crash that came later.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar, assert_never

from nodeimpl.api.errors import NO_LEADER, REQUEST_TIMED_OUT, STOPPED, ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import RangeRequest, WatchRequest, WatchResponse
from nodeimpl.boundary import (
    AdminReply,
    ByCertificate,
    ChangeMembers,
    ClientRequest,
    CloseWatchStream,
    CommitBackend,
    Credentials,
    Effect,
    Input,
    LeaderMoved,
    MembersChanged,
    MoveLeader,
    OpenWatchStream,
    Receive,
    Reply,
    Requests,
    Wake,
    WatchStreamDrained,
    WatchStreamRequest,
)
from nodeimpl.ids import SECOND, Instant, NodeId
from nodeimpl.mvcc.auth.book import ROOT
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.commands import DescribeMember
from nodeimpl.mvcc.watch.responses import WatchReply
from nodeimpl.node import Node
from nodeimpl.raft.configuration import Change
from nodeimpl.raft.effects import (
    Became,
    Commit,
    ConfigurationChanged,
    Persist,
    Restored,
    Send,
    Trim,
)
from nodeimpl.raft.messages import Message
from nodeimpl.server.disk import DiskEffect

DAEMON: Final = ByCertificate(ROOT)
"""In whose name the daemon itself asks, while everybody must say who they are."""
PARKED_MAX: Final = 4096
"""Requests that wait for a leader to be elected; more are refused."""


class ApiFailure(Exception):  # noqa: N818  (it carries the error, and is none of its own)
    """A request was answered with an error."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class Transport(Protocol):
    """Who takes messages to other members."""

    def send(self, to: NodeId, message: Message) -> None:
        """Take `message` on its way with the next `flush`; it may be lost."""

    def flush(self) -> None:
        """Send what was given since the last flush."""


class EffectDisk(Protocol):
    """Who makes things durable."""

    async def make_durable(self, effects: Sequence[DiskEffect]) -> None:
        """Return when all is durable. At most one of `effects` is a `CommitBackend`."""


class Observer(Protocol):
    """Who watches what the node does."""

    def on_became(self, became: Became) -> None:
        """Note that the role, term or known leader changed."""

    def on_configuration(self, changed: ConfigurationChanged) -> None:
        """Note that the members in force changed."""

    def on_commit(self, commit: Commit) -> None:
        """Note that entries were committed and applied."""

    def on_restored(self, restored: Restored) -> None:
        """Note that the store was replaced by a leader's."""

    def on_durable(self, effects: Sequence[DiskEffect], seconds: float) -> None:
        """Note that these became durable together, in so much time."""


Result = TypeVar("Result")

AdminAnswer: TypeAlias = MembersChanged | LeaderMoved


class Driver:
    """Runs one node on the event loop."""

    def __init__(
        self,
        node: Node,
        disk: EffectDisk,
        transport: Transport,
        clock: Callable[[], Instant],
    ) -> None:
        self.node = node
        self._disk = disk
        self._transport = transport
        self._observers: list[Observer] = []
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        """Ends with the exception for which the node cannot go on."""
        self._asked: list[ClientRequest] = []
        self._inputs: deque[Input] = deque()
        self._waiting: dict[int, tuple[asyncio.Future[ApiResponse], ClientRequest, float]] = {}
        self._operators: dict[int, asyncio.Future[AdminAnswer]] = {}
        self._watches: dict[int, Callable[[WatchResponse], None]] = {}
        """Who receives what is sent on a stream of watches."""
        self._parked: deque[int] = deque()
        """Tags of requests that wait for a leader, oldest first."""
        self._last_tag = 0
        self._outbox: deque[Effect] = deque()
        self._is_syncing = False
        self._sync: asyncio.Task[None] | None = None
        self._reserved_by: deque[asyncio.Future[None]] = deque()
        """Who waits to have the disk to themselves, first come first served."""
        self._turn_is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_deadline = Instant(0)
        self._timeout = node.config.request_timeout_ns / SECOND
        self._is_stopped = False

    def observe(self, observer: Observer) -> None:
        """Tell `observer` what the node does from now on."""
        self._observers.append(observer)

    @property
    def waiting_count(self) -> int:
        """Requests that wait for their answer."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin: the node looks at its clock from now on."""
        self._arm_timer()

    def stop(self) -> None:
        """End: whoever waits is told so, and nothing is handled any more."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for turn in self._reserved_by:
            turn.cancel()
        for future, _, _ in self._waiting.values():
            if not future.done():
                future.set_exception(ApiFailure(STOPPED))
        for operator in self._operators.values():
            if not operator.done():
                operator.set_exception(ApiFailure(STOPPED))
        self._waiting, self._operators = {}, {}

    # ------------------------------------------------------------ what comes in
    def ask(
        self, body: ApiRequest | DescribeMember | Authenticate, caller: Credentials | None = None
    ) -> Awaitable[ApiResponse]:
        """Return what will be the node's answer; it raises `ApiFailure` if that is an error."""
        future: asyncio.Future[ApiResponse] = self._loop.create_future()
        if self._is_stopped:
            future.set_exception(ApiFailure(STOPPED))
            return future
        self._last_tag = tag = self._last_tag + 1
        request = ClientRequest(tag, body, caller)
        self._waiting[tag] = (future, request, self._loop.time() + self._timeout)
        self._submit(request)
        return future

    def barrier(self) -> Awaitable[ApiResponse]:
        """Return when this node has applied all that was answered anywhere before this call."""
        return self.ask(RangeRequest(key=b"\0", limit=1, count_only=True), DAEMON)

    def operator_error(self, caller: Credentials | None) -> ApiError | None:
        """Return why the caller may not do what only root may; None if they may."""
        node = self.node
        return node.authorization.operator_error(
            self._clock(), node.store, node.applied_index, caller
        )

    def change_members(self, change: Change) -> Awaitable[AdminAnswer]:
        """Ask the node, which must lead, to change the members."""
        tag, future = self._new_operator()
        self._give(ChangeMembers(tag, change))
        return future

    def move_leader(self, target: NodeId) -> Awaitable[AdminAnswer]:
        """Ask the node, which must lead, to hand over to `target`."""
        tag, future = self._new_operator()
        self._give(MoveLeader(tag, target))
        return future

    def receive(self, sender: NodeId, messages: Sequence[Message]) -> None:
        """Take a peer's messages."""
        self._inputs.extend(Receive(sender, message) for message in messages)
        self._turn_soon()

    # ------------------------------------------------------------ watches
    def open_watch(
        self,
        room_bytes: int,
        receive: Callable[[WatchResponse], None],
        caller: Credentials | None = None,
    ) -> int:
        """Return the number of a new stream of watches; `receive` is called with each response.

        So many bytes may wait to be sent on it (`boundary.OpenWatchStream`).
        """
        self._last_tag = stream = self._last_tag + 1
        self._watches[stream] = receive
        self._give(OpenWatchStream(stream, room_bytes, caller))
        return stream

    def ask_watch(self, stream: int, request: WatchRequest) -> None:
        """Hand on what the client of a stream asks."""
        self._give(WatchStreamRequest(stream, request))

    def watch_drained(self, stream: int, taken_bytes: int) -> None:
        """Note that so many bytes of responses have gone on to the client."""
        self._give(WatchStreamDrained(stream, taken_bytes))

    def close_watch(self, stream: int) -> None:
        """End a stream; nothing is received on it any more."""
        if self._watches.pop(stream, None) is not None:
            self._give(CloseWatchStream(stream))

    async def exclusively(self, task: Callable[[], Awaitable[Result]]) -> Result:
        """Return what `task` returns; nothing else becomes durable while it runs."""
        if self._is_syncing or self._reserved_by:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._reserved_by.append(turn)
            await turn
        self._is_syncing = True
        try:
            return await task()
        finally:
            self._end_sync()

    def _new_operator(self) -> "tuple[int, asyncio.Future[AdminAnswer]]":
        future: asyncio.Future[AdminAnswer] = self._loop.create_future()
        self._last_tag = tag = self._last_tag + 1
        self._operators[tag] = future
        return tag, future

    def _submit(self, request: ClientRequest) -> None:
        self._asked.append(request)
        self._turn_soon()

    def _give(self, given: Input) -> None:
        if self._is_stopped:
            return
        self._inputs.append(given)
        self._turn_soon()

    # ------------------------------------------------------------ turns
    def _turn_soon(self) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_is_due = False
        if self._is_stopped:
            return
        try:
            self._handle_all()
        except Exception as error:  # noqa: BLE001 - whatever it is, the node cannot go on
            self._fail(error)

    def _handle_all(self) -> None:
        node, outbox, inputs = self.node, self._outbox, self._inputs
        now = self._clock()
        if now >= node.deadline:
            outbox.extend(node.handle(now, Wake()))
        while inputs:
            outbox.extend(node.handle(now, inputs.popleft()))
        if self._asked:
            asked, self._asked = self._asked, []
            outbox.extend(node.handle(now, Requests(tuple(asked))))
        self._carry_out()
        self._arm_timer()

    def _arm_timer(self) -> None:
        deadline = self.node.deadline
        if self._timer is not None:
            if self._timer_deadline <= deadline and not self._timer.cancelled():
                return  # It fires early, finds nothing to do, and is armed anew.
            self._timer.cancel()
        self._timer_deadline = deadline
        delay = max(0, deadline - self._clock()) / SECOND
        self._timer = self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._turn()

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)
        self.stop()

    # ------------------------------------------------------------ effects
    def _carry_out(self) -> None:
        """Carry out what need not wait; begin the next sync if something must become durable."""
        outbox = self._outbox
        while outbox and not self._is_syncing:
            effect = outbox[0]
            if isinstance(effect, Persist | Trim | CommitBackend):
                self._begin_sync()
            else:
                outbox.popleft()
                self._do(effect)
        self._transport.flush()

    def _begin_sync(self) -> None:
        """Begin to make durable, at once, all that must be; what stands between waits for that.

        All but what stands behind a second commit of the store: there is one at a time.
        """
        durable: list[DiskEffect] = []
        then: list[Effect] = []
        outbox = self._outbox
        has_commit = False
        while outbox:
            effect = outbox[0]
            if isinstance(effect, Persist | Trim | CommitBackend):
                if isinstance(effect, CommitBackend):
                    if has_commit:
                        break
                    has_commit = True
                durable.append(effect)
            else:
                then.append(effect)
            outbox.popleft()
        self._is_syncing = True
        self._sync = self._loop.create_task(self._finish_sync(durable, then))

    async def _finish_sync(self, durable: list[DiskEffect], then: list[Effect]) -> None:
        """Wait for the disk, and carry out what waited too."""
        begun = self._loop.time()
        try:
            await self._disk.make_durable(durable)
            if self._is_stopped:
                return
            for observer in self._observers:
                observer.on_durable(durable, self._loop.time() - begun)
            for effect in then:
                self._do(effect)
            self._end_sync()
        except Exception as error:  # noqa: BLE001 - nobody knows what is durable (etcd panics here)
            self._fail(error)

    def _end_sync(self) -> None:
        """Let who waits for the disk have it, or else go on."""
        self._is_syncing = False
        while self._reserved_by:
            turn = self._reserved_by.popleft()
            if not turn.done():
                self._is_syncing = True
                turn.set_result(None)
                return
        self._carry_out()

    def _do(self, effect: Effect) -> None:  # noqa: C901, PLR0912 (one case per effect)
        match effect:
            case Send(to=to, message=message):
                self._transport.send(to, message)
            case Reply(tag=tag, body=body):
                self._answer(tag, body)
            case AdminReply(tag=tag, body=body):
                self._answer_operator(tag, body)
            case WatchReply(stream=stream, body=response):
                receive = self._watches.get(stream)
                if receive is not None:
                    receive(response)
            case Commit():
                for observer in self._observers:
                    observer.on_commit(effect)
            case Became():
                for observer in self._observers:
                    observer.on_became(effect)
                if effect.leader is not None:
                    self._unpark()
            case ConfigurationChanged():
                for observer in self._observers:
                    observer.on_configuration(effect)
            case Restored():
                for observer in self._observers:
                    observer.on_restored(effect)
            case Persist() | Trim() | CommitBackend():
                raise AssertionError("the disk's thread carries these out")
            case _:
                assert_never(effect)

    def _answer(self, tag: int, body: ApiResponse | ApiError) -> None:
        waiting = self._waiting.get(tag)
        assert waiting is not None, f"request {tag} is answered twice"
        future, _, deadline = waiting
        if body is NO_LEADER and not future.done() and self._may_park(deadline):
            self._park(tag, deadline)
            return
        del self._waiting[tag]
        if future.done():
            return  # The client has gone.
        if isinstance(body, ApiError):
            future.set_exception(ApiFailure(body))
        else:
            future.set_result(body)

    def _answer_operator(self, tag: int, body: AdminAnswer | ApiError) -> None:
        future = self._operators.pop(tag)
        if future.done():
            return
        if isinstance(body, ApiError):
            future.set_exception(ApiFailure(body))
        else:
            future.set_result(body)

    # ------------------------------------------------------------ waiting for a leader
    def _may_park(self, deadline: float) -> bool:
        return len(self._parked) < PARKED_MAX and self._loop.time() < deadline

    def _park(self, tag: int, deadline: float) -> None:
        """Keep a request that was surely not carried out until there is a leader (as etcd)."""
        if not self._parked:
            self._loop.call_at(deadline, self._expire_parked)
        self._parked.append(tag)

    def _expire_parked(self) -> None:
        while self._parked:
            waiting = self._waiting.get(self._parked[0])
            if waiting is not None and waiting[2] > self._loop.time():
                self._loop.call_at(waiting[2], self._expire_parked)
                return
            tag = self._parked.popleft()
            if waiting is not None:
                del self._waiting[tag]
                if not waiting[0].done():
                    waiting[0].set_exception(ApiFailure(REQUEST_TIMED_OUT))

    def _unpark(self) -> None:
        parked, self._parked = self._parked, deque()
        for tag in parked:
            waiting = self._waiting.get(tag)
            if waiting is None:
                continue
            if waiting[0].done():
                del self._waiting[tag]
            else:
                self._submit(waiting[1])
