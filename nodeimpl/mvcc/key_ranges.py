"""Which keys a request means, and sets of keys.

A request names [key, range_end): an empty `range_end` means `key` alone, one zero byte means every
key from `key` on (etcd, learning/api: key ranges).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Final

import msgspec

FROM_KEY: Final = b"\0"
"""The `range_end` that means: to the last key."""


class KeyRange(msgspec.Struct, frozen=True, gc=False):
    """The keys with start <= key < end; `end` None means to the last. May be empty."""

    start: bytes
    end: bytes | None

    @property
    def is_empty(self) -> bool:
        """No key can be in it."""
        return self.end is not None and self.end <= self.start


def key_range(key: bytes, range_end: bytes) -> KeyRange:
    """Return the keys that a request with `key` and `range_end` means."""
    if not range_end:
        return KeyRange(key, key + b"\0")  # The next key there can be.
    if range_end == FROM_KEY:
        return KeyRange(key, None)
    return KeyRange(key, range_end)


@dataclass(slots=True)
class KeySet:
    """A set of keys made of ranges, kept as disjoint ones in order.

    Adding n ranges and asking n times costs n log n (and the moving of list items).
    """

    _starts: list[bytes] = field(default_factory=list)
    _ends: list[bytes | None] = field(default_factory=list)

    def add(self, added: KeyRange) -> None:
        """Add every key of a range."""
        if added.is_empty:
            return
        start, end = added.start, added.end
        first = bisect_left(self._starts, start)
        if first > 0 and self._reaches(first - 1, start):
            first -= 1
            start = self._starts[first]
        last = len(self._starts) if end is None else bisect_right(self._starts, end)
        for number in range(first, last):
            end = _later(end, self._ends[number])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def update(self, other: "KeySet") -> None:
        """Add every key of another set."""
        for keys in other.ranges():
            self.add(keys)

    def ranges(self) -> list[KeyRange]:
        """Return the disjoint ranges that make up the set, in order."""
        return [KeyRange(*ends) for ends in zip(self._starts, self._ends, strict=True)]

    def covers(self, keys: KeyRange) -> bool:
        """Whether every key of a range is in the set; of an empty range, whether its start is."""
        if keys.is_empty:
            return keys.start in self
        number = bisect_right(self._starts, keys.start) - 1
        if number < 0:
            return False
        end = self._ends[number]
        return end is None or (keys.end is not None and keys.end <= end)

    def __contains__(self, key: bytes) -> bool:
        number = bisect_right(self._starts, key) - 1
        if number < 0:
            return False
        end = self._ends[number]
        return end is None or key < end

    def _reaches(self, number: int, key: bytes) -> bool:
        """Whether the range of this number holds `key` or ends right before it."""
        end = self._ends[number]
        return end is None or end >= key


def _later(one: bytes | None, other: bytes | None) -> bytes | None:
    """Return the later of two ends; None is the last of all."""
    if one is None or other is None:
        return None
    return max(one, other)
