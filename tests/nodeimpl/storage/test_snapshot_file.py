"""Backups as files: read back whole, or refused."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.storage.cipher import Cipher, CipherError
from nodeimpl.storage.encryption.aes import AesGcm
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.snapshot_file import (
    BLOCK_BYTES,
    Origin,
    SnapshotFileError,
    check_snapshot,
    read_origin,
    read_rows,
    snapshot_pieces,
    write_snapshot,
)

ORIGIN = Origin(0xC1, 7)
ROWS = [(b"%04d" % number, b"value %d" % number) for number in range(100)]
ENCRYPTED = Providers((AesGcm("key1", bytes(32), os.urandom),))


def saved(path: Path, rows: list[tuple[bytes, bytes]], cipher: Cipher = PLAIN) -> Path:
    with path.open("wb") as file:
        length = write_snapshot(file, snapshot_pieces(iter(rows), ORIGIN, cipher))
    assert path.stat().st_size == length
    return path


@given(rows=st.dictionaries(st.binary(max_size=20), st.binary(max_size=200)))
def test_rows_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[bytes, bytes]
) -> None:
    path = saved(tmp_path_factory.mktemp("s") / "backup.db", sorted(rows.items()), ENCRYPTED)
    check_snapshot(path)
    assert list(read_rows(path, ENCRYPTED)) == sorted(rows.items())
    assert read_origin(path) == ORIGIN


def test_many_blocks_are_read_back(tmp_path: Path) -> None:
    rows = [(b"%04d" % number, bytes(BLOCK_BYTES // 3)) for number in range(20)]
    rows.append((b"large", bytes(1_572_864)))
    assert list(read_rows(saved(tmp_path / "backup.db", rows), PLAIN)) == rows


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_etcds_clients_see_that_there_is_a_checksum(tmp_path: Path, count: int) -> None:
    # etcd, etcdutl/snapshot: hasChecksum
    assert saved(tmp_path / "backup.db", ROWS[:count]).stat().st_size % 512 == 32


def test_any_changed_byte_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "backup.db", ROWS[:3])
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(SnapshotFileError, match="does not match its checksum"):
            check_snapshot(path)


@pytest.mark.parametrize("length", [0, 31, 100, 512])
def test_a_cut_file_has_no_checksum(tmp_path: Path, length: int) -> None:
    path = saved(tmp_path / "backup.db", ROWS)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(SnapshotFileError, match="has no checksum"):
        check_snapshot(path)


def test_without_its_checksum_a_damaged_file_is_still_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "backup.db", ROWS)
    content = path.read_bytes()
    for length in range(len(content) - 600, 0, -37):
        path.write_bytes(content[:length])
        with pytest.raises(SnapshotFileError, match=r"too early|too late|and should"):
            list(read_rows(path, PLAIN))


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "backup.db", [(b"b", b""), (b"a", b"")])
    with pytest.raises(SnapshotFileError, match="b'a' does not come after b'b'"):
        list(read_rows(path, PLAIN))


def test_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "backup.db"
    path.write_bytes(b"bolt" * 100)
    with pytest.raises(SnapshotFileError, match="of format b'bolt'"):
        list(read_rows(path, PLAIN))


def test_an_encrypted_backup_needs_its_key_and_shows_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "backup.db", ROWS, ENCRYPTED)
    assert b"value" not in path.read_bytes()
    with pytest.raises(CipherError, match="aesgcm:v1:key1"):
        list(read_rows(path, PLAIN))
