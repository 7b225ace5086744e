"""A backup of a whole store as a file: what `etcdctl snapshot save` gets, and `snapctl` reads.

All numbers are big-endian:

    0        4              12            20
    +--------+--------------+-------------+---------+---------+-----+-----------------------+
    | "QSF1" | cluster_id:8 | member_id:8 | block 0 | block 1 | ... | 0x00000000 row_count:8 | ...
    +--------+--------------+-------------+---------+---------+-----+-----------------------+
         ------------------------------+---------------------+
     ... | zeros to a multiple of 512   | SHA-256 of it all:32 |
         ------------------------------+---------------------+

    a block:  length:4, then so many bytes, which the cipher made of rows and its number
    a row:    key_length:4 value_length:4 key value, in ascending key order

The member sends everything but the checksum in pieces and the checksum last; clients write what
they get, and take a file of 32 bytes more than a multiple of 512 for one that ends with a checksum
(etcd, etcdutl: hasChecksum). Blocks pass through the cipher, so a backup is as secret as the store.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from nodeimpl.storage.cipher import Cipher

MAGIC: Final = b"QSF1"
BLOCK_BYTES: Final = 64 << 10
"""About how many bytes of rows make a block; one larger row makes one alone."""
SECTOR_BYTES: Final = 512
CHECKSUM_BYTES: Final = hashlib.sha256().digest_size

_HEADER = struct.Struct(">4sQQ")
_LENGTH = struct.Struct(">I")
_COUNT = struct.Struct(">Q")
_ROW = struct.Struct(">II")
_PLACE: Final = b"snapshot:"
_PIECE_BYTES: Final = 1 << 20


class SnapshotFileError(Exception):
    """A file that is no usable backup; the message says what is wrong with it."""


class Origin(msgspec.Struct, frozen=True):
    """Whose store it was."""

    cluster_id: int
    member_id: int


def snapshot_pieces(
    rows: Iterable[tuple[bytes, bytes]], origin: Origin, cipher: Cipher
) -> Iterator[bytes]:
    """Yield a backup of `rows`, which are in ascending key order, without its checksum."""
    length = _HEADER.size
    yield _HEADER.pack(MAGIC, origin.cluster_id, origin.member_id)
    row_count = 0
    for number, (count, block) in enumerate(_blocks(rows)):
        row_count += count
        stored = cipher.encrypt(block, _place(number))
        length += _LENGTH.size + len(stored)
        yield _LENGTH.pack(len(stored)) + stored
    end = _LENGTH.pack(0) + _COUNT.pack(row_count)
    yield end + bytes(-(length + len(end)) % SECTOR_BYTES)


def write_snapshot(file: BinaryIO, pieces: Iterable[bytes]) -> int:
    """Write a backup and its checksum; return how many bytes they are."""
    digest = hashlib.sha256()
    length = 0
    for piece in pieces:
        digest.update(piece)
        length += file.write(piece)
    return length + file.write(digest.digest())


def check_snapshot(path: Path) -> None:
    """Raise `SnapshotFileError` unless the file ends with the checksum of what is before it."""
    length = path.stat().st_size - CHECKSUM_BYTES
    if length < 0 or length % SECTOR_BYTES:
        raise SnapshotFileError(
            f"{path} has no checksum: it is {length + CHECKSUM_BYTES} bytes long, and a backup 32 "
            "more than a multiple of 512"
        )
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = length
        while left:
            piece = file.read(min(_PIECE_BYTES, left))
            digest.update(piece)
            left -= len(piece)
        checksum = file.read()
    if digest.digest() != checksum:
        raise SnapshotFileError(
            f"{path} does not match its checksum: expected {checksum.hex()}, got "
            f"{digest.hexdigest()}"
        )


def read_origin(path: Path) -> Origin:
    """Return whose store it was; raise `SnapshotFileError`."""
    with path.open("rb") as file:
        return _read_origin(path, file)


def read_rows(path: Path, cipher: Cipher) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows in ascending key order.

    Raises `SnapshotFileError` where the file is not as it should be, and `CipherError`.
    """
    with path.open("rb") as file:
        _read_origin(path, file)
        row_count = 0
        last_key: bytes | None = None
        for number, stored in enumerate(_stored_blocks(path, file)):
            for key, value in _rows(path, cipher.decrypt(stored, _place(number))):
                if last_key is not None and key <= last_key:
                    raise SnapshotFileError(f"{path}: {key!r} does not come after {last_key!r}")
                last_key = key
                row_count += 1
                yield key, value
        (expected,) = _COUNT.unpack(_read(path, file, _COUNT.size))
        if row_count != expected:
            raise SnapshotFileError(f"{path} holds {row_count} rows, and should {expected}")


def _blocks(rows: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield rows put together, and how many they are."""
    parts: list[bytes] = []
    count = length = 0
    for key, value in rows:
        parts += (_ROW.pack(len(key), len(value)), key, value)
        count += 1
        length += _ROW.size + len(key) + len(value)
        if length >= BLOCK_BYTES:
            yield count, b"".join(parts)
            parts, count, length = [], 0, 0
    if parts:
        yield count, b"".join(parts)


def _rows(path: Path, block: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(block):
        value_start = end = position + _ROW.size
        key_start = value_start
        if key_start <= len(block):
            key_length, value_length = _ROW.unpack_from(block, position)
            value_start = key_start + key_length
            end = value_start + value_length
        if end > len(block):
            raise SnapshotFileError(f"{path}: a row ends {end - len(block)} bytes too late")
        yield block[key_start:value_start], block[value_start:end]
        position = end


def _stored_blocks(path: Path, file: BinaryIO) -> Iterator[bytes]:
    while True:
        (length,) = _LENGTH.unpack(_read(path, file, _LENGTH.size))
        if length == 0:
            return
        yield _read(path, file, length)


def _read_origin(path: Path, file: BinaryIO) -> Origin:
    magic, cluster_id, member_id = _HEADER.unpack(_read(path, file, _HEADER.size))
    if magic != MAGIC:
        raise SnapshotFileError(f"{path} is of format {magic!r}, expected {MAGIC!r}")
    return Origin(cluster_id, member_id)


def _read(path: Path, file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise SnapshotFileError(f"{path} ends {length - len(data)} bytes too early")
    return data


def _place(number: int) -> bytes:
    return _PLACE + number.to_bytes(8)
