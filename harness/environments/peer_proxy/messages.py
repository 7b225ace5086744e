"""etcd's peer streams (server/etcdserver/api/rafthttp), cut into single Raft messages; sans-IO.

Messages flow in the body of the answer to `GET /raft/stream/KIND/ID`, from the node that answers to
the node that asked. A stream of kind `message` is messages with their lengths. One of kind `msgapp`
is stateful: an AppendEntries that goes on where the last one ended leaves out its index and term.
Here these are filled in again, so that any message can be dropped, doubled or overtaken.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from checkers.raft.protobuf import fields

_KINDS: Final = MappingProxyType(
    {
        2: "Propose",
        3: "AppendEntries",
        4: "AppendEntriesReply",
        5: "RequestVote",
        6: "RequestVoteReply",
        7: "InstallSnapshot",
        8: "Heartbeat",
        9: "HeartbeatReply",
        13: "TransferLeader",
        14: "TimeoutNow",
        15: "ReadIndex",
        16: "ReadIndexReply",
        17: "PreVote",
        18: "PreVoteReply",
    }
)
"""raftpb.MessageType, by the names of the Raft paper and of this project."""

_CONFIRMING: Final = MappingProxyType(
    {"Heartbeat": "ReadRound", "HeartbeatReply": "ReadRoundReply"}
)
"""Heartbeats with a context confirm reads (thesis §6.4)."""

KINDS: Final = (*_KINDS.values(), *_CONFIRMING.values())
"""Every name of a message."""

LINK_HEARTBEAT: Final = ""
"""The kind of what only keeps a stream alive, and is no message of Raft's."""

_TYPE, _TO, _FROM, _TERM, _LOG_TERM, _INDEX, _ENTRIES, _COMMIT, _CONTEXT = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    12,
)
"""Field numbers of raftpb.Message."""
_ENTRY_INDEX: Final = 3
"""Field number of raftpb.Entry."""

_APPEND: Final = 3
_VARINT, _BYTES = 0, 2
_WORD: Final = 8
_TAG: Final = 1
"""Bytes of a length, and of what tells the parts of a `msgapp` stream apart."""
_LINK, _ENTRIES_ONLY, _WHOLE = 0, 1, 2
"""What stands in a `msgapp` stream: to keep it alive, entries alone, or a whole message."""


class Framed(NamedTuple):
    """One message, as it goes on a stream of its kind."""

    kind: str
    frame: bytes


class StreamDecoder(Protocol):
    """Cuts one stream into messages."""

    def feed(self, data: bytes) -> Iterator[Framed]:
        """Yield the messages that `data` completes."""


class MessageStream:
    """A stream of kind `message`: eight bytes of length, then a raftpb.Message."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Framed]:
        """See `StreamDecoder`."""
        self._buffer += data
        while len(self._buffer) >= _WORD:
            end = _WORD + _word(self._buffer, 0)
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield Framed(kind_of(frame[_WORD:]), frame)


class AppendStream:
    """A stream of kind `msgapp`; every message comes out whole."""

    def __init__(self, sender: int, receiver: int) -> None:
        """`sender` and `receiver` are members' ids."""
        self._sender = sender
        self._receiver = receiver
        self._buffer = bytearray()
        self._term = self._index = 0
        """Where the last message ended."""

    def feed(self, data: bytes) -> Iterator[Framed]:
        """See `StreamDecoder`."""
        self._buffer += data
        while (end := self._end()) is not None:
            frame = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield self._whole(frame)

    def _end(self) -> int | None:
        """Return where the first message ends; None if it is not all there."""
        buffer = self._buffer
        if not buffer:
            return None
        if buffer[0] == _LINK:
            return _TAG
        end = _TAG + _WORD
        if len(buffer) < end:
            return None
        if buffer[0] == _WHOLE:
            end += _word(buffer, _TAG)
            return end if len(buffer) >= end else None
        for _ in range(_word(buffer, _TAG)):
            if len(buffer) < end + _WORD:
                return None
            end += _WORD + _word(buffer, end)
        end += _WORD  # the commit index
        return end if len(buffer) >= end else None

    def _whole(self, frame: bytes) -> Framed:
        if frame[0] == _LINK:
            return Framed(LINK_HEARTBEAT, frame)
        is_whole = frame[0] == _WHOLE
        message = frame[_TAG + _WORD :] if is_whole else self._filled_in(frame)
        self._follow(message)
        whole = bytes([_WHOLE]) + len(message).to_bytes(_WORD) + message
        return Framed(kind_of(message), whole)

    def _filled_in(self, frame: bytes) -> bytes:
        """Return the message whose entries are in `frame`."""
        place, entries = _TAG + _WORD, []
        for _ in range(_word(frame, _TAG)):
            length = _word(frame, place)
            entries.append(frame[place + _WORD : place + _WORD + length])
            place += _WORD + length
        head = (
            (_TYPE, _APPEND),
            (_TO, self._receiver),
            (_FROM, self._sender),
            (_TERM, self._term),
            (_LOG_TERM, self._term),
            (_INDEX, self._index),
        )
        return b"".join(
            (
                *(_number(field, value) for field, value in head),
                *(_text(_ENTRIES, entry) for entry in entries),
                _number(_COMMIT, _word(frame, place)),
            )
        )

    def _follow(self, message: bytes) -> None:
        """Note where `message` ends."""
        for field, value in fields(message):
            if field == _TERM and isinstance(value, int):
                self._term = value
            elif field == _INDEX and isinstance(value, int):
                self._index = value
        for field, value in fields(message):
            if field == _ENTRIES and isinstance(value, bytes):
                self._index = next(
                    found
                    for number, found in fields(value)
                    if number == _ENTRY_INDEX and isinstance(found, int)
                )


def kind_of(message: bytes) -> str:
    """Return the name of a raftpb.Message; `LINK_HEARTBEAT` for one from nobody to nobody."""
    number, sender, receiver, has_context = 0, 0, 0, False
    for field, value in fields(message):
        if field == _TYPE and isinstance(value, int):
            number = value
        elif field == _FROM and isinstance(value, int):
            sender = value
        elif field == _TO and isinstance(value, int):
            receiver = value
        elif field == _CONTEXT:
            has_context = bool(value)
    kind = _KINDS.get(number, f"message {number}")
    if kind == "Heartbeat" and not sender and not receiver:
        return LINK_HEARTBEAT
    return _CONFIRMING.get(kind, kind) if has_context else kind


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _number(field: int, value: int) -> bytes:
    return _encoded(field << 3 | _VARINT) + _encoded(value)


def _text(field: int, value: bytes) -> bytes:
    return _encoded(field << 3 | _BYTES) + _encoded(len(value)) + value


def _word(data: bytes | bytearray, place: int) -> int:
    return int.from_bytes(data[place : place + _WORD])
