"""What members say to each other over TCP: frames of msgpack.

    length:4 (big-endian) frame

Whoever connects says `Hello`, and is answered `Welcome` or `Refused`. Then Raft messages flow from
the one who connected to the other, and never back: so each direction of a link lives and dies by
itself. Calls go the same way, and their answers come back on the same connection.
"""

import struct
from typing import Final, TypeAlias

import msgspec

from nodeimpl.raft.messages import Message

FRAME_BYTES_MAX: Final = 64 << 20
"""A longer frame is taken for nonsense, and ends the connection."""
PROTOCOL_VERSION: Final = 1

_LENGTH: Final = struct.Struct(">I")


class Hello(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Who connects, and to whom. A node that wants to join is no member yet: all are 0."""

    version: int
    cluster_id: int
    sender: int
    receiver: int
    urls: tuple[str, ...] = ()
    """Where the sender is reached, for who has not heard of it yet: it may just have joined."""


class Welcome(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Go on."""


class Refused(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Go away; the reason is for people to read."""

    reason: str


class Batch(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Raft messages, in order."""

    messages: tuple[Message, ...]


class Call(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A request of one member to another, outside of Raft."""

    number: int
    method: str
    payload: bytes


class Answer(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The answer to the call of this number: a payload, or an error as a client gets it."""

    number: int
    payload: bytes
    code: int = 0
    """A gRPC status code; 0: none, the payload holds."""
    message: str = ""
    definite: bool = True


Frame: TypeAlias = Hello | Welcome | Refused | Batch | Call | Answer

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


class FrameError(ValueError):
    """Bytes that are no frame of this version."""


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame, its length before it."""
    buffer = bytearray(_LENGTH.size)
    _encoder.encode_into(frame, buffer, _LENGTH.size)
    _LENGTH.pack_into(buffer, 0, len(buffer) - _LENGTH.size)
    return bytes(buffer)


class FrameReader:
    """Cuts a stream of bytes into frames."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that end in `data`; raise `FrameError` if the stream holds none."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > FRAME_BYTES_MAX:
                raise FrameError(f"a frame of {length} bytes: expected at most {FRAME_BYTES_MAX}")
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            with memoryview(buffer) as view:
                frames.append(_decoded(view[start + _LENGTH.size : end]))
            start = end
        del buffer[:start]
        return frames


def _decoded(data: memoryview) -> Frame:
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise FrameError(f"{len(data)} bytes that are no frame: {error}") from error
    finally:
        data.release()
