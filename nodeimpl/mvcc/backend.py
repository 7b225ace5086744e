"""What the store asks of the thing that keeps its bytes: an ordered byte map with commit points.

The store reads its own writes at once. They become durable only when the driver carries out
`commit` of a point that was sealed after them, so what consensus has not yet made durable can
never overtake the log: the point travels as an effect behind the `Persist` it depends on.
"""

from collections.abc import Iterator
from typing import NewType, Protocol

from nodeimpl.ids import LogIndex

CommitPoint = NewType("CommitPoint", int)
"""Names all writes up to a `seal`; later points are larger."""


class Backend(Protocol):
    """An ordered map from bytes to bytes. All calls are synchronous."""

    @property
    def applied_index(self) -> LogIndex:
        """The applied index of the last point sealed, or recovered after a restart; 0 if new."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, or None if there is none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`."""

    def delete(self, key: bytes) -> None:
        """Remove `key`; removing what is not there does nothing."""

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start <= key < end in key order; `end` None means to the last."""

    def seal(self, applied_index: LogIndex) -> CommitPoint:
        """Name everything written so far, `applied_index` with it, as one commit point."""

    def commit(self, point: CommitPoint) -> None:
        """Make everything up to `point` durable, all or nothing. Called by drivers only."""

    def size_bytes(self) -> int:
        """Bytes of all keys and values now in the map."""
