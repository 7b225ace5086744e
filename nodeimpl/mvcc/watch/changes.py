"""What happened to keys, read back from the rows of the store: the events of watches."""

from dataclasses import dataclass

from nodeimpl.api.kv_pb2 import Event, KeyValue
from nodeimpl.ids import Revision
from nodeimpl.mvcc.rows import CHANGES_END, place_of, put_row
from nodeimpl.mvcc.state import StoreState


@dataclass(slots=True)
class Change:
    """One change of one key, as watchers are told of it."""

    revision: Revision
    key: bytes
    is_delete: bool
    event: Event
    """Without what was before."""
    full_event: Event | None = None
    """With what was before; None until someone has asked for it."""


@dataclass(slots=True)
class Batch:
    """Some revisions in a row, each with all its changes."""

    changes: list[Change]
    until: Revision
    """The last revision: all that happened up to it since the batch's start is in `changes`."""


def read_batch(state: StoreState, since: Revision, *, rows_max: int, bytes_max: int) -> Batch:
    """Return the changes from revision `since` on, in order: whole revisions, the first always.

    No further revision is begun behind `rows_max` rows or `bytes_max` bytes. What lies before the
    compaction is gone, or may be: do not ask for it.
    """
    changes: list[Change] = []
    size_bytes = 0
    for row, record in state.backend.scan(put_row(Revision(max(0, since)), 0), CHANGES_END):
        place = place_of(row)
        is_full = len(changes) >= rows_max or size_bytes >= bytes_max
        if is_full and place.main != changes[-1].revision:
            return Batch(changes, changes[-1].revision)
        event = Event(type=Event.DELETE if place.is_tombstone else Event.PUT)
        event.kv.ParseFromString(record)
        changes.append(Change(place.main, event.kv.key, place.is_tombstone, event))
        size_bytes += len(record)
    return Batch(changes, state.revision)


def event_of(state: StoreState, change: Change, *, prev_kv: bool) -> Event:
    """Return the event to tell of a change, with what was before if `prev_kv`."""
    if not prev_kv:
        return change.event
    if change.full_event is None:
        change.full_event = _with_previous(state, change)
    return change.full_event


def _with_previous(state: StoreState, change: Change) -> Event:
    previous = previous_kv(state, change.event.kv, change.revision)
    if previous is None:
        return change.event
    event = Event()
    event.CopyFrom(change.event)
    event.prev_kv.CopyFrom(previous)
    return event


def previous_kv(state: StoreState, kv: KeyValue, revision: Revision) -> KeyValue | None:
    """Return what held for the key before `revision`; None if nothing did, or it is compacted.

    (etcd, v3rpc/watch.go: a range at the revision before, whatever comes of it.)
    """
    before = Revision(revision - 1)
    if kv.create_revision == revision or before < state.compaction.revision:
        return None
    found = state.index.find(kv.key, before)
    return None if found is None else KeyValue.FromString(state.record(found))
