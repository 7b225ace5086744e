"""What enters a node about streams of watches, on its way to their hub; and who watches."""

from collections.abc import Callable, Sequence
from typing import assert_never

from nodeimpl.api.errors import ApiError
from nodeimpl.api.rpc_pb2 import ResponseHeader, WatchRequest
from nodeimpl.authorization import Authorization, watch_admission
from nodeimpl.boundary import (
    CloseWatchStream,
    Credentials,
    OpenWatchStream,
    WatchInput,
    WatchStreamDrained,
    WatchStreamRequest,
)
from nodeimpl.ids import Instant, LogIndex
from nodeimpl.mvcc.auth.book import AuthBook
from nodeimpl.mvcc.watch.hub import WatchHub, watched_keys
from nodeimpl.mvcc.watch.responses import WatchReply


class WatchDesk:
    """Lets the hub know; what follows from it, its `serve` says."""

    __slots__ = ("_authorization", "_credentials", "_hub")

    def __init__(self, hub: WatchHub, authorization: Authorization) -> None:
        self._hub = hub
        self._authorization = authorization
        self._credentials: dict[int, Credentials] = {}
        """Of the open streams whose clients have shown any."""

    def take(
        self, now: Instant, given: WatchInput, book: AuthBook, applied_index: LogIndex
    ) -> None:
        """Take an input, while users are those of `book` as of `applied_index`."""
        match given:
            case OpenWatchStream(stream=stream, room_bytes=room_bytes, credentials=credentials):
                self._hub.open(stream, room_bytes)
                if credentials is not None:
                    self._credentials[stream] = credentials
            case WatchStreamRequest(stream=stream, body=body):
                user, refusal = None, None
                if book.enabled and body.HasField("create_request"):
                    user, refusal = self._admit(now, stream, body, book, applied_index)
                self._hub.ask(stream, body, user=user, refusal=refusal)
            case WatchStreamDrained(stream=stream, taken_bytes=taken_bytes):
                self._hub.drained(stream, taken_bytes)
            case CloseWatchStream(stream=stream):
                self._hub.close(stream)
                self._credentials.pop(stream, None)
            case _:
                assert_never(given)

    def serve(self, now: Instant, head: Callable[[ResponseHeader], None]) -> Sequence[WatchReply]:
        """Tell watchers what the input has changed, and bring those behind a step closer.

        `head` says in a response who answers.
        """
        replies = self._hub.serve(now)
        for reply in replies:
            head(reply.body.header)
        return replies

    def _admit(
        self,
        now: Instant,
        stream: int,
        body: WatchRequest,
        book: AuthBook,
        applied_index: LogIndex,
    ) -> tuple[str | None, ApiError | None]:
        """Return who wants to create a watcher, and why they may not."""
        credentials = self._credentials.get(stream)
        admission = self._authorization.admit(now, book, applied_index, credentials)
        return watch_admission(admission, book, watched_keys(body.create_request))
