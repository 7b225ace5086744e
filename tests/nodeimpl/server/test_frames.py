"""Frames come out as they went in, however the network cuts them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import LogIndex, NodeId, RequestId, Term
from nodeimpl.raft.messages import (
    AppendEntries,
    Entry,
    EntryKind,
    InstallSnapshot,
    Message,
    Proposal,
    ReadIndex,
    RequestVote,
    TimeoutNow,
)
from nodeimpl.server.frames import (
    FRAME_BYTES_MAX,
    Answer,
    Batch,
    Call,
    Frame,
    FrameError,
    FrameReader,
    Hello,
    Refused,
    Welcome,
    encode_frame,
)

MESSAGES: list[Message] = [
    AppendEntries(
        Term(3),
        LogIndex(4),
        Term(2),
        (Entry(Term(3), LogIndex(5), EntryKind.COMMAND, b"\x00\xff"),),
        LogIndex(4),
        7,
    ),
    RequestVote(Term(2**63), LogIndex(1), Term(1), leadership_transfer=True),
    InstallSnapshot(Term(1), 2, LogIndex(3), Term(1), b"c", 0, b"d" * 5000, done=False, round=9),
    Proposal(Term(1), RequestId(2**64 - 1), b"put"),
    ReadIndex(Term(1), RequestId(5)),
    TimeoutNow(Term(8)),
]
FRAMES: list[Frame] = [
    Hello(1, 2**64 - 1, NodeId(2**64 - 1), NodeId(1)),
    Hello(1, 5, NodeId(2), NodeId(1), ("http://127.0.0.1:2380",)),
    Welcome(),
    Refused("no"),
    Batch(tuple(MESSAGES)),
    Call(1, "members", b""),
    Answer(1, b"x"),
    Answer(2, b"", 14, "no leader", definite=True),
]
STREAM = b"".join(encode_frame(frame) for frame in FRAMES)


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_frames_come_out_in_order_however_they_are_cut(cuts: list[int]) -> None:
    reader, found = FrameReader(), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        found += reader.feed(STREAM[start:end])
    assert found == FRAMES


@pytest.mark.parametrize(
    "data",
    [
        (FRAME_BYTES_MAX + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x01\xc1",
        b"\x00\x00\x00\x03abc",
        b"\x00\x00\x00\x00",
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        FrameReader().feed(data)
