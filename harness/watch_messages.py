"""What a client that watches says and hears, as etcd's messages and as a history's records."""

from typing import Final

import msgspec

from checkers.watch_history import Event, EventKind, PreviousKv
from harness.padding import shown
from nodeimpl.api import kv_pb2
from nodeimpl.api.rpc_pb2 import WatchCreateRequest


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a new watcher is to watch, from when on and how."""

    key: str
    range_end: str | None
    start_revision: int
    prev_kv: bool
    fragment: bool
    progress_notify: bool
    filters: tuple[EventKind, ...]
    chooses_id: bool
    """Whether the client names the watcher, or leaves it to the store."""


def create_request(drawn: Drawn, watch_id: int) -> WatchCreateRequest:
    """Return the request for a watcher; with `watch_id` 0 the store names it."""
    return WatchCreateRequest(
        key=drawn.key.encode(),
        range_end=(drawn.range_end or "").encode(),
        start_revision=drawn.start_revision,
        prev_kv=drawn.prev_kv,
        fragment=drawn.fragment,
        progress_notify=drawn.progress_notify,
        filters=[_FILTERS[kind] for kind in drawn.filters],
        watch_id=watch_id,
    )


_FILTERS: Final = {
    EventKind.PUT: WatchCreateRequest.NOPUT,
    EventKind.DELETE: WatchCreateRequest.NODELETE,
}


def event_of(event: kv_pb2.Event) -> Event:
    """Return what a history holds of an event."""
    kv = event.kv
    previous = None
    if event.HasField("prev_kv"):
        before = event.prev_kv
        previous = PreviousKv(
            key=_text(before.key),
            value=shown(before.value),
            create_revision=before.create_revision,
            mod_revision=before.mod_revision,
            version=before.version,
            lease=before.lease,
        )
    return Event(
        kind=EventKind.DELETE if event.type == kv_pb2.Event.DELETE else EventKind.PUT,
        key=_text(kv.key),
        mod_revision=kv.mod_revision,
        value=shown(kv.value),
        create_revision=kv.create_revision,
        version=kv.version,
        lease=kv.lease,
        prev=previous,
    )


def _text(received: bytes) -> str:
    return received.decode(errors="backslashreplace")
