"""Clients in real time: they step the interpreter and do what it dispatches, over gRPC."""

import asyncio
from collections.abc import Callable, Mapping

from harness.client import Call, Client, Completion, Conversation
from harness.environments.real_time.clock import TrialClock
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.failures import exact
from harness.errors import CallError
from harness.interpreter import Dispatch, Exhausted, Interpreter, Wait
from nodeimpl.ids import SECOND, Instant


class RealTimeClients:
    """One task for each operation in flight. Lives in one event loop."""

    def __init__(
        self,
        clock: TrialClock,
        interpreter: Interpreter,
        client: Client,
        endpoints: Mapping[str, Endpoint],
        alarm: Callable[[], int | None],
    ) -> None:
        """`alarm` tells which alarm for want of space is known to be in force (`StoreKeeper`)."""
        self._clock = clock
        self._interpreter = interpreter
        self._client = client
        self._endpoints = endpoints
        self._alarm = alarm
        self._tasks: dict[int, asyncio.Task[None]] = {}
        """By thread."""
        self._wake: asyncio.TimerHandle | None = None
        self._wake_until: Instant | None = None
        """For when it is set; None if it is not."""
        self._error: BaseException | None = None
        self.is_exhausted = False
        """Whether the interpreter's generator is done and nothing is in flight."""

    def step(self, thread: int | None = None) -> Dispatch | None:
        """Start whatever is to be started now.

        What `thread` is to do is returned instead: its task goes on with that.
        """
        self.is_exhausted = False
        own: Dispatch | None = None
        while True:
            match self._interpreter.step(self._clock.now()):
                case Dispatch() as dispatch if dispatch.thread == thread:
                    own = dispatch
                case Dispatch() as dispatch:
                    task = asyncio.create_task(self._converse(dispatch))
                    self._tasks[dispatch.thread] = task
                    task.add_done_callback(self._finished)
                case Wait(until=until):
                    self._wake_at(until)
                    return own
                case Exhausted():
                    self.is_exhausted = True
                    return own

    def raise_error(self) -> None:
        """Raise what went wrong in a client of ours, if anything did: a bug, never the store's."""
        if self._error is not None:
            raise self._error

    async def abandon(self) -> None:
        """Give up every operation in flight: its outcome stays unknown."""
        if self._wake is not None:
            self._wake.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._interpreter.retire_open(self._clock.now())

    def _wake_at(self, until: Instant | None) -> None:
        """Step again at `until`, or only when something completes. Most steps wait as before."""
        if until == self._wake_until:
            return
        self._wake_until = until
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if until is not None:
            delay_s = max(0, until - self._clock.now()) / SECOND
            self._wake = asyncio.get_running_loop().call_later(delay_s, self._on_wake)

    def _on_wake(self) -> None:
        self._wake = self._wake_until = None
        self._guarded_step()

    def _guarded_step(self) -> None:
        """Step on behalf of the event loop, which would swallow an error."""
        try:
            self.step()
        except Exception as error:  # noqa: BLE001 - raised again where the trial is conducted
            self._error = self._error or error

    async def _converse(self, dispatch: Dispatch) -> None:
        """Carry out one operation of a thread after the other, as long as there are some."""
        following: Dispatch | None = dispatch
        while following is not None:
            completion = await self._carry_out(following)
            self._interpreter.complete(self._clock.now(), dispatch.thread, completion)
            following = self.step(dispatch.thread)
        del self._tasks[dispatch.thread]

    async def _carry_out(self, dispatch: Dispatch) -> Completion:
        """Carry out one operation, from its first call to its completion."""
        endpoint = self._endpoints[dispatch.node]
        conversation = Conversation(self._client, dispatch.op)
        try:
            following = conversation.start()
            while isinstance(following, Call):
                following = await self._follow(endpoint, conversation, following)
        except asyncio.CancelledError:
            conversation.close()
            raise
        return following

    async def _follow(
        self, endpoint: Endpoint, conversation: Conversation, call: Call
    ) -> Call | Completion:
        """Make one call, and return what comes after it."""
        if call.delay_ns:
            await asyncio.sleep(call.delay_ns / SECOND)
        alarm = self._alarm()
        try:
            response = await endpoint.call(call.request, call.timeout_ns)
        except CallError as error:
            return conversation.failed(exact(error, alarm, self._alarm()))
        return conversation.answered(response)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
