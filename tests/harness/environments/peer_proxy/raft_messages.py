"""Raft messages as etcd writes them on its peer streams (server/etcdserver/api/rafthttp)."""

from collections.abc import Sequence
from typing import NamedTuple

from tests.checkers.raft.wire import number, text

APPEND, APPEND_REPLY, HEARTBEAT, HEARTBEAT_REPLY, READ_INDEX = 3, 4, 8, 9, 15
SENDER, RECEIVER = 0xA1, 0xB2


class Append(NamedTuple):
    """An AppendEntries with entries that follow index `previous`."""

    term: int
    log_term: int
    previous: int
    entries: Sequence[bytes]
    commit: int


def message(kind: int, context: bytes = b"") -> bytes:
    """Return a message from SENDER to RECEIVER, with a context if there is one."""
    head = number(1, kind) + number(2, RECEIVER) + number(3, SENDER) + number(4, 7)
    return head + (text(12, context) if context else b"")


def entry(term: int, index: int, data: bytes) -> bytes:
    """Return a raftpb.Entry."""
    return number(1, 0) + number(2, term) + number(3, index) + text(4, data)


def append_message(append: Append) -> bytes:
    """Return the whole raftpb.Message of an append."""
    return b"".join(
        [
            number(1, APPEND),
            number(2, RECEIVER),
            number(3, SENDER),
            number(4, append.term),
            number(5, append.log_term),
            number(6, append.previous),
            *(
                text(7, entry(append.term, append.previous + 1 + place, data))
                for place, data in enumerate(append.entries)
            ),
            number(8, append.commit),
        ]
    )


def on_message_stream(sent: bytes) -> bytes:
    """Return a message as it stands on a stream of kind `message`."""
    return len(sent).to_bytes(8) + sent


def on_append_stream(appends: Sequence[Append]) -> list[bytes]:
    """Return appends as etcd's msgAppV2Encoder writes them, one after the other."""
    term = index = 0
    frames = []
    for append in appends:
        if append.previous == index and append.term == append.log_term == term:
            entries = [
                entry(append.term, index + 1 + place, data)
                for place, data in enumerate(append.entries)
            ]
            parts = [len(each).to_bytes(8) + each for each in entries]
            head = bytes([1]) + len(entries).to_bytes(8)
            frames.append(head + b"".join(parts) + append.commit.to_bytes(8))
        else:
            whole = append_message(append)
            frames.append(bytes([2]) + len(whole).to_bytes(8) + whole)
        term, index = append.term, append.previous + len(append.entries)
    return frames
