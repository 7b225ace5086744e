"""One segment of the write-ahead log as bytes: a header, then records, then zeros.

All numbers are big-endian. The header:

    0        4            12               20             28            36           40
    +--------+------------+----------------+--------------+-------------+------------+
    | "QSG1" | sequence:8 | first_number:8 | cluster_id:8 | member_id:8 | crc:4      |
    +--------+------------+----------------+--------------+-------------+------------+

A record:

    0        4          8          16          24              28             32      32 + length
    +--------+----------+----------+-----------+---------------+--------------+--------+
    | "QRC1" | length:4 | number:8 | durable:8 | payload_crc:4 | header_crc:4 | payload |
    +--------+----------+----------+-----------+---------------+--------------+--------+

Records are numbered without a gap from 1, through all segments; `first_number` is that of the
segment's first. `durable` is the number up to which all records were known to be durable when this
one was written. The checksums are CRC-32, begun with one over cluster, member and sequence: a
record that strayed in from another segment does not fit.

Many records are written between two syncs (group commit), and a power cut may keep a later page of
them and lose an earlier one. So a bad record with a good one behind it proves nothing by itself.
It does if the good one says that the bad one was durable: then it was acknowledged, and the log
must not be used. If none says so, nothing from the bad one on was: it is the torn tail, and is cut.
"""

import struct
import zlib
from typing import Final

import msgspec

MAGIC: Final = b"QSG1"
RECORD_MAGIC: Final = b"QRC1"

_HEADER = struct.Struct(">4sQQQQ")
_RECORD = struct.Struct(">4sIQQI")
_CRC = struct.Struct(">I")
_SEED = struct.Struct(">QQQ")
SEGMENT_HEADER_BYTES: Final = _HEADER.size + _CRC.size
RECORD_HEADER_BYTES: Final = _RECORD.size + _CRC.size


class SegmentId(msgspec.Struct, frozen=True):
    """Which segment of whose log."""

    cluster_id: int
    member_id: int
    sequence: int

    @property
    def seed(self) -> int:
        """What the checksums in this segment begin with."""
        return zlib.crc32(_SEED.pack(self.cluster_id, self.member_id, self.sequence))


class SegmentHeader(msgspec.Struct, frozen=True):
    """What a segment says of itself."""

    segment_id: SegmentId
    first_number: int


class Record(msgspec.Struct, frozen=True):
    """A good record."""

    number: int
    durable: int
    start: int
    """Where it begins."""
    payload_start: int
    end: int


def encode_header(header: SegmentHeader) -> bytes:
    """Return the bytes of a segment's header."""
    segment_id = header.segment_id
    body = _HEADER.pack(
        MAGIC,
        segment_id.sequence,
        header.first_number,
        segment_id.cluster_id,
        segment_id.member_id,
    )
    return body + _CRC.pack(zlib.crc32(body))


def decode_header(data: bytes) -> SegmentHeader | None:
    """Return the header at the beginning of a segment; None if there is no good one."""
    if len(data) < SEGMENT_HEADER_BYTES:
        return None
    (crc,) = _CRC.unpack_from(data, _HEADER.size)
    if zlib.crc32(data[: _HEADER.size]) != crc:
        return None
    magic, sequence, first_number, cluster_id, member_id = _HEADER.unpack_from(data)
    if magic != MAGIC:
        return None
    return SegmentHeader(SegmentId(cluster_id, member_id, sequence), first_number)


def encode_record(seed: int, number: int, durable: int, payload: bytes) -> bytes:
    """Return the bytes of a record."""
    body = _RECORD.pack(RECORD_MAGIC, len(payload), number, durable, zlib.crc32(payload, seed))
    return body + _CRC.pack(zlib.crc32(body, seed)) + payload


def record_at(data: bytes, start: int, seed: int) -> Record | None:
    """Return the good record that begins here; None if none does."""
    payload_start = start + RECORD_HEADER_BYTES
    if payload_start > len(data) or not data.startswith(RECORD_MAGIC, start):
        return None
    _, length, number, durable, payload_crc = _RECORD.unpack_from(data, start)
    (header_crc,) = _CRC.unpack_from(data, start + _RECORD.size)
    end = payload_start + length
    if zlib.crc32(data[start : start + _RECORD.size], seed) != header_crc or end > len(data):
        return None
    if zlib.crc32(data[payload_start:end], seed) != payload_crc:
        return None
    return Record(number, durable, start, payload_start, end)


def records_from(data: bytes, start: int, seed: int, first_number: int) -> list[Record]:
    """Return the good records from here on, numbered without a gap from `first_number`."""
    records: list[Record] = []
    while (
        record := record_at(data, start, seed)
    ) is not None and record.number == first_number + len(records):
        records.append(record)
        start = record.end
    return records


def durable_from(data: bytes, start: int, seed: int) -> int:
    """Return the largest `durable` of any good record that begins at `start` or later; 0: none."""
    largest = 0
    candidate = data.find(RECORD_MAGIC, start)
    while candidate != -1:
        record = record_at(data, candidate, seed)
        if record is not None:
            largest = max(largest, record.durable)
        candidate = data.find(RECORD_MAGIC, candidate + 1 if record is None else record.end)
    return largest
