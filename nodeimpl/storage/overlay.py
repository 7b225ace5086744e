"""Writes that are not in the backend's file yet: read before it, and merged with it in scans."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from nodeimpl.mvcc.backend import CommitPoint

Written = bytes | None
"""A value, or None: the key was deleted."""


class Overlay:
    """The newest write of each key, and the commit point it will be durable with."""

    __slots__ = ("_forgotten", "_keys", "_writes")

    def __init__(self) -> None:
        self._writes: dict[bytes, tuple[Written, CommitPoint]] = {}
        self._keys: list[bytes] = []
        """Sorted: those of `_writes` and of `_forgotten`."""
        self._forgotten: set[bytes] = set()
        """Swept out of `_keys` when they are the larger part: so forgetting moves no others."""

    def get(self, key: bytes) -> tuple[Written, CommitPoint] | None:
        """Return the newest write of `key`; None if the file's value counts."""
        return self._writes.get(key)

    def write(self, key: bytes, written: Written, point: CommitPoint) -> None:
        """Put a write over whatever was there."""
        if key in self._forgotten:
            self._forgotten.remove(key)
        elif key not in self._writes:
            if not self._keys or key > self._keys[-1]:
                self._keys.append(key)
            else:
                insort(self._keys, key)
        self._writes[key] = (written, point)

    def forget(self, keys: Iterable[bytes], point: CommitPoint) -> None:
        """Forget writes of `keys` that belong to `point` or an earlier one: the file has them."""
        writes = self._writes
        for key in keys:
            write = writes.get(key)
            if write is not None and write[1] <= point:
                del writes[key]
                self._forgotten.add(key)
        if len(self._forgotten) > len(writes):
            self._keys = [key for key in self._keys if key in writes]
            self._forgotten.clear()

    def slice(self, start: bytes, end: bytes | None) -> list[tuple[bytes, Written]]:
        """Return the writes with start <= key < end, in key order."""
        keys, writes = self._keys, self._writes
        stop = len(keys) if end is None else bisect_left(keys, end)
        found = ((key, writes.get(key)) for key in keys[bisect_left(keys, start) : stop])
        return [(key, write[0]) for key, write in found if write is not None]


def merged(
    over: list[tuple[bytes, Written]], under: Iterator[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is seen through writes laid over rows, both in key order."""
    row = next(under, None)
    for key, written in over:
        while row is not None and row[0] < key:
            yield row
            row = next(under, None)
        if row is not None and row[0] == key:
            row = next(under, None)
        if written is not None:
            yield key, written
    if row is not None:
        yield row
        yield from under
