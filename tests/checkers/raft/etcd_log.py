"""A write-ahead log as etcd writes it, for tests of who reads it."""

from collections.abc import Sequence

from checkers.raft.crc32c import crc32c
from checkers.raft.etcd_wal import Segment
from tests.checkers.raft.wire import number, text

METADATA, ENTRY, STATE, CRC, SNAPSHOT = 1, 2, 3, 4, 5
MEMBER_ID = 0xABCD


def entry(index: int, term: int, data: bytes = b"", kind: int = 0) -> tuple[int, bytes]:
    """Return a record of a raftpb.Entry."""
    return ENTRY, number(1, kind) + number(2, term) + number(3, index) + text(4, data)


def state(term: int, vote: int, commit: int) -> tuple[int, bytes]:
    """Return a record of a raftpb.HardState."""
    return STATE, number(1, term) + number(2, vote) + number(3, commit)


def snapshot(index: int, term: int) -> tuple[int, bytes]:
    """Return a record of a walpb.Snapshot."""
    return SNAPSHOT, number(1, index) + number(2, term)


def put(key: bytes, value: bytes) -> bytes:
    """Return an InternalRaftRequest that puts."""
    return text(100, number(1, 7)) + text(4, text(1, key) + text(2, value))


def frame(kind: int, data: bytes, crc: int) -> bytes:
    """Return one frame, padded as etcd pads (encoder.go: encodeFrameSize)."""
    record = number(1, kind) + number(2, crc) + (text(3, data) if kind != CRC else b"")
    padding = (8 - len(record) % 8) % 8
    head = len(record) | ((0x80 | padding) << 56 if padding else 0)
    return head.to_bytes(8, "little") + record + bytes(padding)


def segments(*parts: Sequence[tuple[int, bytes]], zeros: int = 512) -> list[Segment]:
    """Return a log of segments with these records; each begins as etcd begins one."""
    made: list[Segment] = []
    crc = 0
    for sequence, records in enumerate(parts):
        content = frame(CRC, b"", crc)
        for kind, data in [(METADATA, number(1, MEMBER_ID)), *records]:
            crc = crc32c(data, crc)
            content += frame(kind, data, crc)
        name = f"{sequence:016x}-{sequence:016x}.wal"
        made.append(Segment(name, content + bytes(zeros)))
    return made
