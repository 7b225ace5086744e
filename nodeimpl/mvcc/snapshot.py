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
from collections.abc import Iterable
from typing import Final

import msgspec

from nodeimpl.ids import LogIndex, Term
from nodeimpl.mvcc.backend import Applied, Backend, CommitPoint

MAGIC: Final = b"QMS1"

_HEADER = struct.Struct(">4sQQIQ")
_ROW = struct.Struct(">II")
_CHECKSUM_BYTES: Final = hashlib.sha256().digest_size
_BYTES_MIN: Final = _HEADER.size + _CHECKSUM_BYTES


class SnapshotCorruption(Exception):  # noqa: N818  (it names what was found, as the faults do)
    """Bytes that are no snapshot of this version; the message says what is wrong with them."""


class Snapshot(msgspec.Struct, frozen=True):
    """What a snapshot holds."""

    applied: Applied
    """What of the log has gone into the rows."""
    rows: tuple[tuple[bytes, bytes], ...]
    """Keys and values of the backend, in ascending key order."""


def encode_snapshot(backend: Backend) -> bytes:
    """Return everything in the backend, which must be sealed, as the bytes of a snapshot.

    It holds what was written, be it durable or not: whoever trims a log by it must first see its
    commit point committed.
    """
    assert backend.is_sealed, "seal first: only then is `applied` that of the rows"
    return encode_rows(backend.applied, backend.scan(b"", None))


def encode_rows(applied: Applied, rows: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return these rows, in ascending key order and the outcome of `applied`, as a snapshot."""
    parts: list[bytes] = []
    for key, value in rows:
        parts += (_ROW.pack(len(key), len(value)), key, value)
    header = _HEADER.pack(
        MAGIC, applied.index, applied.term, len(applied.configuration), len(parts) // 3
    )
    body = b"".join((header, applied.configuration, *parts))
    return body + hashlib.sha256(body).digest()


def decode_snapshot(data: bytes) -> Snapshot:
    """Return what `encode_snapshot` was given; raise `SnapshotCorruption` on other bytes."""
    if len(data) < _BYTES_MIN:
        raise SnapshotCorruption(f"{len(data)} bytes: a snapshot has at least {_BYTES_MIN}")
    end = len(data) - _CHECKSUM_BYTES
    if hashlib.sha256(memoryview(data)[:end]).digest() != data[end:]:
        raise SnapshotCorruption(f"{len(data)} bytes do not match their checksum")
    # The checksum is right: what is wrong from here on was written so.
    magic, index, term, configuration_length, row_count = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise SnapshotCorruption(f"a snapshot of format {magic!r}, expected {MAGIC!r}")
    start = _HEADER.size + configuration_length
    if start > end:
        raise SnapshotCorruption(f"the configuration ends {start - end} bytes too late")
    applied = Applied(LogIndex(index), Term(term), data[_HEADER.size : start])
    return Snapshot(applied, _decode_rows(data, start, row_count, end))


def install_snapshot(backend: Backend, data: bytes) -> CommitPoint:
    """Put the snapshot in the place of everything in the backend; return its commit point.

    Until that is committed, a crash leaves the backend as it was. Raises `SnapshotCorruption`
    before it has touched anything. Every `Store` on this backend is void: make a new one.
    """
    snapshot = decode_snapshot(data)
    return backend.restore(snapshot.applied, snapshot.rows)


def _decode_rows(
    data: bytes, start: int, row_count: int, end: int
) -> tuple[tuple[bytes, bytes], ...]:
    rows: list[tuple[bytes, bytes]] = []
    position = start
    last_key: bytes | None = None
    for number in range(row_count):
        key_start = position + _ROW.size
        if key_start > end:
            raise SnapshotCorruption(f"row {number} of {row_count} is missing")
        key_length, value_length = _ROW.unpack_from(data, position)
        value_start = key_start + key_length
        position = value_start + value_length
        if position > end:
            raise SnapshotCorruption(f"row {number} ends {position - end} bytes too late")
        key = data[key_start:value_start]
        if last_key is not None and key <= last_key:
            raise SnapshotCorruption(f"row {number}: {key!r} does not come after {last_key!r}")
        rows.append((key, data[value_start:position]))
        last_key = key
    if position != end:
        raise SnapshotCorruption(f"{end - position} bytes behind the last row")
    return tuple(rows)
