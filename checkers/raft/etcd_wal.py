"""etcd's write-ahead log, byte by byte (server/storage/wal: encoder.go, decoder.go, walpb).

A log is segments, each made of frames: eight bytes, little-endian, whose lower 56 bits are the
length of a record and whose upper byte, if its highest bit is set, counts zeros that fill the
record up to a multiple of eight bytes. A record has a type, data, and the CRC-32C of all data so
far, records of checksums excepted: with one of these, each segment takes up the chain of the one
before. Segments are made long beforehand, so zeros follow the last record.

The last record of the last segment may be torn by a crash: then it was not acknowledged, and etcd
cuts it off when it starts. Whatever else is wrong is corruption.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from checkers.raft.crc32c import crc32c
from checkers.raft.protobuf import ProtobufError, fields, numbers
from checkers.raft.wal import WalEntry, WalRecord, WalSnapshot, WalState

_FRAME_BYTES: Final = 8
_LENGTH_MASK: Final = (1 << 56) - 1
_IS_PADDED: Final = 1 << 63
_PADDING_MASK: Final = 0x7
_SECTOR_BYTES: Final = 512
"""A torn write leaves whole sectors unwritten (decoder.go: isTornEntry)."""

_METADATA, _ENTRY, _STATE, _CRC, _SNAPSHOT = 1, 2, 3, 4, 5
"""walpb.Record.type."""

_KINDS: Final = ("command", "configuration", "configuration-v2")
"""raftpb.EntryType."""


class WalCorruption(Exception):  # noqa: N818 - named for what was found
    """A log that etcd would not start from; the message names segment and offset."""

    def __init__(
        self, segment: str, offset: int, reason: str, *, may_be_torn: bool = False
    ) -> None:
        super().__init__(f"{segment}, byte {offset}: {reason}")
        self.segment = segment
        self.offset = offset
        self.may_be_torn = may_be_torn
        """Whether a crash in the midst of a write explains it, if nothing follows."""


class Segment(msgspec.Struct, frozen=True):
    """One file of a log."""

    name: str
    content: bytes

    @property
    def sequence(self) -> int:
        """Its place in the log, from 0; older ones may have been purged."""
        return int(self.name.partition("-")[0], 16)


class PersistedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry of the log with its data."""

    index: int
    term: int
    kind: str
    data: bytes


class WalLog(msgspec.Struct, frozen=True, kw_only=True):
    """What one member's log says."""

    member_id: int
    records: tuple["RawRecord", ...]
    torn: str | None
    """Where the last record was torn, and how; None if it is whole."""


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """One record, its checksum verified."""

    kind: int
    data: bytes


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a record lies in its segment, and in it the data that its checksum covers."""

    start: int
    data_start: int
    data_end: int
    end: int


class _Frame(msgspec.Struct, frozen=True, gc=False):
    offset: int
    end: int
    kind: int
    crc: int
    data: bytes
    data_end: int
    """Data come last in a record (walpb, record.proto)."""


def read_wal(segments: Sequence[Segment]) -> WalLog:
    """Return what a log says whose segments are in order.

    Raises `WalCorruption` where etcd would refuse it.
    """
    records: list[RawRecord] = []
    torn: str | None = None
    crc = 0
    for place, segment in enumerate(segments):
        if place and segment.sequence != segments[place - 1].sequence + 1:
            raise WalCorruption(segment.name, 0, "the segment before it is missing")
        try:
            for record, checksum in _verified(segment, crc):
                records.append(record)
                crc = checksum
        except WalCorruption as corruption:
            if not corruption.may_be_torn or place < len(segments) - 1:
                raise
            torn = str(corruption)
    return WalLog(member_id=_member_id(records), records=tuple(records), torn=torn)


def places_in(segment: Segment) -> list[Place]:
    """Return the places of the records that have a checksum, in order; verifies none.

    Raises `WalCorruption` at the first frame that is none.
    """
    return [
        Place(
            start=frame.offset,
            data_start=frame.data_end - len(frame.data),
            data_end=frame.data_end,
            end=frame.end,
        )
        for frame in _frames(segment)
        if frame.kind != _CRC
    ]


def _verified(segment: Segment, before: int) -> Iterator[tuple[RawRecord, int]]:
    """Yield the records, each with the checksum of all up to it; `before` is that of the chain."""
    crc = before
    for frame in _frames(segment):
        if frame.kind == _CRC:
            if crc and frame.crc != crc:
                raise WalCorruption(segment.name, frame.offset, "the chain of checksums breaks")
            crc = frame.crc
        else:
            crc = crc32c(frame.data, crc)
            if frame.crc != crc:
                is_torn = lacks_a_sector(segment.content, frame.offset, frame.end)
                reason = "the checksum is wrong"
                raise WalCorruption(segment.name, frame.offset, reason, may_be_torn=is_torn)
        yield RawRecord(frame.kind, frame.data), crc


def _frames(segment: Segment) -> Iterator[_Frame]:
    """Yield the frames of a segment; raises `WalCorruption` at the first that is none."""
    content, offset = segment.content, 0
    while offset + _FRAME_BYTES <= len(content):
        head = int.from_bytes(content[offset : offset + _FRAME_BYTES], "little")
        if not head:
            return
        start = offset + _FRAME_BYTES
        length = head & _LENGTH_MASK
        padding = (head >> 56) & _PADDING_MASK if head & _IS_PADDED else 0
        end = start + length + padding
        if end > len(content):
            raise WalCorruption(segment.name, offset, "a record is cut off", may_be_torn=True)
        try:
            yield _frame(offset, end, content[start : start + length])
        except ProtobufError as error:
            is_torn = lacks_a_sector(content, offset, end)
            reason = f"no record: {error}"
            raise WalCorruption(segment.name, offset, reason, may_be_torn=is_torn) from error
        offset = end


def _frame(offset: int, end: int, record: bytes) -> _Frame:
    kind = crc = 0
    data = b""
    for field, value in fields(record):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field == 2 and isinstance(value, int):
            crc = value
        elif field == 3 and isinstance(value, bytes):
            data = value
    return _Frame(offset, end, kind, crc, data, offset + _FRAME_BYTES + len(record))


def lacks_a_sector(content: bytes | bytearray, offset: int, end: int) -> bool:
    """Say whether a whole sector of the frame at `offset` is zeros, as if it was never written."""
    start = offset + _FRAME_BYTES
    while start < end:
        sector_end = min(end, (start // _SECTOR_BYTES + 1) * _SECTOR_BYTES)
        if not any(content[start:sector_end]):
            return True
        start = sector_end
    return False


def _member_id(records: Sequence[RawRecord]) -> int:
    for record in records:
        if record.kind == _METADATA:
            return numbers(record.data).get(1, 0)
    return 0


# ---------------------------------------------------------------- meaning
def entries_of(log: WalLog) -> Iterator[PersistedEntry]:
    """Yield every entry that was written, in the order of writing, replaced ones included."""
    for record in log.records:
        if record.kind == _ENTRY:
            yield _entry(record.data)


def final_entries(log: WalLog) -> Mapping[int, PersistedEntry]:
    """Return by index the entries that stand in the log at its end."""
    entries: dict[int, PersistedEntry] = {}
    last = 0
    for entry in entries_of(log):
        for index in range(entry.index, last + 1):
            entries.pop(index, None)
        entries[entry.index] = entry
        last = entry.index
    return entries


def records_of(node: str, log: WalLog, names: Mapping[int, str]) -> list[WalRecord]:
    """Return the records as `checkers.raft.wal` takes them; `names` are by member id."""
    return [found for record in log.records for found in _meaning(node, record, names)]


def _meaning(node: str, record: RawRecord, names: Mapping[int, str]) -> Iterator[WalRecord]:
    if record.kind == _ENTRY:
        entry = _entry(record.data)
        data_hash = hashlib.blake2b(entry.data, digest_size=16).hexdigest()
        yield WalEntry(
            node=node, term=entry.term, index=entry.index, kind=entry.kind, data_hash=data_hash
        )
    elif record.kind == _STATE:
        state = numbers(record.data)
        vote = state.get(2, 0)
        yield WalState(
            node=node,
            term=state.get(1, 0),
            voted_for=names.get(vote, f"{vote:x}") if vote else None,
            commit_index=state.get(3, 0),
        )
    elif record.kind == _SNAPSHOT:
        snapshot = numbers(record.data)
        yield WalSnapshot(node=node, index=snapshot.get(1, 0), term=snapshot.get(2, 0))


def _entry(encoded: bytes) -> PersistedEntry:
    kind = term = index = 0
    data = b""
    for field, value in fields(encoded):
        if field == 4 and isinstance(value, bytes):
            data = value
        elif isinstance(value, int):
            kind = value if field == 1 else kind
            term = value if field == 2 else term
            index = value if field == 3 else index
    name = _KINDS[kind] if kind < len(_KINDS) else f"kind {kind}"
    return PersistedEntry(index, term, name, data)
