"""Where things lie in the backend: one row for each change, in the order of the changes.

    row                        holds
    "f" kind name              a fact beside the keys: a lease, an alarm, a member (`facts`)
    "m" name                   meta: where the whole store stands
    "r" main:8 sub:8           a put: the KeyValue as it then stood
    "r" main:8 sub:8 "t"       a tombstone: a KeyValue with key and mod_revision, and no more

`main` is the revision of the command, `sub` numbers the changes of one command from 0, both
big-endian, so the order of the bytes is the order of the changes (as etcd, mvcc/revision.go; its
tombstones bear the same mark).
"""

import struct
from typing import Final, TypeAlias

import msgspec

from nodeimpl.ids import Revision
from nodeimpl.mvcc.backend import Backend

CHANGES_START: Final = b"r"
CHANGES_END: Final = b"s"

SCHEDULED_ROW: Final = b"mcompaction-scheduled"
FINISHED_ROW: Final = b"mcompaction-finished"

_PUT_ROW = struct.Struct(">cQQ")
_pack_put_row = _PUT_ROW.pack
_TOMBSTONE_ROW = struct.Struct(">cQQc")
_CHANGE = struct.Struct(">QQ")
_SCHEDULED = struct.Struct(">qqI")
_FINISHED = struct.Struct(">q")


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where one change lies."""

    main: Revision
    sub: int
    is_tombstone: bool


ChangeId: TypeAlias = tuple[Revision, int]
"""Names one change: its main and its sub. Later changes have larger ones."""


class CompactionMark(msgspec.Struct, frozen=True, gc=False):
    """The last compaction: since it was applied nothing before its revision can be read."""

    revision: Revision
    applied_at: Revision
    """The store's revision when it was applied: no row after it is superseded by it."""
    hash: int
    """The store's hash at `applied_at`, for its rows may go."""


def put_row(main: Revision, sub: int) -> bytes:
    """Return the row of a put."""
    return _pack_put_row(b"r", main, sub)


def tombstone_row(main: Revision, sub: int) -> bytes:
    """Return the row of a tombstone."""
    return _TOMBSTONE_ROW.pack(b"r", main, sub, b"t")


def row_of(place: Place) -> bytes:
    """Return the row of the change at `place`."""
    if place.is_tombstone:
        return tombstone_row(place.main, place.sub)
    return put_row(place.main, place.sub)


def place_of(row: bytes) -> Place:
    """Return the place of a change's row; the inverse of `row_of`."""
    if len(row) == _PUT_ROW.size:
        _, main, sub = _PUT_ROW.unpack(row)
        return Place(Revision(main), sub, is_tombstone=False)
    _, main, sub, mark = _TOMBSTONE_ROW.unpack(row)
    assert mark == b"t", f"row {row!r} is neither a put nor a tombstone"
    return Place(Revision(main), sub, is_tombstone=True)


def change_of(row: bytes) -> ChangeId:
    """Return which change a row holds, be it a put or a tombstone."""
    main, sub = _CHANGE.unpack_from(row, 1)
    return Revision(main), sub


def write_compaction_mark(backend: Backend, mark: CompactionMark) -> None:
    """Remember the last compaction."""
    backend.put(SCHEDULED_ROW, _SCHEDULED.pack(mark.revision, mark.applied_at, mark.hash))


def read_compaction_mark(backend: Backend) -> CompactionMark | None:
    """Return the last compaction; None if there was none."""
    packed = backend.get(SCHEDULED_ROW)
    return None if packed is None else unpack_compaction_mark(packed)


def unpack_compaction_mark(packed: bytes) -> CompactionMark:
    """Return what `SCHEDULED_ROW` holds."""
    revision, applied_at, chain_hash = _SCHEDULED.unpack(packed)
    return CompactionMark(Revision(revision), Revision(applied_at), chain_hash)


def write_finished_revision(backend: Backend, revision: Revision) -> None:
    """Remember that every row superseded at or before `revision` is gone."""
    backend.put(FINISHED_ROW, _FINISHED.pack(revision))


def read_finished_revision(backend: Backend) -> Revision | None:
    """Return the last compaction whose rows are gone; None if there was none."""
    packed = backend.get(FINISHED_ROW)
    if packed is None:
        return None
    (revision,) = _FINISHED.unpack(packed)
    return Revision(revision)
