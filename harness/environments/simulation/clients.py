"""Clients in the simulation: they carry out operations over a network of their own.

Clients live outside the cluster: partitions between nodes do not touch them, and they can always
reach a daemon that listens. What they may meet is a daemon that is down (refused: definite), dies
with their request in hand (lost: indefinite), or does not answer in time (timed out: indefinite).
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final, get_args

from harness.client import (
    Call,
    Client,
    Completion,
    Conversation,
    Maintenance,
    Request,
    connection_lost,
    connection_refused,
    refused,
    timed_out,
)
from harness.environments.simulation.host import Host
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.oracle import Breach
from harness.errors import CallError
from harness.interpreter import Dispatch, Exhausted, Interpreter, Wait
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse, AuthRequest, AuthResponse
from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    AlarmResponse,
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    MemberListRequest,
    MemberListResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.boundary import ByCertificate
from nodeimpl.ids import Instant


class _Operation:
    """One operation under way, and which of its calls is the one that counts."""

    __slots__ = ("call_number", "conversation", "host", "is_open", "thread")

    def __init__(self, thread: int, host: Host, conversation: Conversation) -> None:
        self.thread = thread
        self.host = host
        self.conversation = conversation
        self.call_number = 0
        """The last call made; an outcome of an earlier one comes too late."""
        self.is_open = True


class SimulatedClients:
    """Steps an interpreter in virtual time and does what it dispatches."""

    def __init__(  # noqa: PLR0913 - whom to serve, whom to ask, and how far away they are
        self,
        kernel: Kernel,
        interpreter: Interpreter,
        client: Client,
        hosts: dict[str, Host],
        random: Random,
        *,
        delay_ns_min: int,
        delay_ns_max: int,
    ) -> None:
        self._kernel = kernel
        self._interpreter = interpreter
        self._client = client
        self._hosts = hosts
        self._random = random
        self._delay_ns_min = delay_ns_min
        self._delay_ns_spread = delay_ns_max - delay_ns_min
        self._operations: dict[int, _Operation] = {}
        self._timeouts: deque[tuple[int, _Operation, int]] = deque()
        """(when, operation, call number) of the calls that were made, soonest first. Most have
        long been answered by then, so they share one event of the kernel."""
        self._timeout_at: int | None = None
        self._stepping = False
        self._wake_at: int | None = None
        self.is_exhausted = False
        """Whether the interpreter's generator is done and nothing is in flight."""

    def step(self) -> None:
        """Start whatever is to be started now."""
        if self._stepping:  # a dialogue ended without a call: the loop below goes on anyway
            return
        self._stepping = True
        self.is_exhausted = False
        try:
            self._step()
        finally:
            self._stepping = False

    def _step(self) -> None:
        while True:
            match self._interpreter.step(Instant(self._kernel.now)):
                case Dispatch() as dispatch:
                    self._begin(dispatch)
                case Wait(until=until):
                    if until is not None:
                        self._wake(until)
                    return
                case Exhausted():
                    self.is_exhausted = True
                    return

    def abandon(self) -> None:
        """Give up every operation in flight: its outcome stays unknown."""
        for thread in self._interpreter.retire_open(Instant(self._kernel.now)):
            operation = self._operations.pop(thread)
            operation.is_open = False
            operation.conversation.close()

    def _wake(self, until: int) -> None:
        if self._wake_at is None or until < self._wake_at:
            self._wake_at = until
            self._kernel.at(until, self._on_wake, until)

    def _on_wake(self, until: int) -> None:
        if until == self._wake_at:
            self._wake_at = None
            self.step()

    # ------------------------------------------------------------ one operation
    def _begin(self, dispatch: Dispatch) -> None:
        operation = _Operation(
            dispatch.thread,
            self._hosts[dispatch.node],
            Conversation(self._client, dispatch.op),
        )
        self._operations[dispatch.thread] = operation
        self._proceed(operation, operation.conversation.start())

    def _proceed(self, operation: _Operation, following: Call | Completion) -> None:
        if isinstance(following, Completion):
            operation.is_open = False
            del self._operations[operation.thread]
            now = Instant(self._kernel.now)
            self._interpreter.complete(now, operation.thread, following)
            self.step()
            return
        operation.call_number += 1
        number = operation.call_number
        later = following.delay_ns
        self._kernel.after(later + self._delay(), self._arrive, operation, number, following)
        self._time_out(self._kernel.now + later + following.timeout_ns, operation, number)

    def _time_out(self, when: int, operation: _Operation, number: int) -> None:
        """Fail the call at `when`, unless it has been answered by then."""
        timeouts = self._timeouts
        position = len(timeouts)
        while position and timeouts[position - 1][0] > when:  # of a call more patient than this
            position -= 1
        timeouts.insert(position, (when, operation, number))
        self._arm_timeout()

    def _arm_timeout(self) -> None:
        """Keep one event pending, for the first of the timeouts or before it."""
        if self._timeouts:
            when = self._timeouts[0][0]
            if self._timeout_at is None or when < self._timeout_at:
                self._timeout_at = when
                self._kernel.at(when, self._on_timeout, when)

    def _on_timeout(self, when: int) -> None:
        if when != self._timeout_at:
            return
        self._timeout_at = None
        timeouts = self._timeouts
        while timeouts:
            at, operation, number = timeouts[0]
            if operation.is_open and number == operation.call_number:
                if at > when:
                    break
                timeouts.popleft()
                self._fail(operation, number, timed_out)
            else:
                timeouts.popleft()
        self._arm_timeout()

    def _arrive(self, operation: _Operation, number: int, call: Call) -> None:
        if not operation.host.is_running:
            self._kernel.after(self._delay(), self._fail, operation, number, connection_refused)
            return

        asked = _simulated(call.request)

        def answer(body: ApiResponse | ApiError) -> None:
            _check_kind(operation.host, asked, body)
            self._kernel.after(self._delay(), self._answered, operation, number, body)

        def lost() -> None:
            self._kernel.after(self._delay(), self._fail, operation, number, connection_lost)

        who = None if call.user is None else ByCertificate(call.user)
        operation.host.request(asked, answer, lost, who)

    def _answered(self, operation: _Operation, number: int, body: ApiResponse | ApiError) -> None:
        if isinstance(body, ApiError):
            self._fail(operation, number, lambda: refused(body))
        elif operation.is_open and number == operation.call_number:
            self._proceed(operation, operation.conversation.answered(body))

    def _fail(self, operation: _Operation, number: int, failure: Callable[[], CallError]) -> None:
        if operation.is_open and number == operation.call_number:
            self._proceed(operation, operation.conversation.failed(failure()))

    def _delay(self) -> int:
        return self._delay_ns_min + int(self._random.random() * self._delay_ns_spread)


def _simulated(request: Request) -> ApiRequest:
    assert not isinstance(request, Maintenance), "nobody asks a simulated node for this"
    return request


_ANSWER_TO: Final[dict[type[ApiRequest], type[ApiResponse]]] = {
    RangeRequest: RangeResponse,
    PutRequest: PutResponse,
    DeleteRangeRequest: DeleteRangeResponse,
    TxnRequest: TxnResponse,
    CompactionRequest: CompactionResponse,
    LeaseGrantRequest: LeaseGrantResponse,
    LeaseRevokeRequest: LeaseRevokeResponse,
    LeaseKeepAliveRequest: LeaseKeepAliveResponse,
    LeaseTimeToLiveRequest: LeaseTimeToLiveResponse,
    LeaseLeasesRequest: LeaseLeasesResponse,
    AlarmRequest: AlarmResponse,
    MemberListRequest: MemberListResponse,
    **dict(zip(get_args(AuthRequest), get_args(AuthResponse), strict=False)),
}


def _check_kind(host: Host, request: ApiRequest, body: ApiResponse | ApiError) -> None:
    """Require an answer of the kind that was asked for: gRPC could not even carry another."""
    if not isinstance(body, (ApiError, _ANSWER_TO[type(request)])):
        raise Breach(
            "Answers of the kind asked for (boundary)",
            f"{host.name} answered a {type(request).__name__} with a {type(body).__name__}",
        )
