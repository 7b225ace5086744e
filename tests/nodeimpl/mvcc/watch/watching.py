"""A store and the hub over it, and what every stream's client has received."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nodeimpl.api.kv_pb2 import Event
from nodeimpl.api.requests import CommandRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    PutRequest,
    WatchCancelRequest,
    WatchCreateRequest,
    WatchProgressRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.config import StoreConfig, WatchConfig
from nodeimpl.ids import Instant, LogIndex, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.snapshot import encode_snapshot, install_snapshot
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.watch.hub import WatchHub
from nodeimpl.storage.memory_backend import MemoryBackend

ROOM = 1 << 30
"""More than any test sends."""

NOW = Instant(0)

Told = tuple[str, bytes, int]
"""An event in short: put or delete, the key, the revision."""


@dataclass(slots=True)
class Watching:
    """Stream 0 is open and has room; `received` holds what came on each stream, in order."""

    config: WatchConfig = field(default_factory=WatchConfig)
    backend: MemoryBackend = field(default_factory=MemoryBackend)
    now: Instant = NOW
    room_bytes: int = ROOM
    received: dict[int, list[WatchResponse]] = field(default_factory=dict)
    store: Store = field(init=False)
    hub: WatchHub = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.backend, StoreConfig(compaction_batch_rows=1))
        self.hub = WatchHub(self.config, self.store.state)
        self.open(0, self.room_bytes)

    def open(self, stream: int, room_bytes: int = ROOM) -> None:
        self.hub.open(stream, room_bytes)
        self.received[stream] = []

    def serve(self) -> list[WatchResponse]:
        """Serve once; return what came, on whatever stream."""
        replies = self.hub.serve(self.now)
        for reply in replies:
            self.received[reply.stream].append(reply.body)
        return [reply.body for reply in replies]

    def settle(self) -> None:
        """Serve until nobody can be brought any closer."""
        self.serve()
        while self.hub.deadline == self.now:
            self.serve()

    def apply(self, *requests: CommandRequest) -> list[WatchResponse]:
        """Apply the requests as one commit, then serve."""
        for request in requests:
            self.store.apply(request)
        return self.serve()

    def put(self, *keys: bytes, value: bytes = b"") -> list[WatchResponse]:
        return self.apply(*(PutRequest(key=key, value=value) for key in keys))

    def delete(self, *keys: bytes) -> list[WatchResponse]:
        return self.apply(*(DeleteRangeRequest(key=key) for key in keys))

    def compact(self, revision: int) -> list[WatchResponse]:
        """Compact, serve, and then remove what is superseded."""
        responses = self.apply(CompactionRequest(revision=revision))
        while self.store.compact_step():
            pass
        return responses

    def create(self, request: WatchCreateRequest, *, stream: int = 0) -> list[WatchResponse]:
        self.hub.ask(stream, WatchRequest(create_request=request))
        return self.serve()

    def watch(self, key: bytes, start_revision: int = 0, *, stream: int = 0) -> int:
        """Watch one key; return the watch id, and forget the answer."""
        request = WatchCreateRequest(key=key, start_revision=start_revision)
        return self.created(request, stream=stream)

    def created(self, request: WatchCreateRequest, *, stream: int = 0) -> int:
        """Create a watcher; return its id, and leave the answer out of `received`."""
        answer, *_ = self.create(request, stream=stream)
        assert answer.created
        assert not answer.canceled
        self.received[stream].remove(answer)
        return answer.watch_id

    def cancel(self, watch_id: int) -> list[WatchResponse]:
        request = WatchRequest(cancel_request=WatchCancelRequest(watch_id=watch_id))
        self.hub.ask(0, request)
        return self.serve()

    def ask_progress(self) -> list[WatchResponse]:
        self.hub.ask(0, WatchRequest(progress_request=WatchProgressRequest()))
        return self.serve()

    def drained(self, taken_bytes: int, *, stream: int = 0) -> None:
        self.hub.drained(stream, taken_bytes)

    def told(self, watch_id: int, *, stream: int = 0) -> list[Told]:
        """Return all events that a watcher has been told of."""
        return [
            told
            for response in self.received[stream]
            if response.watch_id == watch_id
            for told in in_short(response.events)
        ]

    def install(self, other: "Watching", index: int) -> None:
        """Put the store of `other` in the place of this one, as a snapshot does."""
        other.backend.seal(Applied(LogIndex(index), Term(1)))
        install_snapshot(self.backend, encode_snapshot(other.backend))
        self.store = Store(self.backend, StoreConfig(compaction_batch_rows=1))
        self.hub.restored(self.store.state)

    @property
    def revision(self) -> Revision:
        return self.store.revision


def in_short(events: Iterable[Event]) -> list[Told]:
    return [
        ("delete" if event.type == Event.DELETE else "put", event.kv.key, event.kv.mod_revision)
        for event in events
    ]
