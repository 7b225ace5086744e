"""Where things lie in the backend: one row for each change, in the order of the changes.

    row                        holds
    "m" name                   meta: a fact about the whole store
    "r" main:8 sub:8           a put: the KeyValue as it then stood
    "r" main:8 sub:8 "t"       a tombstone: a KeyValue with key and mod_revision, and no more

`main` is the revision of the command, `sub` numbers the changes of one command from 0, both
big-endian, so the order of the bytes is the order of the changes (as etcd, mvcc/revision.go; its
tombstones bear the same mark).
"""

import struct
from typing import Final

import msgspec

from nodeimpl.ids import Revision
from nodeimpl.mvcc.backend import Backend

CHANGES_START: Final = b"r"
CHANGES_END: Final = b"s"

COMPACTION_ROW: Final = b"mcompaction"

_PUT_ROW = struct.Struct(">cQQ")
_TOMBSTONE_ROW = struct.Struct(">cQQc")
_COMPACTION = struct.Struct(">qI")


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where one change lies."""

    main: Revision
    sub: int
    is_tombstone: bool


class CompactionMark(msgspec.Struct, frozen=True, gc=False):
    """The last compaction: its revision, and the store's hash at that revision."""

    revision: Revision
    hash: int


def put_row(main: Revision, sub: int) -> bytes:
    """Return the row of a put."""
    return _PUT_ROW.pack(b"r", main, sub)


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


def write_compaction_mark(backend: Backend, mark: CompactionMark) -> None:
    """Remember the last compaction."""
    backend.put(COMPACTION_ROW, _COMPACTION.pack(mark.revision, mark.hash))


def read_compaction_mark(backend: Backend) -> CompactionMark | None:
    """Return the last compaction; None if there was none."""
    packed = backend.get(COMPACTION_ROW)
    if packed is None:
        return None
    revision, chain_hash = _COMPACTION.unpack(packed)
    return CompactionMark(Revision(revision), chain_hash)
