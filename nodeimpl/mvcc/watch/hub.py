"""The hub: all streams of watchers of one node, and how each comes to know what changed.

etcd promises of the events of one watch (api_guarantees): *ordered* by revision, *unique*,
*reliable* (none missing between two that came), *atomic* (a revision comes whole), *resumable*
(from the last revision seen, as long as it is not compacted), *bookmarkable* (a progress
notification tells that all before it has come).

Synced watchers are told of changes when the store has applied them. One whose stream has no room,
or that starts in the past, is behind: it is told from history, which the store keeps anyway, so
nothing is queued for anybody. What a slow client costs is `room_bytes` and one response over it.
When compaction passes a watcher that is behind, what it lacks is gone, and it is canceled with
the first revision that is left.

Sans-IO: `serve` returns what to send; the driver says with `drained` what it got rid of.
"""

from collections.abc import Callable, Sequence

from nodeimpl.api.errors import TOO_MANY_REQUESTS, ApiError
from nodeimpl.api.kv_pb2 import Event
from nodeimpl.api.rpc_pb2 import WatchCreateRequest, WatchRequest, WatchResponse
from nodeimpl.config import WatchConfig
from nodeimpl.ids import Instant, Revision
from nodeimpl.mvcc.key_ranges import KeyRange, key_range
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.watch import responses
from nodeimpl.mvcc.watch.changes import Batch, event_of, read_batch
from nodeimpl.mvcc.watch.responses import WatchReply
from nodeimpl.mvcc.watch.watchers import Stream, Watcher, WatcherSet

FIRST_KEY = b"\0"
"""What a watch without a key means (etcd): together with a range end, all keys."""


class WatchHub:
    """Serves the watchers of one node from its store."""

    def __init__(self, config: WatchConfig, state: StoreState) -> None:
        self._config = config
        self._state = state
        self.streams: dict[int, Stream] = {}
        """By the driver's ids. Without any there is nothing to serve."""
        self._synced = WatcherSet()
        self._behind: dict[Watcher, None] = {}
        """Watchers that are behind and whose stream had room, the next to be served first."""
        self._told = state.revision
        """Synced watchers have been told of all that changed up to this revision."""
        self._compacted = state.compaction.revision
        """No watcher behind lacks a revision before this one."""
        self._asked_progress: dict[Stream, None] = {}
        self.event_count = 0
        """Events told so far, for monitoring."""
        self._watcher_count = 0
        self._notified_count = 0
        """Watchers that wish progress notifications."""
        self._progress_at: Instant | None = None
        """When to send them; None if nobody wishes any."""
        self.deadline: Instant | None = None
        """When `serve` must be called again at the latest; None for when there is news."""
        self._replies: list[WatchReply] = []

    @property
    def watcher_count(self) -> int:
        """How many watchers there are."""
        return self._watcher_count

    @property
    def lagging_count(self) -> int:
        """How many of them are behind."""
        return self._watcher_count - len(self._synced)

    # ------------------------------------------------------------ what clients do
    def open(self, stream_id: int, room_bytes: int) -> None:
        """Begin a stream, whose client may be sent so much for now. Ids are never used again."""
        assert stream_id not in self.streams, f"stream {stream_id} is opened twice"
        self.streams[stream_id] = Stream(stream_id, room_bytes)

    def close(self, stream_id: int) -> None:
        """End a stream and all its watchers; one that is not there has ended already."""
        stream = self.streams.pop(stream_id, None)
        if stream is None:
            return
        for watcher in list(stream.watchers.values()):
            self._drop(watcher)
        self._asked_progress.pop(stream, None)
        if not self.streams:
            self.deadline = self._progress_at = None
        self._replies = [reply for reply in self._replies if reply.stream != stream_id]

    def drained(self, stream_id: int, taken_bytes: int) -> None:
        """Note that the client of a stream can be sent so much more."""
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        stream.room_bytes += taken_bytes
        if stream.room_bytes > 0 and stream.waiting:
            self._behind.update(stream.waiting)
            stream.waiting.clear()

    def ask(
        self,
        stream_id: int,
        request: WatchRequest,
        *,
        user: str | None = None,
        refusal: ApiError | None = None,
    ) -> None:
        """Take a request of a stream's client; `refusal` says why it may not watch these keys."""
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        self._follow()  # So that a new watcher starts behind what others are told.
        match request.WhichOneof("request_union"):
            case "create_request":
                self._create(stream, request.create_request, user, refusal)
            case "cancel_request":
                self._cancel(stream, request.cancel_request.watch_id)
            case "progress_request":
                self._asked_progress[stream] = None
            case _:
                pass  # A request that asks for nothing, or for what only later versions know.

    def recheck(self, objection: Callable[[str | None, KeyRange], ApiError | None]) -> None:
        """Cancel every watcher to which there is an objection, now that users' rights changed."""
        self._follow()
        for stream in self.streams.values():
            for watcher in list(stream.watchers.values()):
                error = objection(watcher.user, watcher.keys)
                if error is not None:
                    self._end(watcher, responses.reason_of(error))

    def _create(
        self,
        stream: Stream,
        request: WatchCreateRequest,
        user: str | None,
        refusal: ApiError | None,
    ) -> None:
        keys = watched_keys(request)
        reason = self._objection(stream, request.watch_id, keys, refusal)
        if reason is not None:
            self._send(stream, responses.refused(self._told, reason))
            return
        watcher = Watcher(
            stream=stream,
            watch_id=request.watch_id or _free_id(stream),
            keys=keys,
            start_revision=Revision(request.start_revision),
            next_revision=first_revision(request, self._told),
            prev_kv=request.prev_kv,
            fragment=request.fragment,
            progress_notify=request.progress_notify,
            no_put=WatchCreateRequest.NOPUT in request.filters,
            no_delete=WatchCreateRequest.NODELETE in request.filters,
            user=user,
        )
        stream.watchers[watcher.watch_id] = watcher
        self._watcher_count += 1
        self._notified_count += watcher.progress_notify
        self._send(stream, responses.created(self._told, watcher.watch_id))
        self._place(watcher)
        self._cancel_compacted([watcher])

    def _objection(
        self, stream: Stream, watch_id: int, keys: KeyRange, refusal: ApiError | None
    ) -> str | None:
        """Return why a watcher cannot be created; None if it can."""
        if refusal is not None:
            return responses.reason_of(refusal)
        if keys.is_empty:
            return responses.EMPTY_RANGE
        if watch_id in stream.watchers and watch_id != 0:
            return responses.DUPLICATE_ID
        if self._watcher_count >= self._config.watchers_max:
            return responses.reason_of(TOO_MANY_REQUESTS)
        return None

    def _cancel(self, stream: Stream, watch_id: int) -> None:
        """End a watcher as its client wishes; one that is not there is not spoken of (as etcd)."""
        watcher = stream.watchers.get(watch_id)
        if watcher is not None:
            self._end(watcher)

    def _end(self, watcher: Watcher, reason: str = "") -> None:
        self._drop(watcher)
        self._send(watcher.stream, responses.canceled(self._told, watcher.watch_id, reason))

    def _drop(self, watcher: Watcher) -> None:
        """Forget a watcher."""
        self._displace(watcher)
        del watcher.stream.watchers[watcher.watch_id]
        self._watcher_count -= 1
        self._notified_count -= watcher.progress_notify

    # ------------------------------------------------------------ where watchers stand
    def _place(self, watcher: Watcher) -> None:
        """Put a watcher, which stands nowhere, among the synced or those behind."""
        if watcher.next_revision > self._told:
            watcher.is_synced = True
            self._synced.add(watcher)
        elif watcher.stream.room_bytes > 0:
            self._behind[watcher] = None
        else:
            watcher.stream.waiting[watcher] = None

    def _displace(self, watcher: Watcher) -> None:
        """Undo `_place`."""
        if watcher.is_synced:
            watcher.is_synced = False
            self._synced.remove(watcher)
        else:
            self._behind.pop(watcher, None)
            watcher.stream.waiting.pop(watcher, None)

    # ------------------------------------------------------------ what the store does
    def restored(self, state: StoreState) -> None:
        """Go on with another store, which a snapshot has put in the place of the one before.

        Nobody was told how it came to be what it is, so every watcher reads on from its own next
        revision: not from the store's, which would lose events, nor from an older one, which would
        go back in time (etcd #15271).
        """
        unaware = Revision(self._told + 1)
        self._state = state
        self._told = max(self._told, state.revision)
        for stream in self.streams.values():
            for watcher in stream.watchers.values():
                if watcher.is_synced:
                    self._displace(watcher)
                    watcher.next_revision = max(watcher.next_revision, unaware)
                    self._place(watcher)

    def serve(self, now: Instant) -> Sequence[WatchReply]:
        """Return what to send now that inputs were handled.

        One batch of history at most is read: whoever is still behind then has `deadline` at once.
        """
        self._follow()
        if self._behind:
            self._catch_up()
        if self._notified_count:
            self._notify_progress(now)
        else:
            self._progress_at = None
        if self._asked_progress:
            self._answer_progress()
        self.deadline = now if self._behind else self._progress_at
        replies, self._replies = self._replies, []
        return replies

    def _follow(self) -> None:
        """Tell synced watchers what the store has applied; nothing if there is nothing new."""
        state = self._state
        if state.compaction.revision != self._compacted:
            self._compacted = state.compaction.revision
            for stream in self.streams.values():
                self._cancel_compacted(list(stream.watchers.values()))
        if not len(self._synced):
            self._told = state.revision
        late: list[Watcher] = []
        while self._told < state.revision:
            since = Revision(self._told + 1)
            batch = self._read(since)
            self._told = batch.until
            for watcher in self._tell(self._synced, batch):
                self._displace(watcher)
                watcher.next_revision = max(watcher.next_revision, since)
                self._place(watcher)
                late.append(watcher)
        self._cancel_compacted(late)  # Compaction may have come among what they had no room for.

    def _cancel_compacted(self, watchers: Sequence[Watcher]) -> None:
        """End those of the watchers for which there is no history any more."""
        for watcher in watchers:
            if not watcher.is_synced and watcher.next_revision < self._compacted:
                self._drop(watcher)
                end = responses.compacted(self._compacted, watcher.watch_id)
                self._send(watcher.stream, end)

    def _read(self, since: Revision) -> Batch:
        config = self._config
        return read_batch(
            self._state,
            since,
            rows_max=config.batch_rows_max,
            bytes_max=config.batch_bytes_max,
        )

    # ------------------------------------------------------------ events
    def _catch_up(self) -> None:
        """Bring some of those behind a batch closer to the present."""
        chosen = self._choose()
        if not chosen:
            return
        group = WatcherSet()
        for watcher in chosen:
            self._displace(watcher)
            group.add(watcher)
        batch = self._read(min(watcher.next_revision for watcher in chosen))
        unserved = self._tell(group, batch)
        for watcher in unserved:  # They come before those that had something now.
            self._place(watcher)
        for watcher in chosen:
            if watcher not in unserved:
                watcher.next_revision = next_after(watcher, batch.until)
                self._place(watcher)

    def _choose(self) -> list[Watcher]:
        """Return whom to serve next; those without room wait for it elsewhere."""
        chosen: list[Watcher] = []
        for watcher in list(self._behind):
            if len(chosen) == self._config.batch_watchers_max:
                break
            if watcher.stream.room_bytes > 0:
                chosen.append(watcher)
            else:
                del self._behind[watcher]
                watcher.stream.waiting[watcher] = None
        return chosen

    def _tell(self, watchers: WatcherSet, batch: Batch) -> dict[Watcher, None]:
        """Send the watchers what the batch holds for each; return those who had no room for it."""
        gathered: dict[Watcher, list[Event]] = {}
        for change in batch.changes:
            for watcher in watchers.of(change.key):
                if wants(watcher, change.revision, is_delete=change.is_delete):
                    event = event_of(self._state, change, prev_kv=watcher.prev_kv)
                    gathered.setdefault(watcher, []).append(event)
        unserved: dict[Watcher, None] = {}
        made: dict[tuple[int, ...], WatchResponse] = {}
        for watcher, events in gathered.items():
            if watcher.stream.room_bytes > 0:
                same = tuple(map(id, events))  # Most watchers are told of the same.
                whole = made[same] = responses.delivery(
                    self._told, watcher.watch_id, events, made.get(same)
                )
                self._deliver(watcher, whole)
                watcher.next_revision = next_after(watcher, batch.until)
            else:
                unserved[watcher] = None
        return unserved

    def _deliver(self, watcher: Watcher, whole: WatchResponse) -> None:
        watcher.was_told = True
        self.event_count += len(whole.events)
        if watcher.fragment:
            for piece in responses.fragments(whole, self._config.fragment_bytes_max):
                self._send(watcher.stream, piece)
        else:
            self._send(watcher.stream, whole)

    def _send(self, stream: Stream, response: WatchResponse) -> None:
        stream.room_bytes -= response.ByteSize()
        self._replies.append(WatchReply(stream.stream_id, response))

    # ------------------------------------------------------------ progress
    def _notify_progress(self, now: Instant) -> None:
        """Tell watchers that wish it how far they are, those that had events just now left out."""
        if self._progress_at is not None and now >= self._progress_at:
            self._progress_at = None
            for stream in self.streams.values():
                for watcher in stream.watchers.values():
                    if watcher.progress_notify:
                        self._notify(watcher)
        if self._progress_at is None:
            self._progress_at = Instant(now + self._config.progress_interval_ns)

    def _notify(self, watcher: Watcher) -> None:
        if watcher.was_told:
            watcher.was_told = False
        elif watcher.stream.room_bytes > 0 and has_come_to(watcher, self._told):
            self._send(watcher.stream, responses.progress(self._told, watcher.watch_id))

    def _answer_progress(self) -> None:
        """Answer those streams all of whose watchers have come to the present."""
        for stream in list(self._asked_progress):
            has_come = all(has_come_to(each, self._told) for each in stream.watchers.values())
            if has_come and stream.room_bytes > 0:
                del self._asked_progress[stream]
                self._send(stream, responses.progress(self._told, responses.NO_WATCHER))


def watched_keys(request: WatchCreateRequest) -> KeyRange:
    """Return the keys that a create request means; an empty key means the first there can be."""
    return key_range(request.key or FIRST_KEY, request.range_end)


def first_revision(request: WatchCreateRequest, told: Revision) -> Revision:
    """Return the first revision that a new watcher wants, when `told` is the present one."""
    return Revision(request.start_revision or told + 1)


def wants(watcher: Watcher, revision: Revision, *, is_delete: bool) -> bool:
    """Whether a watcher is to be told of a change of a key that it watches."""
    if revision < watcher.next_revision:
        return False
    return not (watcher.no_delete if is_delete else watcher.no_put)


def next_after(watcher: Watcher, until: Revision) -> Revision:
    """Return the next revision of a watcher that was told of everything up to `until`."""
    return max(watcher.next_revision, Revision(until + 1))


def has_come_to(watcher: Watcher, revision: Revision) -> bool:
    """Whether a watcher can be told that it has been given everything up to `revision`.

    One that starts later cannot: a client may take the word for where to go on (etcd #20221).
    """
    return watcher.is_synced and watcher.start_revision <= revision


def _free_id(stream: Stream) -> int:
    """Return an id for a watcher that no other on the stream has: 0, 1, ... (as etcd)."""
    while stream.next_id in stream.watchers:
        stream.next_id += 1
    watch_id = stream.next_id
    stream.next_id += 1
    return watch_id
