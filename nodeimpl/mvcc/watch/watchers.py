"""What a watcher is, what a stream of watchers is, and who watches a key."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_ranges import KeyRange
from nodeimpl.mvcc.watch.intervals import IntervalMap


@dataclass(slots=True, eq=False)
class Stream:
    """One connection of a client, on which any number of its watchers are served."""

    stream_id: int
    room_bytes: int
    """How much more the client may be sent. A response may go over it, but none begins at or
    below 0, save for answers to the client's own requests and the end of a watcher."""
    watchers: "dict[int, Watcher]" = field(default_factory=dict)
    """By watch id, in the order in which they were created."""
    next_id: int = 0
    """The next id to try for a watcher whose client leaves the choice to us."""
    waiting: "dict[Watcher, None]" = field(default_factory=dict)
    """Those of `watchers` that are behind and wait for room (etcd calls them victims)."""


@dataclass(slots=True, eq=False, kw_only=True)
class Watcher:
    """One watch of a client.

    It is *synced*, or *behind*. Synced: it has been given all there was for it, and is given what
    comes when it comes. Behind: it has yet to be given something of `next_revision` or later,
    which is read from history batch by batch.
    """

    stream: Stream
    watch_id: int
    keys: KeyRange
    start_revision: Revision
    """As the client asked for it; 0 for what comes after the watcher's creation."""
    next_revision: Revision
    """It has been given all that it wanted before this revision, and nothing of it or later. Of a
    synced watcher it may lag: whatever the hub has told of lies before it, too."""
    prev_kv: bool
    fragment: bool
    progress_notify: bool
    no_put: bool
    no_delete: bool
    user: str | None
    """Who asked, while users must say who they are; None if nobody did."""
    is_synced: bool = False
    was_told: bool = False
    """Whether it was sent events since progress was last told to all."""


class WatcherSet:
    """Watchers by what they watch: one key, or a range."""

    __slots__ = ("_count", "_of_key", "_of_range")

    def __init__(self) -> None:
        self._of_key: dict[bytes, dict[Watcher, None]] = {}
        self._of_range: IntervalMap[Watcher] = IntervalMap()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, watcher: Watcher) -> None:
        """Add a watcher, which must not be there."""
        keys = watcher.keys
        if _is_one_key(keys):
            self._of_key.setdefault(keys.start, {})[watcher] = None
        else:
            self._of_range.add(keys, watcher)
        self._count += 1

    def remove(self, watcher: Watcher) -> None:
        """Remove a watcher, which must be there."""
        keys = watcher.keys
        if _is_one_key(keys):
            of_key = self._of_key[keys.start]
            del of_key[watcher]
            if not of_key:
                del self._of_key[keys.start]
        else:
            self._of_range.remove(keys, watcher)
        self._count -= 1

    def of(self, key: bytes) -> Iterator[Watcher]:
        """Yield who watches `key`. Nobody may be added or removed meanwhile."""
        of_key = self._of_key.get(key)
        if of_key is not None:
            yield from of_key
        if self._of_range:
            yield from self._of_range.holding(key)


def _is_one_key(keys: KeyRange) -> bool:
    return keys.end == keys.start + b"\0"
