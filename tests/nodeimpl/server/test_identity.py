"""A data directory belongs to one member of one cluster."""

from pathlib import Path

import msgspec
import pytest

from nodeimpl.config import INCARNATION_MAX
from nodeimpl.ids import NodeId, Term
from nodeimpl.raft.effects import Persist
from nodeimpl.raft.messages import HardState
from nodeimpl.server.identity import (
    FILE_NAME,
    DataDirError,
    Founder,
    Identity,
    read_identity,
    started_again,
    write_identity,
)
from nodeimpl.server.member_storage import DirectoryLock, MemberStorage, member_directory
from nodeimpl.storage.encryption.providers import PLAIN

IDENTITY = Identity(
    cluster_id=2**64 - 1,
    member_id=NodeId(7),
    founders=(Founder(member_id=NodeId(7), name="n1", peer_urls=("http://a:1",)),),
    is_founder=True,
    incarnation=1,
)


def test_an_identity_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_identity(tmp_path) is None
    write_identity(tmp_path, IDENTITY)
    assert read_identity(tmp_path) == IDENTITY


def test_every_start_is_counted(tmp_path: Path) -> None:
    write_identity(tmp_path, started_again(IDENTITY))
    again = read_identity(tmp_path)
    assert again is not None
    assert again.incarnation == 2


def test_a_member_that_was_started_too_often_is_refused() -> None:
    worn_out = msgspec.structs.replace(IDENTITY, incarnation=INCARNATION_MAX)
    with pytest.raises(DataDirError, match="as often as can be counted"):
        started_again(worn_out)


def test_a_damaged_identity_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"{}")
    with pytest.raises(DataDirError, match="is damaged"):
        read_identity(tmp_path)


def test_one_process_at_a_time_uses_a_directory(tmp_path: Path) -> None:
    directory = member_directory(tmp_path)
    lock = DirectoryLock(directory)
    with pytest.raises(DataDirError, match="in use by another process"):
        DirectoryLock(directory)
    lock.release()
    DirectoryLock(directory).release()


@pytest.mark.parametrize("changed", [{"cluster_id": 1}, {"member_id": NodeId(8)}])
def test_another_s_log_is_refused(tmp_path: Path, changed: dict[str, int]) -> None:
    directory = member_directory(tmp_path)
    storage = MemberStorage(directory, None, IDENTITY, PLAIN)
    storage.wal.append(Persist(HardState(Term(1), None), ()))
    storage.wal.sync()
    storage.close()
    other = Identity(**{**msgspec.structs.asdict(IDENTITY), **changed})
    with pytest.raises(DataDirError, match="belongs to"):
        MemberStorage(directory, None, other, PLAIN)


def test_nobody_else_may_look_into_a_member_s_directory(tmp_path: Path) -> None:
    assert member_directory(tmp_path).stat().st_mode & 0o077 == 0
