"""When a node removes the rows that compactions superseded, and who waits for that.

Rows go in batches, with other work between (`mvcc.compaction`); each batch has its time.
"""

from collections import deque
from collections.abc import Iterator

from nodeimpl.api.rpc_pb2 import CompactionResponse
from nodeimpl.ids import Instant, RequestId, Revision


class Removal:
    """The removal under way, if any, and the answers that wait until it is done, in their order."""

    __slots__ = ("_interval_ns", "_waiting", "at")

    def __init__(self, interval_ns: int) -> None:
        """Let so much time pass between two batches."""
        self._interval_ns = interval_ns
        self._waiting: deque[tuple[Revision, RequestId, CompactionResponse]] = deque()
        self.at: Instant | None = None
        """When to remove the next batch; None if nothing is planned."""

    # ------------------------------------------------------------ batches
    def is_due(self, now: Instant, *, is_behind: bool) -> bool:
        """Return whether the next batch has its time now; the first one is planned here.

        One that would come before the disk has taken in those before it is put off: requests
        would have to wait for all of them.
        """
        if self.at is None or (is_behind and self.at <= now):
            self.at = Instant(now + self._interval_ns)
            return False
        return self.at <= now

    def removed(self, now: Instant, *, more: bool) -> None:
        """Note that a batch is gone, and whether there is more."""
        self.at = Instant(now + self._interval_ns) if more else None

    # ------------------------------------------------------------ answers
    def __contains__(self, request_id: RequestId) -> bool:
        """Return whether the answer to this request waits."""
        return any(request_id == waiting for _, waiting, _ in self._waiting)

    @property
    def is_awaited(self) -> bool:
        """Whether any answer waits."""
        return bool(self._waiting)

    def wait(self, revision: Revision, request_id: RequestId, response: CompactionResponse) -> None:
        """Let an answer wait until the rows superseded at `revision`, the highest yet, are gone."""
        self._waiting.append((revision, request_id, response))

    def finished(self, revision: Revision) -> Iterator[tuple[RequestId, CompactionResponse]]:
        """Yield, and forget, the answers that need wait no longer."""
        while self._waiting and self._waiting[0][0] <= revision:
            _, request_id, response = self._waiting.popleft()
            yield request_id, response
