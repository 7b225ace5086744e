"""CRC-32C (Castagnoli 1993; RFC 3720, B.4), as etcd's log chains its records with it."""

from typing import Final

_POLYNOMIAL: Final = 0x82F63B78
"""0x1EDC6F41, its bits reversed."""


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _table()


def crc32c(data: bytes, before: int = 0) -> int:
    """Return the checksum of `data`, going on from `before`, that of what came before it."""
    table, crc = _TABLE, before ^ 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF
