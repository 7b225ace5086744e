"""Watches against a slow model: the whole history, filtered by what each watcher asked for.

Stores are written, compacted, replaced by snapshots; watchers come and go; streams run out of room
and get some. Whatever happens, what a watcher was told is exactly a prefix of what it should be
told, whole revisions only; and once every stream has room, all of it, unless it was canceled
because what came next for it is compacted.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from nodeimpl.api.kv_pb2 import Event, KeyValue
from nodeimpl.api.requests import CommandRequest
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
    WatchProgressRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.config import WatchConfig
from nodeimpl.ids import Instant
from tests.nodeimpl.mvcc.watch.watching import Watching

KEY_NAMES = (b"a", b"b", b"c")
KEYS = st.sampled_from(KEY_NAMES)
RANGES = st.sampled_from([(b"a", b""), (b"b", b""), (b"a", b"c"), (b"b", b"\0"), (b"", b"\0")])
CONFIG = WatchConfig(
    batch_rows_max=3, batch_watchers_max=2, progress_interval_ns=50, fragment_bytes_max=60
)


@dataclass(frozen=True)
class Change:
    """What the model remembers of one change."""

    event: Event
    previous: KeyValue | None


@dataclass
class Asked:
    """A watcher as the model sees it."""

    request: WatchCreateRequest
    since: int
    """The first revision it wants."""
    told: list[Event] = field(default_factory=list)
    open_fragment: bool = False
    end: WatchResponse | None = None
    is_canceled: bool = False

    def wants(self, change: Change) -> bool:
        kv, request = change.event.kv, self.request
        is_delete = change.event.type == Event.DELETE
        unwanted = WatchCreateRequest.NODELETE if is_delete else WatchCreateRequest.NOPUT
        if kv.mod_revision < self.since or unwanted in request.filters:
            return False
        if not request.range_end:
            return kv.key == request.key
        return kv.key >= request.key and (request.range_end == b"\0" or kv.key < request.range_end)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.watching = Watching(CONFIG, room_bytes=200)
        self.history: list[Change] = []
        self.log: list[CommandRequest] = []
        self.asked: dict[tuple[int, int], Asked] = {}
        self.streams = [0]
        self.compacted = -1
        self.compactions: list[int] = []
        """Since the hub was last served, and the one before."""
        self.seen: dict[int, int] = {0: 0}

    # ------------------------------------------------------------ the store
    def values_now(self) -> dict[bytes, KeyValue]:
        response = self.watching.store.read(RangeRequest(key=b"\0", range_end=b"\0"))
        assert isinstance(response, RangeResponse)
        return {kv.key: kv for kv in response.kvs}

    def carry_out(self, request: CommandRequest) -> None:
        before, revision = self.values_now(), self.watching.revision
        self.watching.store.apply(request)
        self.log.append(request)
        if self.watching.revision == revision:
            return
        after, now = self.values_now(), self.watching.revision
        for key in KEY_NAMES:
            kv = after.get(key)
            if kv is not None and kv.mod_revision == now:
                self.history.append(Change(Event(type=Event.PUT, kv=kv), before.get(key)))
            elif kv is None and key in before:
                gone = KeyValue(key=key, mod_revision=now)
                self.history.append(Change(Event(type=Event.DELETE, kv=gone), before[key]))

    @rule(key=KEYS, value=st.sampled_from([b"", b"some value"]))
    def put(self, key: bytes, value: bytes) -> None:
        self.carry_out(PutRequest(key=key, value=value))

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self.carry_out(DeleteRangeRequest(key=key))

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3, unique=True))
    def write_several(self, keys: list[bytes]) -> None:
        ops = [RequestOp(request_put=PutRequest(key=key)) for key in sorted(keys)]
        self.carry_out(TxnRequest(success=ops))

    @rule(back=st.integers(0, 5))
    def compact(self, back: int) -> None:
        at = self.watching.revision - back
        if at > self.compacted:
            self.carry_out(CompactionRequest(revision=at))
            self.note_compaction(at)
            self.serve()

    def note_compaction(self, at: int) -> None:
        self.compacted = at
        self.compactions.append(at)

    @rule()
    def remove_rows(self) -> None:
        self.watching.store.compact_step()

    @rule(requests=st.lists(st.builds(PutRequest, key=KEYS), max_size=6), compacts=st.booleans())
    def install_a_snapshot(self, requests: list[CommandRequest], compacts: bool) -> None:  # noqa: FBT001
        self.serve()
        ahead = Watching()
        for request in self.log:
            ahead.store.apply(request)
        mine, self.watching.store = self.watching.store, ahead.store
        for request in requests:
            self.carry_out(request)
        at = self.watching.revision
        if compacts and at > self.compacted:
            self.carry_out(CompactionRequest(revision=at))
            self.note_compaction(at)
            while ahead.store.compact_step():
                pass
        self.watching.store = mine
        self.watching.install(ahead, index=len(self.log))

    # ------------------------------------------------------------ watchers
    @precondition(lambda self: len(self.streams) < 4)
    @rule(room_bytes=st.integers(1, 400))
    def open_a_stream(self, room_bytes: int) -> None:
        stream = max([*self.seen, 0]) + 1
        self.watching.open(stream, room_bytes)
        self.streams.append(stream)
        self.seen[stream] = 0

    @precondition(lambda self: len(self.streams) > 1)
    @rule(number=st.integers(0, 3))
    def close_a_stream(self, number: int) -> None:
        stream = self.streams.pop(number % len(self.streams))
        self.serve()
        self.watching.hub.close(stream)
        for (of, _), asked in self.asked.items():
            asked.is_canceled |= of == stream

    @rule(
        number=st.integers(0, 3),
        keys=RANGES,
        start=st.integers(-8, 4),
        options=st.tuples(st.booleans(), st.booleans(), st.booleans()),
        filters=st.sampled_from([[], [WatchCreateRequest.NOPUT], [WatchCreateRequest.NODELETE]]),
    )
    def create(
        self,
        number: int,
        keys: tuple[bytes, bytes],
        start: int,
        options: tuple[bool, bool, bool],
        filters: list[WatchCreateRequest.FilterType],
    ) -> None:
        self.serve()
        stream = self.streams[number % len(self.streams)]
        now = self.watching.revision
        prev_kv, fragment, progress_notify = options
        request = WatchCreateRequest(
            key=keys[0],
            range_end=keys[1],
            start_revision=max(1, now + start) if start else 0,
            prev_kv=prev_kv,
            fragment=fragment,
            progress_notify=progress_notify,
            filters=filters,
        )
        since = request.start_revision or now + 1
        self.watching.hub.ask(stream, WatchRequest(create_request=request))
        responses = self.watching.serve()
        made = next(response for response in responses if response.created)
        assert not made.canceled
        self.asked[stream, made.watch_id] = Asked(request, since)
        self.judge()

    @rule(number=st.integers(0, 3))
    def ask_for_progress(self, number: int) -> None:
        stream = self.streams[number % len(self.streams)]
        progress = WatchRequest(progress_request=WatchProgressRequest())
        self.watching.hub.ask(stream, progress)

    @rule(number=st.integers(0, 3), taken_bytes=st.integers(1, 300))
    def drain(self, number: int, taken_bytes: int) -> None:
        self.watching.drained(taken_bytes, stream=self.streams[number % len(self.streams)])

    @rule(passed_ns=st.integers(0, 100))
    def serve(self, passed_ns: int = 0) -> None:
        self.watching.now = Instant(self.watching.now + passed_ns)
        self.watching.serve()
        self.judge()
        self.compactions = self.compactions[-1:]

    # ------------------------------------------------------------ the judgement
    def judge(self) -> None:
        """Look at what was received since the last time."""
        for stream, count in self.seen.items():
            received = self.watching.received[stream]
            for response in received[count:]:
                self.take(stream, response)
            self.seen[stream] = len(received)

    def take(self, stream: int, response: WatchResponse) -> None:
        if response.created:
            return
        if response.watch_id == -1:
            for (of, _), asked in self.asked.items():
                if of == stream and not asked.is_canceled:
                    self.check_progress(asked, response.header.revision)
            return
        asked = self.asked[stream, response.watch_id]
        assert not asked.is_canceled, "a watcher that has ended is told nothing more"
        if response.canceled:
            asked.end, asked.is_canceled = response, True
            # Decided when the hub was last asked something, which is before it is served.
            assert response.compact_revision in self.compactions
        elif response.events:
            assert not response.fragment or asked.request.fragment
            asked.told += response.events
            asked.open_fragment = response.fragment
            self.check_prefix(asked)
        else:
            assert asked.request.progress_notify
            self.check_progress(asked, response.header.revision)

    def check_prefix(self, asked: Asked) -> None:
        due = [change for change in self.history if asked.wants(change)]
        assert len(asked.told) <= len(due)
        for change, event in zip(due, asked.told, strict=False):
            assert (event.type, event.kv) == (change.event.type, change.event.kv)
            if not asked.request.prev_kv or change.previous is None:
                assert not event.HasField("prev_kv")
            elif event.HasField("prev_kv"):
                assert event.prev_kv == change.previous
            else:
                assert event.kv.mod_revision - 1 < self.compacted
        if not asked.open_fragment and len(asked.told) < len(due):
            last, following = asked.told[-1].kv, due[len(asked.told)].event.kv
            assert last.mod_revision < following.mod_revision, "a revision is not split"

    def check_progress(self, asked: Asked, revision: int) -> None:
        assert revision >= asked.request.start_revision
        due = [each for each in self.history if asked.wants(each)]
        assert len(asked.told) == sum(each.event.kv.mod_revision <= revision for each in due)

    @invariant()
    def a_watcher_ends_only_over_what_it_lacks(self) -> None:
        for asked in self.asked.values():
            if asked.end is not None:
                last = asked.told[-1].kv.mod_revision if asked.told else asked.since - 1
                assert max(last + 1, asked.since) < asked.end.compact_revision

    @override
    def teardown(self) -> None:
        for stream in self.streams:
            self.watching.drained(1 << 30, stream=stream)
        self.watching.settle()
        self.judge()
        for asked in self.asked.values():
            if not asked.is_canceled:
                due = [change for change in self.history if asked.wants(change)]
                assert len(asked.told) == len(due)
                assert not asked.open_fragment


TestWatchesAgainstTheWholeHistory = Machine.TestCase
TestWatchesAgainstTheWholeHistory.settings = settings(max_examples=40, stateful_step_count=40)
