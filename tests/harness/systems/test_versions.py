"""Versions of etcd, and programs that are asked for theirs."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.systems.versions import Version, probe
from tests.harness.systems.programs import fake_etcd, program


def test_a_version_is_read_from_what_etcd_prints() -> None:
    printed = "etcd Version: 3.5.16\nGit SHA: 5d1ac7d\nGo Version: go1.21\n"

    assert Version.read(printed) == Version(3, 5, 16)


def test_other_programs_print_none() -> None:
    assert Version.read("true (GNU coreutils) 9.1") is None


def test_later_versions_are_greater() -> None:
    assert Version(3, 5, 30) > Version(3, 5, 16) > Version(3, 4, 23)


@pytest.mark.parametrize("wanted", ["3.5.16", "3.5", "3"])
def test_a_version_is_one_of_its_line(wanted: str) -> None:
    assert Version(3, 5, 16).matches(wanted)


@pytest.mark.parametrize("wanted", ["3.5.1", "3.4", "3.5.160", "5"])
def test_a_version_is_no_other(wanted: str) -> None:
    assert not Version(3, 5, 16).matches(wanted)


def test_a_program_is_asked_for_its_version(tmp_path: Path) -> None:
    path = fake_etcd(tmp_path / "etcd", "3.4.23")

    assert probe(path).version == Version(3, 4, 23)


def test_a_program_that_is_no_etcd_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path / "other", "echo hello")

    with pytest.raises(HarnessError, match="is not an etcd"):
        probe(path)


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be run as etcd"):
        probe(tmp_path / "nowhere")
