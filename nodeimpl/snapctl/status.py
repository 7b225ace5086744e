"""What a backup holds (etcd, etcdutl snapshot status)."""

import zlib
from pathlib import Path

import msgspec

from nodeimpl.mvcc.rows import CHANGES_END, CHANGES_START, SCHEDULED_ROW, change_of
from nodeimpl.mvcc.rows import unpack_compaction_mark as unpack_mark
from nodeimpl.mvcc.state import FIRST_REVISION
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.snapshot_file import check_snapshot, read_rows


class SnapshotStatus(msgspec.Struct, frozen=True, rename="camel"):
    """etcd's names in JSON."""

    hash: int
    """CRC-32 of all rows: equal stores have equal ones, however their backups were made."""
    revision: int
    """Of the last change."""
    total_key: int
    """Rows, those of earlier revisions and of the store's own facts included (as etcd)."""
    total_size: int
    """Bytes of the file."""


def snapshot_status(path: Path, cipher: Cipher, *, skip_hash_check: bool) -> SnapshotStatus:
    """Read a whole backup; raise `SnapshotFileError` or `CipherError` if it is not sound."""
    if not skip_hash_check:
        check_snapshot(path)
    total_hash = row_count = 0
    revision = int(FIRST_REVISION)
    for row, record in read_rows(path, cipher):
        total_hash = zlib.crc32(record, zlib.crc32(row, total_hash))
        row_count += 1
        if CHANGES_START <= row < CHANGES_END:
            revision = max(revision, change_of(row)[0])
        elif row == SCHEDULED_ROW:
            revision = max(revision, unpack_mark(record).applied_at)
    return SnapshotStatus(total_hash, revision, row_count, path.stat().st_size)
