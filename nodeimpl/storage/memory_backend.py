"""A backend in memory with a disk's crash semantics, for simulation."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sortedcontainers import SortedDict

from nodeimpl.ids import LogIndex
from nodeimpl.mvcc.backend import CommitPoint


@dataclass(slots=True)
class _Batch:
    """What to put back, newest last, to undo the writes up to one commit point."""

    applied_index: LogIndex
    undo: list[tuple[bytes, bytes | None]] = field(default_factory=list)


class MemoryBackend:
    """An ordered map (`mvcc.backend.Backend`) that `crash` takes back to the last commit.

    Every write notes what it replaced, in the batch that the next `seal` closes. `commit` forgets
    the notes of the batches it makes durable; `crash` undoes all others, newest first.
    """

    __slots__ = ("_batches", "_committed", "_durable_index", "_map", "_open", "_size_bytes")

    def __init__(self) -> None:
        self._map: SortedDict[bytes, bytes] = SortedDict()
        self._size_bytes = 0
        self._durable_index = LogIndex(0)
        self._committed = CommitPoint(0)
        self._batches: list[_Batch] = []  # Sealed, not committed: points _committed + 1, + 2, ...
        self._open: list[tuple[bytes, bytes | None]] = []

    @property
    def applied_index(self) -> LogIndex:
        """The applied index of the last point sealed, or recovered after a crash; 0 if new."""
        return self._batches[-1].applied_index if self._batches else self._durable_index

    @property
    def durable_index(self) -> LogIndex:
        """The applied index a crash would return to."""
        return self._durable_index

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, or None if there is none."""
        return self._map.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`."""
        previous = self._map.get(key)
        self._open.append((key, previous))
        self._map[key] = value
        self._size_bytes += len(value)
        self._size_bytes += len(key) if previous is None else -len(previous)

    def delete(self, key: bytes) -> None:
        """Remove `key`; removing what is not there does nothing."""
        previous = self._map.pop(key, None)
        if previous is None:
            return
        self._open.append((key, previous))
        self._size_bytes -= len(key) + len(previous)

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start <= key < end in key order; `end` None means to the last.

        Nothing may be put or deleted meanwhile.
        """
        if end is not None and end <= start:
            return
        for key in self._map.irange(start, end, inclusive=(True, False)):
            yield key, self._map[key]

    def seal(self, applied_index: LogIndex) -> CommitPoint:
        """Name everything written so far, `applied_index` with it, as one commit point."""
        assert applied_index >= self.applied_index, (
            f"applied index {applied_index} after {self.applied_index}: it only grows"
        )
        self._batches.append(_Batch(applied_index, self._open))
        self._open = []
        return CommitPoint(self._committed + len(self._batches))

    def commit(self, point: CommitPoint) -> None:
        """Make everything up to `point` durable; a point already durable changes nothing."""
        assert point <= self._committed + len(self._batches), f"point {point} was never sealed"
        newly_durable = max(0, point - self._committed)
        if newly_durable:
            self._durable_index = self._batches[newly_durable - 1].applied_index
            self._committed = point
            del self._batches[:newly_durable]

    def crash(self) -> None:
        """Return to the last commit, exactly. Points sealed but not committed are void."""
        undo = [note for batch in self._batches for note in batch.undo] + self._open
        self._batches = []
        self._open = []
        for key, previous in reversed(undo):
            if previous is None:
                self.delete(key)
            else:
                self.put(key, previous)
        self._open = []  # The undoing is not itself a write.

    def size_bytes(self) -> int:
        """Bytes of all keys and values now in the map."""
        return self._size_bytes
