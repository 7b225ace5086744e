"""What every watcher was told, response by response, as it was received.

A history holds operations: one call, one answer. A watch is one call and any number of answers, so
these stand beside the history, in `watch.jsonl` of a run (docs/HISTORY_FORMAT.md, "Watches"). The
order of records is the order in which they were received, and every `time` is in nanoseconds from
the start of the trial, by the clock of the history.

A *watcher* here is one watch from its creation to its end, numbered through the whole file; a
watch that is established anew after a break is another watcher, which `resumes` the first.
"""

import enum
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from checkers.history_file import LINE_BYTES_MAX, Header, HistoryFileError

FORMAT_NAME: Final = "watch"
FORMAT_VERSION: Final = 1


class EventKind(enum.StrEnum):
    """What happened to a key (etcd mvccpb.Event.EventType)."""

    PUT = "put"
    DELETE = "delete"


class PreviousKv(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The key as it was before an event (etcd mvccpb.Event.prev_kv)."""

    key: str
    value: str
    create_revision: int
    mod_revision: int
    version: int
    lease: int = 0


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One change of one key, as the store told it (etcd mvccpb.Event).

    Of a deletion the store tells key and mod_revision only; the rest is as it came, which should be
    empty and zero.
    """

    kind: EventKind
    key: str
    mod_revision: int
    """The revision of the change."""
    value: str = ""
    create_revision: int = 0
    version: int = 0
    lease: int = 0
    prev: PreviousKv | None = None
    """None if the response had none, whether it was asked for or not."""


class Create(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="create",
):
    """A client asks for a watch (etcd WatchCreateRequest). Stamped before it is sent."""

    time: int
    watcher: int
    """The number of the watcher, from 0 through the file; not etcd's watch_id."""
    stream: int
    """The stream (one gRPC call of Watch) it is on, numbered through the file."""
    node: str | None = None
    """The node that the stream goes to."""
    key: str
    range_end: str | None = None
    """None: `key` alone; "\\0": from `key` on; else up to here, exclusive."""
    start_revision: int = 0
    """The first revision whose events are wanted; 0: what happens from now on."""
    prev_kv: bool = False
    progress_notify: bool = False
    fragment: bool = False
    filters: tuple[EventKind, ...] = ()
    """Kinds of events that are not wanted (etcd NOPUT, NODELETE)."""
    resumes: int | None = None
    """The watcher that broke and that this one continues; None if it begins something new."""
    user: str | None = None
    """Who asks; None without authentication."""
    readable: tuple[tuple[str, str | None], ...] | None = None
    """Intervals `[key, range_end]` that the user may read; None if nothing is denied."""


class Created(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="created",
):
    """The store confirms the watch (etcd WatchResponse.created)."""

    time: int
    watcher: int
    revision: int
    """The header's."""


class Delivery(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="events",
):
    """A response with events, in the order in which the response held them."""

    time: int
    watcher: int
    revision: int
    """The header's: the store's revision when it was sent."""
    events: tuple[Event, ...]
    fragment: bool = False
    """True if the response continues in the watcher's next one (etcd WatchResponse.fragment)."""


class Progress(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="progress",
):
    """A response without events: all up to the header's revision have been delivered.

    Sent by itself (progress_notify) or on request; a request's answer concerns every watcher on
    its stream (etcd: watch_id -1), and is recorded once for each that was open.
    """

    time: int
    watcher: int
    revision: int


class Canceled(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="canceled",
):
    """The store ends the watch (etcd WatchResponse.canceled)."""

    time: int
    watcher: int
    revision: int
    """The header's."""
    compact_revision: int = 0
    """Not 0 if revisions that the watcher still needed are compacted up to here."""
    reason: str = ""


class Cancel(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="cancel",
):
    """The client ends the watch: it asks the store to, or stops listening."""

    time: int
    watcher: int


class Break(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="break",
):
    """A stream broke, and with it every watcher on it that had not ended."""

    time: int
    stream: int
    error: str = ""


class RequestProgress(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="request-progress",
):
    """A client asks for the progress of a stream (etcd WatchProgressRequest)."""

    time: int
    stream: int


class End(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="end",
):
    """The load was over and faults healed long enough for every open watcher to catch up.

    Written last, and only if so: watchers that are still open should have been told of everything
    up to `revision`. Without it, nobody knows how far they should have come.
    """

    time: int
    revision: int
    """The store's, read linearizably before the waiting began."""
    waited_ns: int = 0
    """How long watchers were waited for after that."""


WatchRecord: TypeAlias = (
    Create | Created | Delivery | Progress | Canceled | Cancel | Break | RequestProgress | End
)

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[WatchRecord]] = msgspec.json.Decoder(WatchRecord)
_HEADER_DECODER: Final = msgspec.json.Decoder(Header)


def encode_watch_header(about: dict[str, object] | None = None) -> bytes:
    """Return the first line of a file, with its newline."""
    header = Header(quorate=FORMAT_NAME, version=FORMAT_VERSION, about=about or {})
    return _ENCODER.encode(header) + b"\n"


def encode_watch_record(record: WatchRecord) -> bytes:
    """Return the line of `record`, with its newline."""
    return _ENCODER.encode(record) + b"\n"


def write_watch_file(
    path: Path, records: Iterable[WatchRecord], about: dict[str, object] | None = None
) -> None:
    """Write `records` to a new file or over an old one."""
    with path.open("wb") as file:
        file.write(encode_watch_header(about))
        file.writelines(map(encode_watch_record, records))


def load_watch_file(path: Path, *, allow_torn_tail: bool = False) -> list[WatchRecord]:
    """Return all records in `path`; raise `HistoryFileError` if it is not such a file.

    With `allow_torn_tail`, a last line that its writer had no time to finish is dropped.
    """
    return list(_records(path, allow_torn_tail=allow_torn_tail))


def _records(path: Path, *, allow_torn_tail: bool) -> Iterator[WatchRecord]:
    try:
        with path.open("rb") as file:
            _check_header(path, file.readline(LINE_BYTES_MAX))
            time, number = 0, 1
            while text := file.readline(LINE_BYTES_MAX):
                number += 1
                if not text.endswith(b"\n") and allow_torn_tail:
                    return
                record = _decode(path, text, number)
                if record.time < time:
                    message = f"time goes back to {record.time} ns; expected at least {time} ns"
                    raise HistoryFileError(path, number, message)
                time = record.time
                yield record
    except OSError as error:
        raise HistoryFileError(path, None, f"cannot be read: {error.strerror}") from error


def _check_header(path: Path, text: bytes) -> None:
    try:
        header = _HEADER_DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HistoryFileError(path, 1, f"not the header of a watch file: {error}") from error
    if (header.quorate, header.version) != (FORMAT_NAME, FORMAT_VERSION):
        message = f"is a {header.quorate!r} of version {header.version}; expected a 'watch' of 1"
        raise HistoryFileError(path, 1, message)


def _decode(path: Path, text: bytes, number: int) -> WatchRecord:
    if not text.endswith(b"\n"):
        raise HistoryFileError(path, number, "the line is cut off or too long")
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HistoryFileError(path, number, f"not a watch record: {error}") from error
