"""The streams of watches that one daemon has open, and who is at their other end."""

from collections.abc import Callable

from harness.environments.simulation.oracle import Breach
from nodeimpl.api.rpc_pb2 import WatchRequest, WatchResponse
from nodeimpl.boundary import (
    CloseWatchStream,
    OpenWatchStream,
    WatchInput,
    WatchStreamDrained,
    WatchStreamRequest,
)

Receiver = Callable[[WatchResponse], None]
"""Called with every response, in order."""

StreamLost = Callable[[], None]
"""Called when the daemon dies."""


class WatchStreams:
    """Streams by the host's own numbers, which are never used again.

    Clients call when what they send arrives.
    """

    __slots__ = ("_give", "_last_stream", "_name", "_open")

    def __init__(self, name: str, give: Callable[[WatchInput], None]) -> None:
        """`give` hands an input to the daemon."""
        self._name = name
        self._give = give
        self._open: dict[int, tuple[Receiver, StreamLost]] = {}
        self._last_stream = 0

    def open(self, room_bytes: int, receive: Receiver, lost: StreamLost) -> int:
        """Return the number of a new stream, whose client can be sent so much for now.

        The daemon must be running.
        """
        self._last_stream += 1
        self._open[self._last_stream] = (receive, lost)
        self._give(OpenWatchStream(self._last_stream, room_bytes))
        return self._last_stream

    def ask(self, stream: int, request: WatchRequest) -> None:
        """Take what the client sends on a stream; nothing if that has been lost."""
        if stream in self._open:
            self._give(WatchStreamRequest(stream, request))

    def drained(self, stream: int, taken_bytes: int) -> None:
        """Note that the client of a stream has got so much; nothing if that has been lost."""
        if stream in self._open:
            self._give(WatchStreamDrained(stream, taken_bytes))

    def close(self, stream: int) -> None:
        """Take the end of a stream by its client. What is still on its way to it is dropped."""
        if self._open.pop(stream, None) is not None:
            self._give(CloseWatchStream(stream))

    def respond(self, stream: int, body: WatchResponse) -> None:
        """Hand a response on."""
        if not 0 < stream <= self._last_stream:
            raise Breach(
                "One stream per answer (boundary)",
                f"{self._name} answers on stream {stream}, which nobody opened: {body}",
            )
        receiver = self._open.get(stream)
        if receiver is not None:
            receive, _ = receiver
            receive(body)

    def lose_all(self) -> list[StreamLost]:
        """Forget all streams, for the daemon has died; return whom to tell."""
        lost = [tell for _, tell in self._open.values()]
        self._open.clear()
        return lost
