"""The write-ahead log's files: numbered records in segments, through crashes at any point.

    wal/0000000000000001.wal    records    1 ..  840
    wal/0000000000000002.wal    records  841 .. 1702
    wal/0000000000000003.wal    records 1703 ..            appended to

`append` is made for an event loop: it writes to the page cache and syncs nothing, not even when it
begins a segment. `sync` is made for a thread beside it, one at a time: it makes durable what was
appended before it was called, names of files included, and deletes what was dropped.

The first record of every segment is a checkpoint, whatever its owner puts there: with it, the
segments before can be dropped (`wal`). Formats: `wal_segment`.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.directories import sync_directory
from nodeimpl.storage.wal_segment import (
    SEGMENT_HEADER_BYTES,
    Record,
    SegmentHeader,
    SegmentId,
    decode_header,
    durable_from,
    encode_header,
    encode_record,
    record_at,
    records_from,
)

SEGMENT_BYTES_DEFAULT: Final = 64 << 20
"""As etcd, wal.SegmentSizeBytes."""

_SUFFIX: Final = ".wal"
_PLACE: Final = b"wal:"


class WalDamagedError(Exception):
    """The log lacks records that were durable once; the message says which and where."""


class WalForeignError(Exception):
    """The log belongs to another member or another cluster."""


class TornTailCut(msgspec.Struct, frozen=True):
    """What a crash had left half written, and opening the log has removed."""

    file: str
    offset: int
    """Where the good part ends."""
    number: int
    """Of the first record that was not there."""


class FoundRecord(msgspec.Struct, frozen=True):
    """A record that was found when the log was opened."""

    number: int
    sequence: int
    """Of the segment it lies in."""
    is_checkpoint: bool
    """Whether it is the first of its segment."""
    payload: bytes


class _Segment(msgspec.Struct):
    """A segment that is there."""

    segment_id: SegmentId
    path: Path
    end: int
    """Where the next record goes."""
    descriptor: int


class WalFiles:
    """The segments of one member's log, opened by one process."""

    def __init__(
        self,
        directory: Path,
        *,
        cluster_id: int,
        member_id: int,
        cipher: Cipher,
        checkpoint: Callable[[int], bytes],
        segment_bytes: int = SEGMENT_BYTES_DEFAULT,
    ) -> None:
        """Open what is in `directory`, which must exist and belong to this process alone.

        A torn tail is cut, and everything found is made durable: what survived a crash in the page
        cache need not be. `checkpoint` is given a segment's sequence and asked for its first
        payload whenever one begins. In an empty directory the first does so now, durably: so a log
        without it is one that was trimmed.

        Raises `WalDamagedError`, `WalForeignError`, and `OSError` as the disk does.
        """
        self._directory = directory
        self._cluster_id = cluster_id
        self._member_id = member_id
        self._cipher = cipher
        self._checkpoint = checkpoint
        self._segment_bytes = segment_bytes
        self._segments: list[_Segment] = []
        self._unsynced: list[_Segment] = []
        """Those with records that no sync has covered; the last is the one appended to."""
        self._dropped: list[_Segment] = []
        self._names_changed = False
        self._has_failed = False
        self.torn_tail: TornTailCut | None = None
        """What opening had to cut; None if nothing."""
        self._found: list[FoundRecord] = []
        self._written = 0
        self._durable = 0
        self._recover()
        if not self._segments:
            self._begin_segment()
        self.sync()

    # ------------------------------------------------------------ use
    def take_found(self) -> Iterator[FoundRecord]:
        """Yield the records found, in order, decrypted; once. Raises `CipherError`."""
        found, self._found = self._found, []
        for record in found:
            payload = self._cipher.decrypt(record.payload, _place(record.number))
            yield msgspec.structs.replace(record, payload=payload)

    @property
    def durable(self) -> int:
        """All records up to this number survive whatever happens."""
        return self._durable

    @property
    def written(self) -> int:
        """The number of the last record appended; 0 if there is none."""
        return self._written

    @property
    def file_count(self) -> int:
        """How many segments there are."""
        return len(self._segments)

    @property
    def size_bytes(self) -> int:
        """Bytes of all records and headers; files are larger, for they are preallocated."""
        return sum(segment.end for segment in self._segments)

    def append(self, payload: bytes) -> int:
        """Write a record, not durable yet; return its number. May begin a segment first.

        After an `OSError` (a full disk, most likely) the log cannot be used any more.
        """
        assert not self._has_failed, "a log whose write failed must be opened anew"
        segment = self._segments[-1]
        try:
            if segment.end >= self._segment_bytes:
                segment = self._begin_segment()
            return self._write(segment, payload)
        except OSError:
            self._has_failed = True
            raise

    def sync(self) -> int:
        """Make durable what was appended before; return the number of the last of it.

        May run beside `append`, in another thread; one at a time. After an `OSError` nothing can
        be known of what is durable (the kernel forgets pages it could not write), and the log
        must be opened anew.
        """
        assert not self._has_failed, "a log whose write failed must be opened anew"
        # In this order: what replaces the dropped, and what was written, lies in the unsynced.
        dropped = list(self._dropped)
        written = self._written
        unsynced = list(self._unsynced)
        try:
            for segment in unsynced:
                os.fdatasync(segment.descriptor)
            if self._names_changed:
                self._names_changed = False
                sync_directory(self._directory)
            for segment in unsynced[:-1]:
                self._unsynced.remove(segment)  # No record was added to it since the next began.
            self._delete(dropped)
        except OSError:
            self._has_failed = True
            raise
        self._durable = written
        return written

    def drop_before(self, sequence: int) -> None:
        """Let the segments before this one go; the next `sync` deletes them."""
        while self._segments and self._segments[0].segment_id.sequence < sequence:
            assert len(self._segments) > 1, "the segment appended to is never dropped"
            self._dropped.append(self._segments.pop(0))

    def close(self) -> None:
        """Let the files go, without a sync."""
        for segment in (*self._segments, *self._dropped):
            os.close(segment.descriptor)
        self._segments, self._dropped, self._unsynced = [], [], []

    # ------------------------------------------------------------ writing
    def _write(self, segment: _Segment, payload: bytes) -> int:
        number = self._written + 1
        stored = self._cipher.encrypt(payload, _place(number))
        record = encode_record(segment.segment_id.seed, number, self._durable, stored)
        _write_all(segment.descriptor, record, segment.end)
        segment.end += len(record)
        self._written = number
        return number

    def _begin_segment(self) -> _Segment:
        sequence = self._segments[-1].segment_id.sequence + 1 if self._segments else 1
        segment_id = SegmentId(self._cluster_id, self._member_id, sequence)
        path = self._directory / f"{segment_id.sequence:016x}{_SUFFIX}"
        first_number = self._written + 1
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        segment = _Segment(segment_id, path, SEGMENT_HEADER_BYTES, descriptor)
        self._names_changed = True
        self._segments.append(segment)
        self._unsynced.append(segment)
        os.posix_fallocate(descriptor, 0, self._segment_bytes)
        _write_all(descriptor, encode_header(SegmentHeader(segment_id, first_number)), 0)
        self._write(segment, self._checkpoint(sequence))
        return segment

    def _delete(self, dropped: list[_Segment]) -> None:
        """Delete segments one by one, oldest first: so a crash leaves no gap."""
        for segment in dropped:
            segment.path.unlink()
            sync_directory(self._directory)
            os.close(segment.descriptor)
            self._dropped.remove(segment)

    # ------------------------------------------------------------ opening
    def _recover(self) -> None:
        """Read all segments, and cut the torn tail."""
        paths = sorted(self._directory.glob(f"*{_SUFFIX}"))
        contents = [path.read_bytes() for path in paths]
        for position, (path, data) in enumerate(zip(paths, contents, strict=True)):
            header = self._header(path, data)
            records: list[Record] = []
            if header is not None:
                seed = header.segment_id.seed
                records = records_from(data, SEGMENT_HEADER_BYTES, seed, header.first_number)
            if header is None or not records:
                # The first there is: others were looked at by `_follows` before.
                if _sequence_of(path) != 1:
                    raise WalDamagedError(f"{path}: the first segment has lost its beginning")
                self._cut(paths, contents, 0, expected=1)
                break
            end = records[-1].end
            self._written = header.first_number + len(records) - 1
            self._found += _found(header.segment_id, data, records)
            self._open(header, path, end)
            expected = self._written + 1
            following = position + 1
            if following == len(paths) or not self._follows(
                paths[following], contents[following], expected
            ):
                self._cut(paths[position:], contents[position:], end, expected)
                break
        self._unsynced = list(self._segments)
        self._names_changed = True

    def _header(self, path: Path, data: bytes) -> SegmentHeader | None:
        """Return the segment's header; None if it is not good. Raise if it is another's."""
        header = decode_header(data)
        if header is None:
            return None
        segment_id = header.segment_id
        if (segment_id.cluster_id, segment_id.member_id) != (self._cluster_id, self._member_id):
            raise WalForeignError(
                f"{path} belongs to member {segment_id.member_id:x} of cluster "
                f"{segment_id.cluster_id:x}, not to member {self._member_id:x} of cluster "
                f"{self._cluster_id:x}"
            )
        return header if segment_id.sequence == _sequence_of(path) else None

    def _follows(self, path: Path, data: bytes, expected: int) -> bool:
        """Return whether this segment goes on where the one before it ends."""
        header = self._header(path, data)
        if header is None or header.first_number != expected:
            return False
        first = record_at(data, SEGMENT_HEADER_BYTES, header.segment_id.seed)
        return first is not None and first.number == expected

    def _open(self, header: SegmentHeader, path: Path, end: int) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._segments.append(_Segment(header.segment_id, path, end, descriptor))

    def _cut(self, paths: list[Path], contents: list[bytes], keep: int, expected: int) -> None:
        """Remove all from `keep` on in the first of these segments, and the others.

        `expected` is the number of the record that is not there. Raises `WalDamagedError` if
        anything says that it was durable.
        """
        for position, (path, data) in enumerate(zip(paths, contents, strict=True)):
            segment_id = SegmentId(self._cluster_id, self._member_id, _sequence_of(path))
            durable = durable_from(data, 0 if position else keep, segment_id.seed)
            if durable >= expected:
                raise WalDamagedError(
                    f"{paths[0]}: record {expected} should be at offset {keep} and is not, but "
                    f"{path.name} says that all up to {durable} were durable"
                )
        for path in reversed(paths[1:]):
            path.unlink()
            sync_directory(self._directory)
        tail = contents[0][keep:]
        is_torn = len(paths) > 1 or tail != bytes(len(tail))
        if keep == 0:
            paths[0].unlink()
        elif is_torn:
            _clear(paths[0], keep, self._segment_bytes)
        if is_torn:
            self.torn_tail = TornTailCut(paths[0].name, keep, expected)


def _found(segment_id: SegmentId, data: bytes, records: list[Record]) -> list[FoundRecord]:
    return [
        FoundRecord(
            record.number,
            segment_id.sequence,
            is_checkpoint=position == 0,
            payload=data[record.payload_start : record.end],
        )
        for position, record in enumerate(records)
    ]


def _sequence_of(path: Path) -> int:
    """Return the sequence that a file's name tells."""
    try:
        return int(path.stem, 16)
    except ValueError:
        raise WalDamagedError(f"{path} is not named as a segment is") from None


def _clear(path: Path, keep: int, size: int) -> None:
    """Leave zeros behind `keep`, and room up to `size`."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.ftruncate(descriptor, keep)
        if size > keep:
            os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    written = os.pwrite(descriptor, data, offset)
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], offset + written)


def _place(number: int) -> bytes:
    """Return what a record's bytes are bound to."""
    return _PLACE + number.to_bytes(8, "big")
