"""What enters a node about streams of watches, on its way to their hub."""

from typing import assert_never

from nodeimpl.boundary import (
    CloseWatchStream,
    OpenWatchStream,
    WatchInput,
    WatchStreamDrained,
    WatchStreamRequest,
)
from nodeimpl.mvcc.watch.hub import WatchHub


def take_watch_input(hub: WatchHub, given: WatchInput) -> None:
    """Let the hub know; what follows from it, its `serve` says."""
    match given:
        case OpenWatchStream(stream=stream, room_bytes=room_bytes):
            hub.open(stream, room_bytes)
        case WatchStreamRequest(stream=stream, body=body):
            hub.ask(stream, body)
        case WatchStreamDrained(stream=stream, taken_bytes=taken_bytes):
            hub.drained(stream, taken_bytes)
        case CloseWatchStream(stream=stream):
            hub.close(stream)
        case _:
            assert_never(given)
