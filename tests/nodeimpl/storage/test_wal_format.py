"""The log's bytes, whole, torn and corrupt."""

import struct
import zlib

import pytest

from nodeimpl.ids import LogIndex, NodeId, Term
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import Entry, EntryKind, HardState
from nodeimpl.storage.wal_format import (
    HEADER_BYTES,
    TornTail,
    WalContents,
    WalCorruption,
    Write,
    decode,
    encode,
)


def entry(index: int, data: bytes = b"data", kind: EntryKind = EntryKind.COMMAND) -> Entry:
    return Entry(Term(2), LogIndex(index), kind, data)


def frame(payload: bytes) -> bytes:
    """Return a good frame around a payload that may mean nothing."""
    body = struct.pack(">4sII", b"QWL1", len(payload), zlib.crc32(payload))
    return body + struct.pack(">I", zlib.crc32(body)) + payload


def cut_at(contents: WalContents) -> int | None:
    return contents.torn_tail.offset if contents.torn_tail else None


def corrupt_at(data: bytes) -> int:
    with pytest.raises(WalCorruption) as raised:
        decode(data)
    return raised.value.offset


VOTE = Persist(HardState(Term(2), NodeId(3)), ())
ONE_ENTRY = Persist(None, (entry(1),))
BOTH = Persist(HardState(Term(5), None), (entry(2), entry(3, kind=EntryKind.NO_OP, data=b"")))
NOTHING = Persist(None, ())
PREFIX = Trim(LogIndex(7), Term(2))

FRAMES = [encode(persist) for persist in (VOTE, ONE_ENTRY, BOTH)]
LOG = b"".join(FRAMES)
SECOND, THIRD = len(FRAMES[0]), len(FRAMES[0]) + len(FRAMES[1])


def flipped(bit: int) -> bytes:
    """Return the log with one bit flipped."""
    spoilt = bytearray(LOG)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


def test_a_hard_state_and_an_entry_are_written_as_drawn() -> None:
    payload = bytes.fromhex(
        "01 0000000000000005 0000000000000003"
        "02 0000000000000002 0000000000000007 00 00000004 64617461"
    )
    written = encode(Persist(HardState(Term(5), NodeId(3)), (entry(7),)))
    assert written[HEADER_BYTES:] == payload
    assert written == frame(payload)


def test_the_header_is_magic_length_and_two_checksums() -> None:
    magic, length, payload_crc, header_crc = struct.unpack(">4sIII", FRAMES[1][:HEADER_BYTES])
    assert (magic, length) == (b"QWL1", len(FRAMES[1]) - HEADER_BYTES)
    assert payload_crc == zlib.crc32(FRAMES[1][HEADER_BYTES:])
    assert header_crc == zlib.crc32(FRAMES[1][:12])


@pytest.mark.parametrize(
    "write",
    [VOTE, ONE_ENTRY, BOTH, NOTHING, PREFIX],
    ids=["vote", "entry", "both", "nothing", "prefix"],
)
def test_what_was_written_is_read(write: Write) -> None:
    assert decode(encode(write)) == WalContents((write,), (0,), None)


def test_a_prefix_is_written_as_drawn() -> None:
    payload = bytes.fromhex("03 0000000000000002 0000000000000007")
    assert encode(PREFIX) == frame(payload)


def test_a_prefix_among_other_records_is_unreadable() -> None:
    payload = bytes.fromhex("03 0000000000000002 0000000000000007")
    assert corrupt_at(frame(payload + payload)) == HEADER_BYTES


def test_frames_are_read_in_the_order_written() -> None:
    assert decode(LOG) == WalContents((VOTE, ONE_ENTRY, BOTH), (0, SECOND, THIRD), None)


def test_an_empty_log_holds_nothing() -> None:
    assert decode(b"") == WalContents((), (), None)


def test_a_log_torn_anywhere_is_cut_at_its_last_frame() -> None:
    torn = [decode(LOG[:length]) for length in range(THIRD + 1, len(LOG))]
    assert {contents.writes for contents in torn} == {(VOTE, ONE_ENTRY)}
    assert {cut_at(contents) for contents in torn} == {THIRD}


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"QWL1", "header of 16 bytes, 4 left"),
        (FRAMES[2][:20], "payload of 65 bytes, 4 left"),
        (bytes(100), "header does not match its checksum"),
        (FRAMES[2][:30] + bytes(len(FRAMES[2]) - 30), "payload does not match its checksum"),
    ],
    ids=["in the header", "in the payload", "zeros", "zeros behind a header"],
)
def test_a_torn_tail_says_where_and_why(tail: bytes, reason: str) -> None:
    assert decode(LOG[:THIRD] + tail).torn_tail == TornTail(THIRD, reason)


def test_any_bit_flipped_in_the_last_frame_cuts_it() -> None:
    spoilt = [decode(flipped(bit)) for bit in range(8 * THIRD, 8 * len(LOG))]
    assert {contents.writes for contents in spoilt} == {(VOTE, ONE_ENTRY)}
    assert {cut_at(contents) for contents in spoilt} == {THIRD}


def test_any_bit_flipped_before_a_good_frame_is_corruption() -> None:
    offsets = [corrupt_at(flipped(bit)) for bit in range(8 * SECOND, 8 * THIRD)]
    assert set(offsets) == {SECOND}


def test_corruption_says_where_and_why() -> None:
    spoilt = LOG[: SECOND + 1] + b"?" + LOG[SECOND + 2 :]
    expected = (
        f"write-ahead log is corrupt at offset {SECOND}: header does not match its checksum, "
        f"and a good frame follows at {THIRD}"
    )
    with pytest.raises(WalCorruption, match=expected):
        decode(spoilt)


def test_bytes_lost_in_the_middle_are_corruption() -> None:
    with pytest.raises(WalCorruption, match=f"offset {SECOND}"):
        decode(LOG[: SECOND + 7] + LOG[THIRD:])


def test_a_frame_inside_an_entry_is_no_frame_of_the_log() -> None:
    torn = encode(Persist(None, (entry(1, data=FRAMES[0] + bytes(50)),)))[:-10]
    assert decode(LOG + torn).torn_tail == TornTail(
        len(LOG), f"payload of {len(torn) - HEADER_BYTES + 10} bytes, {len(torn) - 16} left"
    )


def test_a_frame_behind_a_broken_header_is_taken_for_one_of_the_log() -> None:
    # It might be one. Not to start is the safe mistake.
    torn = bytes(HEADER_BYTES) + encode(ONE_ENTRY)
    with pytest.raises(WalCorruption, match=f"offset {len(LOG)}"):
        decode(LOG + torn)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x09", "record of type 9: unknown, or cut short"),
        (b"\x01" + bytes(5), "record of type 1: unknown, or cut short"),
        (struct.pack(">BQQBI", 2, 1, 1, 7, 0), "entry of unknown kind 7"),
        (struct.pack(">BQQBI", 2, 1, 1, 0, 5) + b"1234", "ends 1 bytes too late"),
    ],
    ids=["unknown type", "cut short", "unknown kind", "too long"],
)
def test_a_good_frame_that_means_nothing_is_corruption(payload: bytes, reason: str) -> None:
    with pytest.raises(WalCorruption, match=reason):
        decode(frame(payload))


def test_a_log_of_another_version_is_not_read() -> None:
    payload = FRAMES[0][HEADER_BYTES:]
    body = struct.pack(">4sII", b"QWL2", len(payload), zlib.crc32(payload))
    other = body + struct.pack(">I", zlib.crc32(body)) + payload
    with pytest.raises(WalCorruption, match="frame of format b'QWL2', expected b'QWL1'"):
        decode(other)
