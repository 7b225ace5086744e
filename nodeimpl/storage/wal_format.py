"""The write-ahead log's bytes: one frame for each `Persist` and `Trim`, one after the other.

A frame, all numbers big-endian:

    0        4          8              12            16                    16 + length
    +--------+----------+--------------+-------------+---------------------+
    | "QWL1" | length:4 | payload_crc:4 | header_crc:4 | payload: `length` bytes |
    +--------+----------+--------------+-------------+---------------------+

`payload_crc` is the CRC-32 of the payload, `header_crc` that of the twelve bytes before it; the
digit in the magic word is the version of the format. The payload is records, one after the other:

    0    1                  9                   17
    +----+------------------+-------------------+
    | 1  | current_term:8   | voted_for:8       |                        hard state; 0 = no vote
    +----+------------------+-------------------+------+----------+------------------+
    | 2  | term:8           | index:8           | kind:1 | length:4 | data: `length` bytes |  entry
    +----+------------------+-------------------+------+----------+------------------+
    | 3  | prefix_term:8    | prefix_index:8    |                        prefix, in a frame alone
    +----+------------------+-------------------+

A prefix record says that the log begins behind it: what stands there, the store has applied and
made durable. Entries behind it stay if the log before it holds an entry of this index and term,
otherwise nothing does (Raft §7). A driver may write the log anew, as a file of one prefix record
and what is left (`recovery.compacted`), and put it in the place of the old one.

A `Persist` is one frame because it is one write with one fsync, and the next is written only when
that fsync is done. So a crash can spoil the last frame only, in any of its parts: it is cut off,
and nothing that was acknowledged is lost by that. A bad frame with a good one behind it was good
once, and what it held may have been acknowledged: that is corruption, and the log must not be used.

What no checksum can tell: a good last frame that went bad later looks like a torn one
(Alagappan et al. 2018, "Protocol-Aware Recovery for Consensus-Based Storage", section 2).
"""

import enum
import struct
import zlib
from typing import Final, TypeAlias, assert_never

import msgspec

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState

MAGIC: Final = b"QWL1"

_HEADER_BODY = struct.Struct(">4sII")
_HEADER_CRC = struct.Struct(">I")
HEADER_BYTES: Final = _HEADER_BODY.size + _HEADER_CRC.size

_HARD_STATE = struct.Struct(">BQQ")
_ENTRY = struct.Struct(">BQQBI")
_PREFIX = struct.Struct(">BQQ")

Write: TypeAlias = Persist | Trim
"""What the log is told, one frame each."""


class _RecordType(enum.IntEnum):
    """The first byte of a record."""

    HARD_STATE = 1
    ENTRY = 2
    PREFIX = 3


class WalCorruption(Exception):  # noqa: N818  (it names what was found, as the faults do)
    """The log holds bytes that were good once and no longer are; `offset` says where."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"write-ahead log is corrupt at offset {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class TornTail(msgspec.Struct, frozen=True):
    """The end of a log that a crash left half written."""

    offset: int
    """Where the good part ends: cut the file here before appending to it."""
    reason: str


class WalContents(msgspec.Struct, frozen=True):
    """What a log holds, in the order it was written."""

    writes: tuple[Write, ...]
    offsets: tuple[int, ...]
    """Where the frame of each begins."""
    torn_tail: TornTail | None
    """None if the log ends with a good frame."""


class _Frame(msgspec.Struct, frozen=True):
    """A good frame: its payload lies at [start, end)."""

    start: int
    end: int


def encode(write: Write) -> bytes:
    """Return the frame of one `Persist` or `Trim`."""
    match write:
        case Persist():
            payload = _persist_payload(write)
        case Trim(prefix_index=index, prefix_term=term):
            payload = _PREFIX.pack(_RecordType.PREFIX, term, index)
        case _:
            assert_never(write)
    body = _HEADER_BODY.pack(MAGIC, len(payload), zlib.crc32(payload))
    return body + _HEADER_CRC.pack(zlib.crc32(body)) + payload


def _persist_payload(persist: Persist) -> bytes:
    parts: list[bytes] = []
    if persist.hard_state is not None:
        state = persist.hard_state
        parts.append(
            _HARD_STATE.pack(_RecordType.HARD_STATE, state.current_term, state.voted_for or 0)
        )
    for entry in persist.entries:
        parts.append(
            _ENTRY.pack(_RecordType.ENTRY, entry.term, entry.index, entry.kind, len(entry.data))
        )
        parts.append(entry.data)
    return b"".join(parts)


def decode(data: bytes) -> WalContents:
    """Return what the log holds, up to a torn tail if there is one.

    Raises `WalCorruption` for a bad frame that has a good one behind it, and for a good frame
    that cannot be read here because another version wrote it.
    """
    writes: list[Write] = []
    offsets: list[int] = []
    torn_tail: TornTail | None = None
    offset = 0
    while offset < len(data):
        frame = _frame_at(data, offset)
        if isinstance(frame, str):
            behind = _good_frame_after(data, offset)
            if behind is not None:
                raise WalCorruption(offset, f"{frame}, and a good frame follows at {behind}")
            torn_tail = TornTail(offset, frame)
            break
        writes.append(_decode_payload(data, frame))
        offsets.append(offset)
        offset = frame.end
    return WalContents(tuple(writes), tuple(offsets), torn_tail)


def _frame_at(data: bytes, offset: int) -> _Frame | str:
    """Return the good frame that begins here, or what is wrong with it.

    Raises `WalCorruption` for a good header of another format.
    """
    start = offset + HEADER_BYTES
    if start > len(data):
        return f"header of {HEADER_BYTES} bytes, {len(data) - offset} left"
    magic, length, payload_crc = _HEADER_BODY.unpack_from(data, offset)
    (header_crc,) = _HEADER_CRC.unpack_from(data, offset + _HEADER_BODY.size)
    if zlib.crc32(data[offset : offset + _HEADER_BODY.size]) != header_crc:
        return "header does not match its checksum"
    if magic != MAGIC:
        # The checksum is right, so nothing is torn: this was written so.
        raise WalCorruption(offset, f"frame of format {magic!r}, expected {MAGIC!r}")
    if start + length > len(data):
        return f"payload of {length} bytes, {len(data) - start} left"
    if zlib.crc32(data[start : start + length]) != payload_crc:
        return "payload does not match its checksum"
    return _Frame(start, start + length)


def _good_frame_after(data: bytes, bad: int) -> int | None:
    """Return where the first good frame behind a bad one begins; None if there is none.

    A bad frame with a good header says where the next one begins. Behind a bad header every place
    is tried; an entry that holds a frame's bytes as its data could pass there for a frame. Then
    we refuse a log that was only torn: the safe mistake.
    """
    start = bad + 1
    if bad + HEADER_BYTES <= len(data):
        body_end = bad + _HEADER_BODY.size
        _, length, _ = _HEADER_BODY.unpack_from(data, bad)
        (header_crc,) = _HEADER_CRC.unpack_from(data, body_end)
        if zlib.crc32(data[bad:body_end]) == header_crc:
            start = bad + HEADER_BYTES + length
    candidate = data.find(MAGIC, start)
    while candidate != -1:
        if isinstance(_frame_at(data, candidate), _Frame):
            return candidate
        candidate = data.find(MAGIC, candidate + 1)
    return None


def _decode_payload(data: bytes, frame: _Frame) -> Write:
    if frame.end - frame.start == _PREFIX.size and data[frame.start] == _RecordType.PREFIX:
        _, term, index = _PREFIX.unpack_from(data, frame.start)
        return Trim(LogIndex(index), Term(term))
    hard_state: HardState | None = None
    entries: list[Entry] = []
    position = frame.start
    while position < frame.end:
        match data[position]:
            case _RecordType.HARD_STATE if position + _HARD_STATE.size <= frame.end:
                _, term, voted_for = _HARD_STATE.unpack_from(data, position)
                hard_state = HardState(Term(term), NodeId(voted_for) if voted_for else None)
                position += _HARD_STATE.size
            case _RecordType.ENTRY if position + _ENTRY.size <= frame.end:
                _, term, index, kind, length = _ENTRY.unpack_from(data, position)
                position += _ENTRY.size
                entries.append(
                    Entry(
                        Term(term),
                        LogIndex(index),
                        _entry_kind(kind, position),
                        data[position : position + length],
                    )
                )
                position += length
            case record:
                raise WalCorruption(position, f"record of type {record}: unknown, or cut short")
    if position != frame.end:
        raise WalCorruption(position, f"last record ends {position - frame.end} bytes too late")
    return Persist(hard_state, tuple(entries))


def _entry_kind(number: int, position: int) -> EntryKind:
    try:
        return EntryKind(number)
    except ValueError as error:
        raise WalCorruption(position, f"entry of unknown kind {number}") from error
