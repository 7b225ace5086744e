"""Clients that watch, in the simulation: streams over the network of the clients.

A stream behaves like one connection: what is sent first arrives first, either way. What arrives
while its client does not read waits in a buffer, and takes the room that the node was given.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVarTuple, assert_never

from checkers.watch_history import End
from harness.environments.simulation.host import Host
from harness.environments.simulation.kernel import Kernel
from harness.environments.simulation.oracle import Breach
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
from nodeimpl.ids import Instant

Arguments = TypeVarTuple("Arguments")

_ROOMS_BYTES: Final = (300, 2_000, 1 << 20)
"""How much is under way to a client at most, drawn anew for every stream."""


class _Connection:
    """One stream, from its client's side."""

    __slots__ = (
        "buffer",
        "client",
        "down_at",
        "host",
        "host_stream",
        "is_open",
        "is_reading",
        "number",
        "room_bytes",
        "up_at",
    )

    def __init__(self, client: WatchClient, number: int, host: Host, room_bytes: int) -> None:
        self.client = client
        self.number = number
        self.host = host
        self.room_bytes = room_bytes
        self.host_stream: int | None = None
        """What the host calls it; None until it has arrived there."""
        self.is_open = True
        """Whether the client still cares."""
        self.is_reading = True
        self.buffer: deque[WatchResponse] = deque()
        """Arrived, and not read yet."""
        self.up_at = 0
        """When the last thing sent to the host arrives."""
        self.down_at = 0
        """When the last thing sent to the client arrives."""


class SimulatedWatchers:
    """Wakes the clients of a fleet in virtual time, and does what they ask for."""

    def __init__(
        self,
        kernel: Kernel,
        fleet: WatchFleet,
        hosts: dict[str, Host],
        random: Random,
        *,
        delay_ns_min: int,
        delay_ns_max: int,
    ) -> None:
        self._kernel = kernel
        self.fleet = fleet
        self._hosts = hosts
        self._random = random
        self._delay_ns_min = delay_ns_min
        self._delay_ns_spread = delay_ns_max - delay_ns_min
        self._connections: dict[int, _Connection] = {}
        """By the clients' numbers; only those that are open."""
        self._armed: dict[WatchClient, int] = {}
        """When each client is woken next."""

    def start(self) -> None:
        """Let the clients begin."""
        for client in self.fleet.clients:
            self._arm(client)

    def finish(self, revision: int) -> None:
        """Let the clients wait for everything up to `revision`, and do nothing else."""
        for client in self.fleet.clients:
            self._carry_out(client, client.finish(self._now, revision))

    @property
    def have_heard_all(self) -> bool:
        """Whether every client knows that it was told of everything."""
        return all(client.has_heard_all for client in self.fleet.clients)

    def end(self, revision: int, waited_ns: int) -> End:
        """Return the record that closes the trial."""
        return End(time=self._now, revision=revision, waited_ns=waited_ns)

    @property
    def _now(self) -> Instant:
        return Instant(self._kernel.now)

    def _arm(self, client: WatchClient) -> None:
        when = max(client.deadline, self._kernel.now)
        if self._armed.get(client) != when:
            self._armed[client] = when
            self._kernel.at(when, self._wake, client, when)

    def _wake(self, client: WatchClient, when: int) -> None:
        if self._armed.get(client) == when:
            del self._armed[client]
            self._carry_out(client, client.wake(self._now))

    def _carry_out(self, client: WatchClient, moves: Sequence[Move]) -> None:
        for move in moves:
            match move:
                case OpenStream(stream=stream, node=node):
                    self._open(client, stream, node)
                case SendRequest(stream=stream, request=request):
                    connection = self._connections[stream]
                    self._up(connection, self._ask, connection, request)
                case ReadStream(stream=stream, is_reading=is_reading):
                    self._connections[stream].is_reading = is_reading
                    self._read(self._connections[stream])
                case CloseStream(stream=stream):
                    connection = self._connections.pop(stream)
                    connection.is_open = False
                    self._up(connection, self._close, connection)
                case _:
                    assert_never(move)
        self._arm(client)

    # ------------------------------------------------------------ to the host
    def _open(self, client: WatchClient, number: int, node: str) -> None:
        room_bytes = _ROOMS_BYTES[int(self._random.random() * len(_ROOMS_BYTES))]
        connection = _Connection(client, number, self._hosts[node], room_bytes)
        self._connections[number] = connection
        self._up(connection, self._arrive, connection)

    def _arrive(self, connection: _Connection) -> None:
        if not connection.host.is_running:
            self._down(connection, self._break, connection, "connection refused")
            return

        def receive(response: WatchResponse) -> None:
            self._down(connection, self._receive, connection, response)

        def lost() -> None:
            self._down(connection, self._break, connection, "connection lost")

        streams = connection.host.streams
        connection.host_stream = streams.open(connection.room_bytes, receive, lost)

    def _ask(self, connection: _Connection, request: WatchRequest) -> None:
        if connection.host_stream is not None:
            connection.host.streams.ask(connection.host_stream, request)

    def _drained(self, connection: _Connection, taken_bytes: int) -> None:
        if connection.host_stream is not None:
            connection.host.streams.drained(connection.host_stream, taken_bytes)

    def _close(self, connection: _Connection) -> None:
        if connection.host_stream is not None:
            connection.host.streams.close(connection.host_stream)

    # ------------------------------------------------------------ to the client
    def _receive(self, connection: _Connection, response: WatchResponse) -> None:
        connection.buffer.append(response)
        self._read(connection)

    def _read(self, connection: _Connection) -> None:
        """Let the client read what has arrived, unless it does not wish to."""
        while connection.is_open and connection.is_reading and connection.buffer:
            response = connection.buffer.popleft()
            try:
                connection.client.received(self._now, connection.number, response)
            except UnexpectedResponse as error:
                where = f"{connection.host.name} on stream {connection.number}"
                raise Breach("Watch (etcd, api: WatchResponse)", f"{where}: {error}") from error
            self._up(connection, self._drained, connection, response.ByteSize())

    def _break(self, connection: _Connection, error: str) -> None:
        if connection.is_open:
            connection.is_open = False
            del self._connections[connection.number]
            connection.client.broke(self._now, connection.number, error)
            self._arm(connection.client)

    # ------------------------------------------------------------ the network
    def _up(
        self, connection: _Connection, then: Callable[[*Arguments], None], *arguments: *Arguments
    ) -> None:
        """Do something at the host when what is sent now has arrived there."""
        connection.up_at = max(connection.up_at, self._kernel.now + self._delay())
        self._kernel.at(connection.up_at, then, *arguments)

    def _down(
        self, connection: _Connection, then: Callable[[*Arguments], None], *arguments: *Arguments
    ) -> None:
        """Do something at the client when what is sent now has arrived there."""
        connection.down_at = max(connection.down_at, self._kernel.now + self._delay())
        self._kernel.at(connection.down_at, then, *arguments)

    def _delay(self) -> int:
        return self._delay_ns_min + int(self._random.random() * self._delay_ns_spread)
