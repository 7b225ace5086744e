"""Protocol Buffers on the wire, read without a schema: enough to look into what a store wrote.

protobuf.dev, Encoding: a message is fields, each a number, a wire type and a value.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

Value: TypeAlias = int | bytes
"""A number, or what has a length: bytes, texts, messages. Fixed numbers are bytes, too."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARINT_BYTES_MAX: Final = 10


class ProtobufError(ValueError):
    """These bytes are no message; says where they stop being one."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the fields in order, with their numbers; raises `ProtobufError`."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire = key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ProtobufError(f"a field of wire type {wire} ends before byte {place}")
        if place + length > len(message):
            raise ProtobufError(f"a field at byte {place} is longer than the message")
        yield key >> 3, message[place : place + length]
        place += length


def numbers(message: bytes) -> dict[int, int]:
    """Return the fields that are numbers; of several alike the last, as protobuf has it."""
    return {field: value for field, value in fields(message) if isinstance(value, int)}


def texts(message: bytes) -> dict[int, bytes]:
    """Return the fields that are bytes; of several alike the last."""
    return {field: value for field, value in fields(message) if isinstance(value, bytes)}


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_VARINT_BYTES_MAX):
        if place + count >= len(data):
            break
        byte = data[place + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ProtobufError(f"a number at byte {place} does not end")
