"""The history of every key, in key order: what answers where the bytes lie in the backend."""

from collections.abc import Iterator

from sortedcontainers import SortedDict

from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_index import Found, Generation, KeyIndex
from nodeimpl.mvcc.key_ranges import KeyRange
from nodeimpl.mvcc.rows import ChangeId, Place


class Index:
    """All keys of which anything is known, and their histories (etcd, mvcc/index.go)."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: SortedDict[bytes, KeyIndex] = SortedDict()

    @property
    def key_count(self) -> int:
        """Of how many keys something is known."""
        return len(self._keys)

    def find(self, key: bytes, at: Revision) -> Found | None:
        """Return the change that holds for `key` at revision `at`; None if it does not exist."""
        key_index = self._keys.get(key)
        return None if key_index is None else key_index.find(at)

    def scan(self, keys: KeyRange, at: Revision) -> Iterator[tuple[bytes, Found]]:
        """Yield, in key order, the keys that exist at `at`. Nothing may be put meanwhile."""
        if keys.is_empty:
            return
        for key in self._keys.irange(keys.start, keys.end, inclusive=(True, False)):
            found = self._keys[key].find(at)
            if found is not None:
                yield key, found

    def put(self, key: bytes, main: Revision, sub: int) -> Generation:
        """Add a put; return the generation it belongs to."""
        key_index = self._keys.get(key)
        if key_index is None:
            key_index = self._keys[key] = KeyIndex()
        return key_index.put(main, sub)

    def tombstone(self, key: bytes, main: Revision, sub: int) -> None:
        """Add a tombstone to a key that exists."""
        self._keys[key].tombstone(main, sub)

    def restore(self, key: bytes, place: Place, created: Revision, version: int) -> None:
        """Add a change read back from the backend; changes come in the order of their places.

        `created` and `version` matter for the first change of a key only.
        """
        key_index = self._keys.get(key)
        if key_index is None:
            key_index = self._keys[key] = KeyIndex()
            key_index.restore(place, created, version)
        elif place.is_tombstone:
            key_index.tombstone(place.main, place.sub)
        else:
            key_index.put(place.main, place.sub)

    def kept_from(self, key: bytes, at: Revision) -> ChangeId:
        """Return where begins what a compaction at `at` keeps of `key`, which must be known."""
        return self._keys[key].kept_from(at)

    def forget_through(self, key: bytes, last: ChangeId) -> None:
        """Forget the changes of `key` up to and with `last`; and the key, if that was all."""
        key_index = self._keys[key]
        key_index.forget_through(last)
        if key_index.is_empty:
            del self._keys[key]

    def histories(self) -> Iterator[tuple[bytes, KeyIndex]]:
        """Yield every key's history, in key order."""
        yield from self._keys.items()
