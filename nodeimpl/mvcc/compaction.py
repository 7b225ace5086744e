"""Compaction: forget what later changes superseded (etcd, learning/data_model: compaction).

It comes in two parts, as in etcd (mvcc/kvstore.go, kvstore_compaction.go). The command *schedules*
it: from then on every node answers `COMPACTED` for reads before its revision, and that it was
scheduled lies in the backend. The rows are then *removed* in batches, each node at its own pace;
when all are gone, that it *finished* is written too. A crash between two batches loses nothing:
the removal begins again at the next start, and finds fewer rows.

What can be read, and every hash, depend on what was scheduled and never on what was removed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import CompactionRequest, CompactionResponse
from nodeimpl.ids import Revision
from nodeimpl.mvcc.index import Index
from nodeimpl.mvcc.rows import (
    ChangeId,
    CompactionMark,
    change_of,
    put_row,
    write_compaction_mark,
    write_finished_revision,
)
from nodeimpl.mvcc.state import Removal, StoreState


def apply_compaction(
    state: StoreState, request: CompactionRequest
) -> CompactionResponse | ApiError:
    """Schedule the forgetting of every change superseded at or before the revision asked for.

    Reads at that revision and later answer as before; reads before it answer `COMPACTED`. Nothing
    of the present changes, so the store's revision and hash stay. Costs the same however much
    there is to remove. Whether the answer waits for the removal (`physical`) is the node's to
    arrange.
    """
    revision = Revision(request.revision)
    if revision <= state.compaction.revision:
        return COMPACTED
    if revision > state.revision:
        return FUTURE_REVISION
    mark = CompactionMark(revision, state.revision, state.hash)
    write_compaction_mark(state.backend, mark)
    state.compaction = mark
    if state.removal is None:
        state.removal = Removal(until=revision)
    response = CompactionResponse()
    response.header.revision = state.revision
    return response


def remove_batch(state: StoreState, rows_max: int) -> bool:
    """Look at the next `rows_max` rows and remove the superseded ones; say if more is to do.

    Rows go in their order, so what is left of a key is always the end of its history. A removal
    under way is brought to its end before a compaction scheduled meanwhile has its turn.
    """
    removal = state.removal
    if removal is None:
        return False
    superseded = Superseded(state.index, removal.until)
    last_forgotten: dict[bytes, ChangeId] = {}
    rows = list(islice(rows_until(state, removal.next_row, removal.until), rows_max))
    for row, record in rows:
        key, change = KeyValue.FromString(record).key, change_of(row)
        if superseded.holds(key, change):
            state.backend.delete(row)
            last_forgotten[key] = change
    for key, change in last_forgotten.items():
        state.index.forget_through(key, change)
    if len(rows) == rows_max:
        removal.next_row = rows[-1][0] + b"\0"
    else:
        _finish(state, removal.until)
    return state.removal is not None


def _finish(state: StoreState, until: Revision) -> None:
    write_finished_revision(state.backend, until)
    state.finished_compaction = until
    scheduled = state.compaction.revision
    state.removal = Removal(until=scheduled) if scheduled > until else None


def rows_until(state: StoreState, start: bytes, until: Revision) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows, and what they hold, from row `start` through those of revision `until`."""
    return state.backend.scan(start, put_row(Revision(until + 1), 0))


@dataclass(slots=True)
class Superseded:
    """The changes that a compaction at revision `at` forgets. Nothing may be put meanwhile."""

    index: Index
    at: Revision
    _kept_from: dict[bytes, ChangeId] = field(default_factory=dict)
    """Of each key asked for: where begins what is kept."""

    def holds(self, key: bytes, change: ChangeId) -> bool:
        """Whether `change` of `key`, known to the index, is one of them."""
        kept_from = self._kept_from.get(key)
        if kept_from is None:
            kept_from = self._kept_from[key] = self.index.kept_from(key, self.at)
        return change < kept_from
