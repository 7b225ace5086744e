"""Which etcd is taken, of those there are."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.systems.installed import cache_directory, choose, installed
from tests.harness.systems.programs import fake_etcd


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a machine with nothing on PATH and nothing fetched."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def fetched(machine: Path, version: str) -> Path:
    return fake_etcd(machine / "cache" / "etcd" / version / "etcd", version)


def test_the_one_on_path_comes_first_then_the_newest(machine: Path) -> None:
    fetched(machine, "3.5.16")
    fetched(machine, "3.5.30")
    fake_etcd(machine / "bin" / "etcd", "3.4.23")

    assert [str(binary.version) for binary in installed()] == ["3.4.23", "3.5.30", "3.5.16"]


def test_without_a_wish_the_first_is_taken(machine: Path) -> None:
    on_path = fake_etcd(machine / "bin" / "etcd", "3.4.23")
    fetched(machine, "3.5.30")

    assert choose(None, None).path == on_path


def test_a_line_means_its_newest(machine: Path) -> None:
    fake_etcd(machine / "bin" / "etcd", "3.4.23")
    fetched(machine, "3.5.16")
    newest = fetched(machine, "3.5.30")

    assert choose("3.5", None).path == newest


def test_one_that_is_named_is_taken(machine: Path) -> None:
    named = fake_etcd(machine / "mine", "3.6.1")

    assert choose(None, str(named)).path == named


def test_one_that_is_named_must_be_of_the_version_asked_for(machine: Path) -> None:
    named = fake_etcd(machine / "mine", "3.6.1")

    with pytest.raises(HarnessError, match=r"is etcd 3.6.1, not 3.5 as asked for"):
        choose("3.5", str(named))


def test_none_at_all_is_answered_with_what_to_do() -> None:
    with pytest.raises(HarnessError, match=r"no etcd is installed; install one \(apt-get"):
        choose(None, None)


def test_a_version_that_is_missing_is_answered_with_those_there_are(machine: Path) -> None:
    fake_etcd(machine / "bin" / "etcd", "3.4.23")

    with pytest.raises(HarnessError, match=r"etcd 3.5 is not installed, only 3.4.23; .*fetch-etcd"):
        choose("3.5", None)


def test_the_cache_lies_where_the_desktop_has_it() -> None:
    assert cache_directory({"XDG_CACHE_HOME": "/x"}) == Path("/x/quorate/etcd")
    assert cache_directory({"QUORATE_CACHE": "/y"}) == Path("/y/etcd")
