"""Flags of one version of etcd, given to another."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.systems.flags import fitted, known_flags
from tests.harness.systems.programs import fake_etcd

KNOWN = frozenset({"--old", "--experimental-new", "--settled"})


def test_a_flag_that_is_known_stays_as_it_is() -> None:
    assert fitted(["--old=1", "--settled"], KNOWN) == ("--old=1", "--settled")


@pytest.mark.parametrize(
    ("asked", "given"),
    [("--new=2s", "--experimental-new=2s"), ("--experimental-settled=x", "--settled=x")],
)
def test_a_flag_is_given_by_the_name_that_the_version_has(asked: str, given: str) -> None:
    assert fitted([asked], KNOWN) == (given,)


def test_a_flag_that_is_not_listed_is_given_unless_it_is_optional() -> None:
    assert fitted(["--hidden=1", "?--unheard-of=1", "?--old=2"], KNOWN) == ("--hidden=1", "--old=2")


def test_the_flags_are_those_that_the_help_lists(tmp_path: Path) -> None:
    program = tmp_path / "etcd"
    program.write_text("#!/bin/sh\necho \"Usage:\n  --name 'default'\n    Name of --this one.\"\n")
    program.chmod(0o755)

    assert known_flags(program) == {"--name"}


def test_a_program_that_cannot_be_run_is_a_failure_of_the_harness(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be asked for its flags"):
        known_flags(tmp_path / "missing")


def test_a_pretended_etcd_lists_none(tmp_path: Path) -> None:
    assert known_flags(fake_etcd(tmp_path / "bin", "3.5.30")) == frozenset()
