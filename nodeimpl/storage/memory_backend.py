"""A backend in memory with a disk's crash semantics, for simulation."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nodeimpl.mvcc.backend import NOTHING_APPLIED, Applied, CommitPoint


class MemoryBackend:
    """An ordered map (`mvcc.backend.Backend`) that `crash` takes back to the last commit.

    Every write notes what it replaced, in the batch that the next `seal` closes. `commit` forgets
    the notes of the batches it makes durable; `crash` undoes all others, newest first.
    """

    __slots__ = ("_batches", "_committed", "_durable", "_open", "_rows")

    def __init__(self) -> None:
        self._rows = _Rows()
        self._durable = NOTHING_APPLIED
        self._committed = CommitPoint(0)
        self._batches: list[_Batch] = []  # Sealed, not committed: points _committed + 1, + 2, ...
        self._open: list[_Note] = []

    @property
    def applied(self) -> Applied:
        """What the last point sealed, or recovered after a crash, is the outcome of."""
        return self._batches[-1].applied if self._batches else self._durable

    @property
    def durable(self) -> Applied:
        """What a crash would return to."""
        return self._durable

    @property
    def is_sealed(self) -> bool:
        """Nothing was written since the last seal: the map is the outcome of `applied`."""
        return not self._open

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, or None if there is none."""
        return self._rows.values.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`."""
        self._open.append((key, self._rows.put(key, value)))

    def delete(self, key: bytes) -> None:
        """Remove `key`; removing what is not there does nothing."""
        previous = self._rows.remove(key)
        if previous is not None:
            self._open.append((key, previous))

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start <= key < end in key order; `end` None means to the last.

        Nothing may be put or deleted meanwhile.
        """
        return self._rows.scan(start, end)

    def seal(self, applied: Applied) -> CommitPoint:
        """Name everything written so far, `applied` with it, as one commit point."""
        return self._close(applied, replaced=None)

    def restore(self, applied: Applied, rows: Iterable[tuple[bytes, bytes]]) -> CommitPoint:
        """Put `rows`, in ascending key order, in the place of everything; seal that.

        The old map is kept as it is until the point returned is committed.
        """
        replaced, self._rows = self._rows, _Rows(rows)
        return self._close(applied, replaced=replaced)

    def commit(self, point: CommitPoint) -> None:
        """Make everything up to `point` durable; a point already durable changes nothing."""
        assert point <= self._committed + len(self._batches), f"point {point} was never sealed"
        newly_durable = max(0, point - self._committed)
        if newly_durable:
            self._durable = self._batches[newly_durable - 1].applied
            self._committed = point
            del self._batches[:newly_durable]

    def crash(self) -> None:
        """Return to the last commit, exactly. Points sealed but not committed are void."""
        self._undo(self._open)
        for batch in reversed(self._batches):
            if batch.replaced is not None:
                self._rows = batch.replaced
            self._undo(batch.notes)
        self._batches = []
        self._open = []

    def size_bytes(self) -> int:
        """Bytes of all keys and values now in the map."""
        return self._rows.size_bytes

    @property
    def is_behind(self) -> bool:
        """Never: a commit takes no time here."""
        return False

    def row_count(self) -> int:
        """Return how many keys are in the map."""
        return len(self._rows.values)

    def spool(self) -> bytearray:
        """Return an empty place for the bytes of a state that arrives."""
        return bytearray()

    def spooled(self, pieces: Iterable[bytes]) -> bytes:
        """Return the bytes of a state that is to be sent; all are read at once."""
        return b"".join(pieces)

    def _close(self, applied: Applied, *, replaced: "_Rows | None") -> CommitPoint:
        assert applied.index >= self.applied.index, (
            f"applied index {applied.index} after {self.applied.index}: it only grows"
        )
        self._batches.append(_Batch(applied, self._open, replaced))
        self._open = []
        return CommitPoint(self._committed + len(self._batches))

    def _undo(self, notes: "list[_Note]") -> None:
        for key, previous in reversed(notes):
            if previous is None:
                self._rows.remove(key)
            else:
                self._rows.put(key, previous)


_Note = tuple[bytes, bytes | None]
"""A key that was written, and its value before; None if there was none."""


@dataclass(slots=True)
class _Batch:
    """How to undo the writes up to one commit point."""

    applied: Applied
    notes: list[_Note]
    replaced: "_Rows | None"
    """The whole map that the last of these writes replaced; None if it was no restore."""


class _Rows:
    """A map in key order, made for what a store does with it: it adds at the end, mostly.

    `_keys` is sorted and holds, besides the keys of `values`, those in `_removed`: so removing
    moves no list items. When they become the larger part they are swept out together.
    """

    __slots__ = ("_keys", "_removed", "size_bytes", "values")

    def __init__(self, rows: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.values = dict(rows)
        self._keys = sorted(self.values)
        self._removed: set[bytes] = set()
        self.size_bytes = sum(len(key) + len(value) for key, value in self.values.items())

    def put(self, key: bytes, value: bytes) -> bytes | None:
        """Set `key`; return its value before, None if there was none."""
        previous = self.values.get(key)
        self.values[key] = value
        if previous is not None:
            self.size_bytes += len(value) - len(previous)
            return previous
        self.size_bytes += len(key) + len(value)
        if key in self._removed:
            self._removed.remove(key)
        elif not self._keys or key > self._keys[-1]:
            self._keys.append(key)
        else:
            insort(self._keys, key)
        return None

    def remove(self, key: bytes) -> bytes | None:
        """Remove `key`; return its value before, None if there was none."""
        previous = self.values.pop(key, None)
        if previous is not None:
            self.size_bytes -= len(key) + len(previous)
            self._removed.add(key)
            if len(self._removed) > len(self.values):
                self._keys = [key for key in self._keys if key in self.values]
                self._removed.clear()
        return previous

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start <= key < end, in order. Nothing may change meanwhile."""
        stop = len(self._keys) if end is None else bisect_left(self._keys, end)
        for number in range(bisect_left(self._keys, start), stop):
            key = self._keys[number]
            value = self.values.get(key)
            if value is not None:
                yield key, value
