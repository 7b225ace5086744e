"""A whole store as bytes, and back: what a member gets whose log has been trimmed (Raft §7).

All numbers are big-endian:

    0        4         12       20                       24            32
    +--------+---------+--------+------------------------+-------------+-----
    | "QMS1" | index:8 | term:8 | configuration_length:4 | row_count:8 | ...
    +--------+---------+--------+------------------------+-------------+-----
        32                                           length - 32          length
    -----+---------------+-------------------------------+-------------------+
     ... | configuration | rows                          | SHA-256 of it all |
    -----+---------------+-------------------------------+-------------------+

    a row:
    0              4                8                    8 + key_length
    +--------------+----------------+--------------------+-----------------------+
    | key_length:4 | value_length:4 | key                | value                 |
    +--------------+----------------+--------------------+-----------------------+

Index, term and configuration are those of `Applied`. Rows are the backend's, in ascending key
order, meta rows included: equal backends give equal bytes, and a store on a backend restored from
them gives equal answers and goes on with a removal that was under way. The digit in the magic word
is the version of the format. The checksum is looked at first: bytes that crossed a network in
chunks replace a whole store, so nothing of them is believed before (etcd's snapshots, too, end
with a SHA-256).
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied, Backend, CommitPoint
from nodeimpl.spool import StateBytes

MAGIC: Final = b"QMS1"

_HEADER = struct.Struct(">4sQQIQ")
_ROW = struct.Struct(">II")
_CHECKSUM_BYTES: Final = hashlib.sha256().digest_size
_PIECE_BYTES: Final = 1 << 20
_ROWS_PER_PIECE: Final = 500
_BYTES_MIN: Final = _HEADER.size + _CHECKSUM_BYTES


class SnapshotCorruption(Exception):  # noqa: N818  (it names what was found, as the faults do)
    """Bytes that are no snapshot of this version; the message says what is wrong with them."""


class Snapshot(msgspec.Struct, frozen=True):
    """What a snapshot holds."""

    applied: Applied
    """What of the log has gone into the rows."""
    rows: Iterable[tuple[bytes, bytes]]
    """Keys and values of the backend, in ascending key order; may be gone through again."""


def encode_snapshot(backend: Backend) -> StateBytes:
    """Return everything in the backend, which must be sealed, as the bytes of a snapshot.

    It holds what was written, be it durable or not: whoever trims a log by it must first see its
    commit point committed. On the real backend nothing is read before its bytes are asked for, and
    no more than they: a store may be larger than memory.
    """
    assert backend.is_sealed, "seal first: only then is `applied` that of the rows"
    rows = backend.scan(b"", None)
    return backend.spooled(_encoded(backend.applied, backend.row_count(), rows))


def _encoded(
    applied: Applied, row_count: int, rows: Iterator[tuple[bytes, bytes]]
) -> Iterator[bytes]:
    """Yield these rows, in ascending key order and the outcome of `applied`, as a snapshot."""
    digest = hashlib.sha256()
    parts = [
        _HEADER.pack(MAGIC, applied.index, applied.term, len(applied.configuration), row_count),
        applied.configuration,
    ]
    while True:
        for key, value in islice(rows, _ROWS_PER_PIECE):
            parts += (_ROW.pack(len(key), len(value)), key, value)
        if not parts:
            break
        piece = b"".join(parts)
        digest.update(piece)
        yield piece
        parts.clear()
    yield digest.digest()


def decode_snapshot(data: StateBytes) -> Snapshot:
    """Return what `encode_snapshot` was given; raise `SnapshotCorruption` on other bytes."""
    end = _checked_length(data)
    # The checksum is right: what is wrong from here on was written so.
    magic, index, term, configuration_length, row_count = _HEADER.unpack(data[: _HEADER.size])
    if magic != MAGIC:
        raise SnapshotCorruption(f"a snapshot of format {magic!r}, expected {MAGIC!r}")
    start = _HEADER.size + configuration_length
    if start > end:
        raise SnapshotCorruption(f"the configuration ends {start - end} bytes too late")
    applied = Applied(LogIndex(index), Term(term), bytes(data[_HEADER.size : start]))
    rows = _Rows(data, start, row_count, end)
    for _ in rows:
        pass  # To look at: nothing is believed of what does not hold together.
    return Snapshot(applied, rows)


def install_snapshot(backend: Backend, data: StateBytes) -> CommitPoint:
    """Put the snapshot in the place of everything in the backend; return its commit point.

    Until that is committed, a crash leaves the backend as it was. Raises `SnapshotCorruption`
    before it has touched anything. Every `Store` on this backend is void: make a new one.
    """
    snapshot = decode_snapshot(data)
    return backend.restore(snapshot.applied, snapshot.rows)


def _checked_length(data: StateBytes) -> int:
    """Return how many bytes stand before the checksum; raise `SnapshotCorruption` if it is not."""
    digest = hashlib.sha256()
    length, last = 0, b""
    while piece := data[length : length + _PIECE_BYTES]:
        length += len(piece)
        last += piece
        digest.update(last[:-_CHECKSUM_BYTES])
        last = last[-_CHECKSUM_BYTES:]
    if length < _BYTES_MIN:
        raise SnapshotCorruption(f"{length} bytes: a snapshot has at least {_BYTES_MIN}")
    if digest.digest() != last:
        raise SnapshotCorruption(f"{length} bytes do not match their checksum")
    return length - _CHECKSUM_BYTES


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows within a snapshot's bytes, read a piece at a time."""

    data: StateBytes
    start: int
    count: int
    end: int

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows; raise `SnapshotCorruption` where they are not as they should be."""
        position = self.start
        piece, begin = b"", position
        last_key: bytes | None = None
        for number in range(self.count):
            if position + _ROW.size > self.end:
                raise SnapshotCorruption(f"row {number} of {self.count} is missing")
            if position + _ROW.size > begin + len(piece):
                piece, begin = self._piece(position, _ROW.size), position
            key_length, value_length = _ROW.unpack_from(piece, position - begin)
            row_end = position + _ROW.size + key_length + value_length
            if row_end > self.end:
                raise SnapshotCorruption(f"row {number} ends {row_end - self.end} bytes too late")
            if row_end > begin + len(piece):
                piece, begin = self._piece(position, row_end - position), position
            key_start = position + _ROW.size - begin
            value_start = key_start + key_length
            key = piece[key_start:value_start]
            if last_key is not None and key <= last_key:
                raise SnapshotCorruption(f"row {number}: {key!r} does not come after {last_key!r}")
            yield key, piece[value_start : value_start + value_length]
            last_key, position = key, row_end
        if position != self.end:
            raise SnapshotCorruption(f"{self.end - position} bytes behind the last row")

    def _piece(self, position: int, size_min: int) -> bytes:
        return bytes(self.data[position : position + max(size_min, _PIECE_BYTES)])
