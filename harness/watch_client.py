"""One client that watches: what it asks for, what it makes of the answers, what it writes down.

Sans-IO, for every environment: the driver calls `wake` when `deadline` has come, hands over what a
stream brings, and carries out the `Move`s that come back. The client has one stream at a time, to
one node, with several watchers; it creates and cancels some, asks for progress, reads slowly at
times, breaks the stream off, and takes up elsewhere where it was, as etcd's own clients do
(api_guarantees: Resumable).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol, TypeAlias

import msgspec

from checkers.watch_history import (
    Break,
    Canceled,
    Create,
    Created,
    Delivery,
    Progress,
    RequestProgress,
    WatchRecord,
)
from harness.watch_messages import Drawn, create_request, event_of
from nodeimpl.api.rpc_pb2 import (
    WatchCancelRequest,
    WatchProgressRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.ids import MILLISECOND, Instant

ALL_OF_STREAM = -1
"""The watch id of a response that concerns every watcher of its stream (etcd, clientv3)."""


class UnexpectedResponse(Exception):  # noqa: N818 - the store's failure, not an error of ours
    """The store sent what no stream of watches can bring; the message says what."""


class OpenStream(msgspec.Struct, frozen=True, gc=False):
    """Begin a stream to `node`; what it brings is handed to the client under this number."""

    stream: int
    node: str


class SendRequest(msgspec.Struct, frozen=True):
    """Send this on the open stream."""

    stream: int
    request: WatchRequest


class ReadStream(msgspec.Struct, frozen=True, gc=False):
    """Read what the stream brings, or leave it unread until told otherwise."""

    stream: int
    is_reading: bool


class CloseStream(msgspec.Struct, frozen=True, gc=False):
    """End the stream; nothing it brings is of interest any more."""

    stream: int


Move: TypeAlias = OpenStream | SendRequest | ReadStream | CloseStream


class WatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a client goes about it. Times in nanoseconds; each is a mean."""

    watchers_max: int = 4
    """Watchers of one client at a time."""
    act_ns: int = 150 * MILLISECOND
    """From one thing it does to the next."""
    rest_ns: int = 400 * MILLISECOND
    """How long it reads nothing, when it is slow."""
    reopen_ns: int = 100 * MILLISECOND
    """From the end of a stream to the next one."""
    burst: int = 1
    """Watchers that it asks for at once."""
    patience_ns: int = 2_000 * MILLISECOND
    """How long it waits for the answer to a request, at most, before it breaks off."""


class Surroundings(Protocol):
    """What a client knows of the trial, and shares with all others."""

    nodes: tuple[str, ...]

    def next_stream(self) -> int:
        """Return the number of a new stream."""

    def next_watcher(self) -> int:
        """Return the number of a new watcher."""

    def draw(self, random: Random) -> Drawn:
        """Return what to watch."""

    def saw(self, revision: int) -> None:
        """Note that the store has come to `revision`."""


@dataclass(slots=True, kw_only=True)
class _Watcher:
    """One watch, as its client sees it."""

    number: int
    drawn: Drawn
    asked_at: Instant
    watch_id: int | None = None
    """None until the store has confirmed it."""
    next_revision: int
    """Where to go on if the stream breaks; 0 until that is known."""
    is_ending: bool = False
    """Whether it was asked to be canceled."""


@dataclass(slots=True)
class _Stream:
    number: int
    node: str
    asked: deque[_Watcher] = field(default_factory=deque)
    """Watchers that were asked for and not confirmed, in order."""
    watchers: dict[int, _Watcher] = field(default_factory=dict)
    """By the store's watch ids."""
    progress_asked_at: Instant | None = None
    ending: list[int] = field(default_factory=list)
    """Watchers that the store ended while it was being asked to: it may answer that, too."""
    progress_revision: int = 0
    """What the last answer to a request for progress said."""
    is_reading: bool = True
    last_id: int = 0
    """The last id the client gave."""


class WatchClient:
    """See the module."""

    def __init__(
        self,
        settings: WatchSettings,
        around: Surroundings,
        random: Random,
        record: Callable[[WatchRecord], None],
        now: Instant,
    ) -> None:
        self._settings = settings
        self._around = around
        self._random = random
        self._record = record
        self._stream: _Stream | None = None
        self._left: list[_Watcher] = []
        """Watchers of a stream that is gone, to be taken up again on the next."""
        self._act_at = Instant(now + self._some(settings.reopen_ns))
        self._final_revision: int | None = None
        """Once the load is over: what everybody is to hear of."""

    @property
    def deadline(self) -> Instant:
        """When to call `wake`."""
        return self._act_at

    @property
    def has_heard_all(self) -> bool:
        """Whether, after `finish`, the store has said that everything was delivered."""
        stream = self._stream
        return (
            self._final_revision is not None
            and stream is not None
            and not stream.asked
            and (not stream.watchers or stream.progress_revision >= self._final_revision)
        )

    # ------------------------------------------------------------ what the driver calls
    def wake(self, now: Instant) -> list[Move]:
        """Do the next thing, if its time has come."""
        if now < self._act_at:
            return []
        self._act_at = Instant(now + self._some(self._settings.act_ns))
        stream = self._stream
        if stream is None:
            return self._open(now)
        if self._is_out_of_patience(stream, now):
            return self._break_off(stream, now, "timed out")
        if self._final_revision is not None:
            return self._wind_up(stream, now, self._final_revision)
        return self._act(stream, now)

    def received(self, now: Instant, stream: int, response: WatchResponse) -> None:
        """Take a response; raise `UnexpectedResponse` if it cannot be one."""
        current = self._stream
        if current is None or current.number != stream:
            return  # On its way when the client broke off.
        if response.header.revision:
            self._around.saw(response.header.revision)
        if response.created:
            self._confirm(current, now, response)
        elif response.watch_id == ALL_OF_STREAM:
            self._take_progress(current, now, response.header.revision)
        else:
            self._take(current, now, response)

    def broke(self, now: Instant, stream: int, error: str) -> None:
        """Note that a stream has ended without the client's doing."""
        if self._stream is not None and self._stream.number == stream:
            self._lose(self._stream, now, error)

    def finish(self, now: Instant, revision: int) -> list[Move]:
        """Create no more, and see to it that everybody hears of everything up to `revision`."""
        self._final_revision = revision
        self._act_at = now
        return self.wake(now)

    # ------------------------------------------------------------ what it does
    def _act(self, stream: _Stream, now: Instant) -> list[Move]:
        point = self._random.random()
        if not stream.is_reading:
            # Then it is far behind: the time at which a hasty word about progress would be wrong.
            asking = self._ask_progress(stream, now) if point < 0.5 else []
            return [*asking, *self._read(stream, is_reading=True)]
        count = len(stream.asked) + len(stream.watchers)
        if not count or (point < 0.45 and count < self._settings.watchers_max):
            return self._create_some(stream, now, self._settings.watchers_max - count)
        if point < 0.6:
            return self._cancel(stream)
        if point < 0.75:
            return self._ask_progress(stream, now)
        if point < 0.9:
            self._act_at = Instant(now + self._some(self._settings.rest_ns))
            return self._read(stream, is_reading=False)
        return self._break_off(stream, now, "broken off")

    def _wind_up(self, stream: _Stream, now: Instant, revision: int) -> list[Move]:
        """Wait for the end: read, cancel who waits for a revision to come, ask for progress.

        etcd from 3.5.8 on answers only if all watchers of the stream are synced (#15220), and who
        was canceled by a compaction never is again: a stream that has no answer is left.
        """
        asked_at = stream.progress_asked_at
        if asked_at is not None and now - asked_at > self._settings.patience_ns:
            return self._break_off(stream, now, "no progress was told")
        moves: list[Move] = [] if stream.is_reading else self._read(stream, is_reading=True)
        moves += [
            _canceling(stream, watcher)
            for watcher in stream.watchers.values()
            if watcher.drawn.start_revision > revision and not watcher.is_ending
        ]
        if stream.progress_revision < revision:
            moves += self._ask_progress(stream, now)
        return moves

    def _open(self, now: Instant) -> list[Move]:
        nodes = self._around.nodes
        node = nodes[int(self._random.random() * len(nodes))]
        stream = self._stream = _Stream(self._around.next_stream(), node)
        moves: list[Move] = [OpenStream(stream.number, node)]
        left, self._left = self._left, []
        moves += [self._resume(stream, now, watcher) for watcher in left]
        return moves

    def _resume(self, stream: _Stream, now: Instant, watcher: _Watcher) -> Move:
        """Take a watcher up again behind what it has heard; anew, if it has not begun."""
        if not watcher.next_revision:
            return self._create(stream, now, watcher.drawn)
        drawn = msgspec.structs.replace(watcher.drawn, start_revision=watcher.next_revision)
        is_confirmed = watcher.watch_id is not None
        return self._create(stream, now, drawn, resumes=watcher.number if is_confirmed else None)

    def _create_some(self, stream: _Stream, now: Instant, room: int) -> list[Move]:
        count = min(self._settings.burst, room)
        draws = [self._around.draw(self._random) for _ in range(count)]
        return [self._create(stream, now, drawn) for drawn in draws]

    def _create(
        self, stream: _Stream, now: Instant, drawn: Drawn, resumes: int | None = None
    ) -> Move:
        watcher = _Watcher(
            number=self._around.next_watcher(),
            drawn=drawn,
            asked_at=now,
            next_revision=drawn.start_revision,
        )
        stream.asked.append(watcher)
        self._record(
            Create(
                time=now,
                watcher=watcher.number,
                stream=stream.number,
                node=stream.node,
                key=drawn.key,
                range_end=drawn.range_end,
                start_revision=drawn.start_revision,
                prev_kv=drawn.prev_kv,
                progress_notify=drawn.progress_notify,
                fragment=drawn.fragment,
                filters=drawn.filters,
                resumes=resumes,
            )
        )
        stream.last_id += drawn.chooses_id
        request = create_request(drawn, 1000 + stream.last_id if drawn.chooses_id else 0)
        return SendRequest(stream.number, WatchRequest(create_request=request))

    def _cancel(self, stream: _Stream) -> list[Move]:
        cancelable = [each for each in stream.watchers.values() if not each.is_ending]
        if not cancelable:
            return []
        return [_canceling(stream, cancelable[int(self._random.random() * len(cancelable))])]

    def _ask_progress(self, stream: _Stream, now: Instant) -> list[Move]:
        if stream.progress_asked_at is not None:
            return []
        stream.progress_asked_at = now
        self._record(RequestProgress(time=now, stream=stream.number))
        request = WatchRequest(progress_request=WatchProgressRequest())
        return [SendRequest(stream.number, request)]

    def _read(self, stream: _Stream, *, is_reading: bool) -> list[Move]:
        stream.is_reading = is_reading
        return [ReadStream(stream.number, is_reading)]

    def _break_off(self, stream: _Stream, now: Instant, error: str) -> list[Move]:
        self._lose(stream, now, error)
        return [CloseStream(stream.number)]

    def _lose(self, stream: _Stream, now: Instant, error: str) -> None:
        self._record(Break(time=now, stream=stream.number, error=error))
        self._left = [*stream.watchers.values(), *stream.asked]
        self._left = [watcher for watcher in self._left if not watcher.is_ending]
        self._stream = None
        self._act_at = Instant(now + self._some(self._settings.reopen_ns))

    def _is_out_of_patience(self, stream: _Stream, now: Instant) -> bool:
        """Whether a watcher it asked for was not confirmed in time, though it reads."""
        patience_ns = self._settings.patience_ns
        if not stream.is_reading or not stream.asked:
            return False
        return now - stream.asked[0].asked_at > patience_ns

    def _some(self, mean_ns: int) -> int:
        """Return a time between nothing and twice the mean."""
        return 1 + int(self._random.random() * 2 * mean_ns)

    # ------------------------------------------------------------ what it hears
    def _confirm(self, stream: _Stream, now: Instant, response: WatchResponse) -> None:
        if not stream.asked:
            raise UnexpectedResponse(f"a watcher is confirmed that nobody asked for: {response}")
        watcher = stream.asked.popleft()
        revision = response.header.revision
        if response.canceled:
            self._record(
                Canceled(
                    time=now,
                    watcher=watcher.number,
                    revision=revision,
                    reason=response.cancel_reason,
                )
            )
            return
        if response.watch_id in stream.watchers:
            raise UnexpectedResponse(f"two open watchers are called {response.watch_id}")
        watcher.watch_id = response.watch_id
        watcher.next_revision = watcher.next_revision or revision + 1
        stream.watchers[response.watch_id] = watcher
        self._record(Created(time=now, watcher=watcher.number, revision=revision))

    def _take(self, stream: _Stream, now: Instant, response: WatchResponse) -> None:
        watcher = stream.watchers.get(response.watch_id)
        if watcher is None and response.canceled and response.watch_id in stream.ending:
            stream.ending.remove(response.watch_id)
            return
        if watcher is None:
            raise UnexpectedResponse(
                f"watcher {response.watch_id} has ended or never was, and is told: {response}"
            )
        revision = response.header.revision
        if response.canceled:
            self._end(stream, now, watcher, response)
        elif response.events:
            events = tuple(event_of(event) for event in response.events)
            self._record(
                Delivery(
                    time=now,
                    watcher=watcher.number,
                    revision=revision,
                    events=events,
                    fragment=response.fragment,
                )
            )
            if not response.fragment:
                last = events[-1].mod_revision + 1
                watcher.next_revision = max(watcher.next_revision, last)
        else:
            self._mark(now, watcher, revision)

    def _end(
        self, stream: _Stream, now: Instant, watcher: _Watcher, response: WatchResponse
    ) -> None:
        del stream.watchers[response.watch_id]
        if watcher.is_ending and response.compact_revision:
            stream.ending.append(response.watch_id)
        self._record(
            Canceled(
                time=now,
                watcher=watcher.number,
                revision=response.header.revision,
                compact_revision=response.compact_revision,
                reason=response.cancel_reason,
            )
        )

    def _take_progress(self, stream: _Stream, now: Instant, revision: int) -> None:
        if stream.progress_asked_at is None:
            raise UnexpectedResponse(f"progress to {revision} is told, and nobody asked")
        stream.progress_asked_at = None
        stream.progress_revision = revision
        for watcher in stream.watchers.values():
            # One that is to be canceled may be no more, though the answer to that is still to come:
            # etcd sends the two by different channels (api/v3rpc/watch.go, sendLoop).
            if not watcher.is_ending:
                self._mark(now, watcher, revision)

    def _mark(self, now: Instant, watcher: _Watcher, revision: int) -> None:
        self._record(Progress(time=now, watcher=watcher.number, revision=revision))
        watcher.next_revision = max(watcher.next_revision, revision + 1)


def _canceling(stream: _Stream, watcher: _Watcher) -> Move:
    watcher.is_ending = True
    assert watcher.watch_id is not None, "only a watcher that was confirmed can be canceled"
    cancel = WatchCancelRequest(watch_id=watcher.watch_id)
    return SendRequest(stream.number, WatchRequest(cancel_request=cancel))
