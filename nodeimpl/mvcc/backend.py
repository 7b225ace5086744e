"""What the store asks of the thing that keeps its bytes: an ordered byte map with commit points.

The store reads its own writes at once. They become durable only when the driver carries out
`commit` of a point that was sealed after them, so what consensus has not yet made durable can
never overtake the log: the point travels as an effect behind the `Persist` it depends on.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NewType, Protocol

import msgspec

from nodeimpl.ids import LogIndex, Term
from nodeimpl.spool import Spool, StateBytes

CommitPoint = NewType("CommitPoint", int)
"""Names all writes up to a `seal`; later points are larger."""


class Applied(msgspec.Struct, frozen=True, gc=False):
    """How much of the log the bytes are the outcome of; it is committed in one with them.

    So the backend can stand in for the log up to there: it is the snapshot of Raft §7, and this is
    what the paper keeps with one, "the last included index and term" and "the latest
    configuration".
    """

    index: LogIndex
    term: Term
    """Of the entry at `index`."""
    configuration: bytes = b""
    """Who the members were as of `index`, as consensus encodes it; empty for those a node's own
    configuration names."""


NOTHING_APPLIED: Final = Applied(LogIndex(0), Term(0))
"""What a new backend is the outcome of."""


class Backend(Protocol):
    """An ordered map from bytes to bytes. All calls are synchronous."""

    @property
    def applied(self) -> Applied:
        """What the last point sealed, or recovered after a restart, is the outcome of."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, or None if there is none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`."""

    def delete(self, key: bytes) -> None:
        """Remove `key`; removing what is not there does nothing."""

    def scan(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start <= key < end in key order; `end` None means to the last."""

    @property
    def is_sealed(self) -> bool:
        """Nothing was written since the last seal: the map is the outcome of `applied`."""

    def seal(self, applied: Applied) -> CommitPoint:
        """Name everything written so far, `applied` with it, as one commit point."""

    def restore(self, applied: Applied, rows: Iterable[tuple[bytes, bytes]]) -> CommitPoint:
        """Put `rows`, in ascending key order, in the place of everything; seal that.

        All or nothing: until the point returned is committed, a crash leaves what was there
        before. `applied.index` must not fall.
        """

    def commit(self, point: CommitPoint) -> None:
        """Make everything up to `point` durable, all or nothing. Called by drivers only."""

    def size_bytes(self) -> int:
        """Bytes of all keys and values now in the map."""

    @property
    def is_behind(self) -> bool:
        """Whether points wait to be committed, so that who can should not add to them."""

    def row_count(self) -> int:
        """Return how many keys are in the map."""

    def spool(self) -> Spool:
        """Return an empty place for the bytes of a state that arrives."""

    def spooled(self, pieces: Iterable[bytes]) -> StateBytes:
        """Return the bytes of a state that is to be sent; `pieces` need not be read at once.

        So they must not depend on what is written meanwhile, unless they are read at once.
        """
