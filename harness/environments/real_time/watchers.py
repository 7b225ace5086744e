"""Clients that watch, in real time: one stream each, over a connection of its own.

A connection of its own, with little room, lets a client that reads slowly be felt by the node and
by nobody else: what it does not read fills the window of HTTP/2, and then the node must wait.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, assert_never

import grpc

from checkers.watch_history import End
from harness.environments.real_time.clock import TrialClock
from harness.environments.real_time.failures import failure_of
from harness.environments.real_time.outcome import Stuck
from harness.watch_client import (
    CloseStream,
    Move,
    OpenStream,
    ReadStream,
    SendRequest,
    UnexpectedResponse,
    WatchClient,
)
from harness.watch_fleet import WatchFleet
from nodeimpl.api.rpc_pb2 import WatchRequest, WatchResponse
from nodeimpl.ids import SECOND

_OPTIONS: Final[Sequence[tuple[str, int]]] = (
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 16_384),
)


class _Connection:
    """One stream under way, from its client's side."""

    def __init__(self, client: WatchClient, number: int, node: str) -> None:
        self.client = client
        self.number = number
        self.node = node
        self.outgoing: asyncio.Queue[WatchRequest] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()


class RealTimeWatchers:
    """Wakes the clients of a fleet by the clock, and does what they ask for."""

    def __init__(self, clock: TrialClock, fleet: WatchFleet, addresses: Mapping[str, str]) -> None:
        """`addresses` are the nodes' for clients."""
        self.fleet: Final = fleet
        self._clock = clock
        self._addresses = addresses
        self._connections: dict[int, _Connection] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._alarms: dict[WatchClient, asyncio.TimerHandle] = {}
        self._error: BaseException | None = None

    def start(self) -> None:
        """Let the clients begin."""
        for client in self.fleet.clients:
            self._arm(client)

    def finish(self, revision: int) -> None:
        """Let the clients wait for everything up to `revision`, and do nothing else."""
        for client in self.fleet.clients:
            self._carry_out(client, client.finish(self._clock.now(), revision))

    @property
    def have_heard_all(self) -> bool:
        """Whether every client knows that it was told of everything."""
        return all(client.has_heard_all for client in self.fleet.clients)

    def end(self, revision: int, waited_ns: int) -> End:
        """Return the record that closes the trial."""
        return End(time=self._clock.now(), revision=revision, waited_ns=waited_ns)

    def raise_error(self) -> None:
        """Raise what went wrong: `Stuck` if a node sent what it must not, else a bug of ours."""
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """End every stream."""
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------ clients
    def _arm(self, client: WatchClient) -> None:
        alarm = self._alarms.pop(client, None)
        if alarm is not None:
            alarm.cancel()
        delay_s = max(0, client.deadline - self._clock.now()) / SECOND
        loop = asyncio.get_running_loop()
        self._alarms[client] = loop.call_later(delay_s, self._wake, client)

    def _wake(self, client: WatchClient) -> None:
        try:
            self._carry_out(client, client.wake(self._clock.now()))
        except Exception as error:  # noqa: BLE001 - raised again where the trial is conducted
            self._error = self._error or error

    def _carry_out(self, client: WatchClient, moves: Sequence[Move]) -> None:
        for move in moves:
            match move:
                case OpenStream(stream=stream, node=node):
                    self._open(client, stream, node)
                case SendRequest(stream=stream, request=request):
                    self._connections[stream].outgoing.put_nowait(request)
                case ReadStream(stream=stream, is_reading=is_reading):
                    reading = self._connections[stream].reading
                    reading.set() if is_reading else reading.clear()
                case CloseStream(stream=stream):
                    del self._connections[stream]
                    self._tasks[stream].cancel()
                case _:
                    assert_never(move)
        self._arm(client)

    def _open(self, client: WatchClient, stream: int, node: str) -> None:
        connection = self._connections[stream] = _Connection(client, stream, node)
        task = self._tasks[stream] = asyncio.create_task(self._run(connection))
        task.add_done_callback(lambda ended: self._ended(stream, ended))

    def _ended(self, stream: int, task: asyncio.Task[None]) -> None:
        del self._tasks[stream]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error

    # ------------------------------------------------------------ one stream
    async def _run(self, connection: _Connection) -> None:
        """Carry one stream until it breaks or its client closes it."""
        address = self._addresses[connection.node]
        async with grpc.aio.insecure_channel(address, options=list(_OPTIONS)) as channel:
            watch: grpc.aio.StreamStreamMultiCallable[WatchRequest, WatchResponse] = (
                channel.stream_stream(
                    "/etcdserverpb.Watch/Watch",
                    request_serializer=WatchRequest.SerializeToString,
                    response_deserializer=WatchResponse.FromString,
                )
            )
            call = watch()
            sending = asyncio.create_task(_send(call, connection.outgoing))
            try:
                broke = await self._read(connection, call)
            finally:
                sending.cancel()
                call.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        if self._connections.pop(connection.number, None) is not None:
            connection.client.broke(self._clock.now(), connection.number, broke)
            self._arm(connection.client)

    async def _read(
        self,
        connection: _Connection,
        call: grpc.aio.StreamStreamCall[WatchRequest, WatchResponse],
    ) -> str:
        """Hand the client what comes, as long as it reads; return how the stream broke."""
        while True:
            await connection.reading.wait()
            try:
                response = await call.read()
            except grpc.aio.AioRpcError as error:
                return str(failure_of(error))
            if not isinstance(response, WatchResponse):
                return "the node ended the stream"
            await connection.reading.wait()  # It may have stopped reading while this was coming.
            try:
                connection.client.received(self._clock.now(), connection.number, response)
            except UnexpectedResponse as error:
                where = f"{connection.node} on stream {connection.number}"
                raise Stuck(
                    "watch", "Watch (etcd, api: WatchResponse)", f"{where}: {error}"
                ) from error


async def _send(
    call: grpc.aio.StreamStreamCall[WatchRequest, WatchResponse],
    outgoing: asyncio.Queue[WatchRequest],
) -> None:
    """Send what the client asks, in order; a stream that breaks is noticed by who reads."""
    while True:
        request = await outgoing.get()
        try:
            await call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return
