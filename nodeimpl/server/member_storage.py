"""What one member keeps on its disk, opened and recovered.

<data-dir>/member/           nobody else may look into it
    identity.json            whose it is
    db                       the backend
    wal/*.wal                the log, or in --wal-dir
"""

import fcntl
import os
from pathlib import Path
from typing import Final

import structlog

from nodeimpl.raft.state import Recovered, RecoveredStateError
from nodeimpl.server.disk import Disk
from nodeimpl.server.identity import DataDirError, Identity
from nodeimpl.storage.cipher import CipherError
from nodeimpl.storage.encryption.providers import Providers
from nodeimpl.storage.lmdb_backend import CommitWork, LmdbBackend
from nodeimpl.storage.lmdb_file import BackendDamagedError
from nodeimpl.storage.recovery import implied_trim, replay
from nodeimpl.storage.snapshot_file import Origin
from nodeimpl.storage.wal import Wal
from nodeimpl.storage.wal_files import WalDamagedError, WalForeignError
from nodeimpl.storage.wal_format import WalCorruption

_UNUSABLE: Final = (
    BackendDamagedError,
    CipherError,
    RecoveredStateError,
    WalCorruption,
    WalDamagedError,
    WalForeignError,
)
"""What is wrong with a directory that cannot be used."""

_log: Final = structlog.stdlib.get_logger("storage")


def member_directory(data_dir: Path) -> Path:
    """Return where within its data directory the member keeps everything, made if need be."""
    directory = data_dir / "member"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


class DirectoryLock:
    """Keeps other processes out of a member's directory for as long as this one lives."""

    def __init__(self, directory: Path) -> None:
        """Raise `DataDirError` if another process is in."""
        self._file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise DataDirError(f"{directory} is in use by another process") from error

    def release(self) -> None:
        """Let others in."""
        os.close(self._file)


class MemberStorage:
    """The log and the backend of one member."""

    def __init__(
        self,
        directory: Path,
        wal_directory: Path | None,
        identity: Identity,
        cipher: Providers,
        *,
        fsync: bool = True,
    ) -> None:
        """Open and recover; raise `DataDirError` if what is there cannot be used."""
        self.cipher = cipher
        self.origin = Origin(identity.cluster_id, identity.member_id)
        wal_directory = wal_directory or directory / "wal"
        wal_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.wal = Wal(
                wal_directory,
                cluster_id=identity.cluster_id,
                member_id=identity.member_id,
                cipher=cipher,
            )
            self.backend = LmdbBackend(directory / "db", cipher)
            contents = self.wal.contents()
            self.recovered: Recovered = replay(contents, self.backend.applied)
        except _UNUSABLE as error:
            raise DataDirError(f"{directory} cannot be used: {error}") from error
        if self.wal.torn_tail is not None:
            _log.warning("cut off what a crash had left half written", tail=self.wal.torn_tail)
        trim = implied_trim(contents, self.recovered)
        if trim is not None:
            self.wal.append(trim)
            self.wal.sync()
        self.disk: Disk[CommitWork] = Disk(self.wal, self.backend, fsync=fsync)

    def close(self) -> None:
        """Wait for what is under way, and let the files go."""
        self.disk.close()
        self.wal.close()
        self.backend.close()
