"""Requests that a node has taken and not answered, and until when they may wait.

A request waits for its entry, or, if it is a read, for its read index and then for the store to
have applied that (thesis §6.4). Whatever becomes of it, it is answered once, in time.
"""

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from nodeimpl.api.requests import ReadRequest
from nodeimpl.ids import Instant, LogIndex, RequestId
from nodeimpl.mvcc.auth.identity import Identity


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A request that has been taken and not yet answered."""

    tag: int
    read: ReadRequest | None
    """What to read once the read index is applied; None for a write."""
    identity: Identity | None = None
    """Who is to be shown what is read; None while nobody is asked who they are."""


class Patience:
    """Until when each request may wait; requests that came first are the first to be over."""

    __slots__ = ("_queue", "_wait_ns", "deadline")

    def __init__(self, wait_ns: int) -> None:
        self._wait_ns = wait_ns
        self.deadline: Instant | None = None
        """When the next request may be over; None if none waits."""
        self._queue: deque[tuple[Instant, RequestId]] = deque()
        """Requests that wait, oldest first, and answered ones between them."""

    def begin(
        self, now: Instant, request_id: RequestId, is_open: Callable[[RequestId], bool]
    ) -> None:
        """Let a request wait; forget those before it that were answered: nobody need wake."""
        queue = self._queue
        while queue and not is_open(queue[0][1]):
            queue.popleft()
        queue.append((Instant(now + self._wait_ns), request_id))
        self.deadline = queue[0][0]

    def over(self, now: Instant) -> list[RequestId]:
        """Return, and forget, whose time is over; some have been answered long ago."""
        queue = self._queue
        over: list[RequestId] = []
        while queue and queue[0][0] <= now:
            over.append(queue.popleft()[1])
        self.deadline = queue[0][0] if queue else None
        return over


class IndexedReads:
    """Reads whose read index is known and not yet applied, lowest index first."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: deque[tuple[LogIndex, tuple[RequestId, ...]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, read_index: LogIndex, request_ids: tuple[RequestId, ...]) -> None:
        """Let these reads wait for `read_index`; a delayed answer of the leader may be an older."""
        position = len(self._queue)
        while position and self._queue[position - 1][0] > read_index:
            position -= 1
        self._queue.insert(position, (read_index, request_ids))

    def applied(self, applied_index: LogIndex) -> Iterator[tuple[RequestId, ...]]:
        """Yield, and forget, the reads that need wait no longer."""
        while self._queue and self._queue[0][0] <= applied_index:
            yield self._queue.popleft()[1]
