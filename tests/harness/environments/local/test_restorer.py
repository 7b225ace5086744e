"""Data directories of this machine that are made anew of a backup."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.environments.local.restorer import LocalRestorer
from harness.systems.system import Launch, Member
from nemesis.surface import SurfaceError
from tests.harness.environments.local.sleeper import Sleeper

MEMBER = Member(name="n1", client_address="127.0.0.1:1", peer_address="127.0.0.1:2")


def restorer(folder: Path) -> LocalRestorer:
    def launch(member: Member, members: Sequence[Member]) -> Launch:
        data = str(folder / member.name)
        return Launch(member=member, members=tuple(members), data_directory=data, cluster="c")

    (folder / "n1").mkdir()
    (folder / "n1" / "old").write_text("what was there")
    return LocalRestorer(Sleeper(), folder, launch, os.environ)


def test_what_was_there_is_gone_and_the_backup_is_in_its_place(tmp_path: Path) -> None:
    site = restorer(tmp_path)
    snapshot = site.snapshot_path()
    snapshot.write_text("saved")
    site.restore("n1", snapshot, [MEMBER])

    assert [path.name for path in (tmp_path / "n1").iterdir()] == ["store"]
    assert (tmp_path / "n1" / "store").read_text() == "saved"
    assert not site.snapshot_path().exists()


def test_a_tool_that_fails_is_a_failure_of_the_environment(tmp_path: Path) -> None:
    site = restorer(tmp_path)
    snapshot = site.snapshot_path()
    snapshot.write_text("")

    with pytest.raises(SurfaceError, match="n1 cannot be restored: an empty backup"):
        site.restore("n1", snapshot, [MEMBER])
