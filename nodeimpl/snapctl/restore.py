"""A fresh data directory for one member of a new cluster, from a backup (etcd, etcdutl restore).

Every member is restored by itself, from the same backup with the same flags but its name: so all
begin with equal stores, behind an equal log of which one entry, in term 1, has been forgotten.
What the backup says of the members of the old cluster is left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from nodeimpl.ids import LogIndex, RequestId, Revision, Term
from nodeimpl.mvcc.backend import Applied
from nodeimpl.mvcc.facts import MEMBERS
from nodeimpl.mvcc.rows import CompactionMark, write_compaction_mark
from nodeimpl.mvcc.state import load_state
from nodeimpl.raft.configuration import (
    Configuration,
    ConfigurationEntry,
    encode_configuration_entry,
)
from nodeimpl.raft.effects import Persist, Trim
from nodeimpl.raft.messages import HardState
from nodeimpl.server.identity import Identity, write_identity
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.directories import sync_directory
from nodeimpl.storage.lmdb_backend import LmdbBackend
from nodeimpl.storage.snapshot_file import check_snapshot, read_rows
from nodeimpl.storage.wal import Wal

FIRST_INDEX: Final = LogIndex(1)
FIRST_TERM: Final = Term(1)


class RestoreError(Exception):
    """A backup that cannot be restored so; the message says why."""


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of a backup."""

    snapshot: Path
    member_directory: Path
    """Must not be there."""
    wal_directory: Path | None
    """None: within the member's directory."""
    identity: Identity
    skip_hash_check: bool = False
    bump_revision: int = 0
    """By how much the revision is to be larger than in the backup."""
    mark_compacted: bool = False
    """Whether nothing before the new revision is to be read any more."""


def restore(restoration: Restoration, cipher: Cipher) -> Revision:
    """Make the directory; return the store's revision. A failure leaves it unfinished.

    Raises `RestoreError`, `SnapshotFileError`, `CipherError`, `OSError`.
    """
    directory = restoration.member_directory
    wal_directory = restoration.wal_directory or directory / "wal"
    for path in (directory, wal_directory):
        if path.exists():
            raise RestoreError(f"data-dir {str(path)!r} not empty or could not be read")
    if not restoration.skip_hash_check:
        check_snapshot(restoration.snapshot)
    directory.mkdir(mode=0o700, parents=True)
    wal_directory.mkdir(mode=0o700, parents=True)
    revision = _restore_backend(restoration, cipher)
    _write_log(restoration.identity, wal_directory, cipher)
    write_identity(directory, restoration.identity)  # Last: with it, a member may be started.
    for path in (wal_directory.parent, directory.parent):
        sync_directory(path)
    return revision


def _restore_backend(restoration: Restoration, cipher: Cipher) -> Revision:
    identity = restoration.identity
    voters = tuple(sorted(founder.member_id for founder in identity.founders))
    members = ConfigurationEntry(RequestId(0), Configuration(voters=voters))
    applied = Applied(FIRST_INDEX, FIRST_TERM, encode_configuration_entry(members))
    backend = LmdbBackend(restoration.member_directory / "db", cipher)
    try:
        backend.commit(backend.restore(applied, _kept(read_rows(restoration.snapshot, cipher))))
        revision = load_state(backend).revision
        if restoration.bump_revision:
            revision = _bump(backend, restoration)
            backend.commit(backend.seal(applied))
    finally:
        backend.close()
    return revision


def _kept(rows: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is kept of a backup: all but the members."""
    return ((row, record) for row, record in rows if not row.startswith(MEMBERS))


def _bump(backend: LmdbBackend, restoration: Restoration) -> Revision:
    """Make the revision larger than any client may have seen, and let none before it be read.

    A store's revision is never smaller than where its last compaction was applied.
    """
    state = load_state(backend)
    bumped = Revision(state.revision + restoration.bump_revision)
    assert restoration.mark_compacted, "a revision that never was cannot be read"
    write_compaction_mark(backend, CompactionMark(bumped, bumped, state.hash))
    return bumped


def _write_log(identity: Identity, directory: Path, cipher: Cipher) -> None:
    """Begin a log that has forgotten its first entry, in whose place the store stands."""
    wal = Wal(
        directory, cluster_id=identity.cluster_id, member_id=identity.member_id, cipher=cipher
    )
    try:
        wal.append(Persist(HardState(FIRST_TERM, None), ()))
        wal.append(Trim(FIRST_INDEX, FIRST_TERM))
        wal.sync()
    finally:
        wal.close()
