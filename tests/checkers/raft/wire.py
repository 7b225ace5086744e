"""Protocol Buffers as they are written, for tests that pretend to be a store."""


def varint(value: int) -> bytes:
    """Return `value`, seven bits to a byte, the lowest first."""
    low = value & 0x7F
    return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + varint(value >> 7)


def number(field: int, value: int) -> bytes:
    """Return a field that is a number."""
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    """Return a field that is bytes."""
    return varint(field << 3 | 2) + varint(len(value)) + value
