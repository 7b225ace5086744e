"""What the watches of an etcd robustness report were told, as the records that are judged here.

etcd `tests/robustness/report`: `watch.json` of a client holds one watch on each line, with its
request and all responses that the client library handed out. The library resumes a broken watch
by itself, so each line is one watcher from its creation until the client stopped listening.

A report does not tell create_revision, version, the whole of prev_kv, when a watch was confirmed
or why it was cancelled; nor does it note what was compacted unasked. So `NOT_JUDGED` lists what
its watches cannot be judged by.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from checkers.formats.etcd_report import WATCH, ReportedValue, decoded_lines, files_called
from checkers.heard_file import Heard, unheard
from checkers.watch_history import (
    Cancel,
    Create,
    Created,
    Delivery,
    Event,
    EventKind,
    Progress,
    WatchRecord,
)

NOT_JUDGED: Final = (
    "watch-authorised",
    "watch-cancellation",
    "watch-convergence",
    "watch-create-modify",
    "watch-prev-kv",
)

_KINDS: Final = {"put-operation": EventKind.PUT, "delete-operation": EventKind.DELETE}
_FROM_KEY: Final = "\0"
_HIGHEST: Final = "\U0010ffff"


class _Request(msgspec.Struct, frozen=True, rename="pascal"):
    key: str = ""
    revision: int = 0
    with_prefix: bool = False
    with_progress_notify: bool = False
    with_prev_kv: bool = msgspec.field(default=False, name="WithPrevKV")


class _Event(msgspec.Struct, frozen=True, rename="pascal"):
    type: str
    key: str
    revision: int
    value: ReportedValue = ReportedValue()


class _Response(msgspec.Struct, frozen=True, rename="pascal"):
    events: list[_Event] | None = None
    is_progress_notify: bool = False
    revision: int = 0
    time: int = 0
    error: str = ""


class _Watch(msgspec.Struct, frozen=True, rename="pascal"):
    request: _Request = _Request()
    responses: list[_Response] | None = None


class _Line(NamedTuple):
    file: Path
    number: int
    watch: _Watch


_DECODER: Final = msgspec.json.Decoder(_Watch)


def read_watches(path: Path, heard: Heard = unheard) -> list[WatchRecord]:
    """Return the records of all watches in the directory `path`, or raise `HistoryFileError`."""
    records: list[WatchRecord] = []
    for number, line in enumerate(_lines(path, heard)):
        records += _records(number, line.watch)
    records.sort(key=lambda record: record.time)  # those of a watcher keep their order
    return records


def _lines(path: Path, heard: Heard) -> Iterator[_Line]:
    for file in files_called(WATCH, path):
        for number, watch in decoded_lines(file, _DECODER, heard):
            yield _Line(file, number, watch)


def _records(number: int, watch: _Watch) -> Iterator[WatchRecord]:
    request, responses = watch.request, watch.responses or []
    begun = responses[0].time if responses else 0
    yield Create(
        time=begun,
        watcher=number,
        stream=number,
        key=request.key,
        range_end=_prefix_end(request.key) if request.with_prefix else None,
        start_revision=request.revision,
        prev_kv=request.with_prev_kv,
        progress_notify=request.with_progress_notify,
    )
    yield Created(time=begun, watcher=number, revision=_before(responses))
    latest = begun
    for response in responses:
        latest = max(latest, response.time)
        if response.error:
            break
        if response.events:
            yield Delivery(
                time=latest,
                watcher=number,
                revision=response.revision,
                events=tuple(map(_event, response.events)),
            )
        elif response.is_progress_notify:
            yield Progress(time=latest, watcher=number, revision=response.revision)
    yield Cancel(time=latest, watcher=number)


def _before(responses: list[_Response]) -> int:
    """Return a revision at which the watch may have been confirmed: the latest there can be."""
    for response in responses:
        if response.events:
            return max(0, response.events[0].revision - 1)
        if response.is_progress_notify:
            return response.revision
    return 0


def _event(told: _Event) -> Event:
    kind = _KINDS.get(told.type, EventKind.PUT)
    value = told.value.text() if kind is EventKind.PUT else ""
    return Event(kind=kind, key=told.key, mod_revision=told.revision, value=value)


def _prefix_end(prefix: str) -> str:
    """Return the end of the interval of all keys that begin with `prefix`.

    As etcd's clientv3.WithPrefix has it: the last character that can be raised is.
    """
    stem = prefix.rstrip(_HIGHEST)
    return stem[:-1] + chr(ord(stem[-1]) + 1) if stem else _FROM_KEY
