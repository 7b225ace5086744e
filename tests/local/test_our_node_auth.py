"""Who may do what past the store: only root, and only with what proves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.our_cluster import Cluster, running

pytestmark = pytest.mark.local

ROOT = "--user=root:secret"
ALICE = "--user=alice:wonder"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("guarded"), 1)) as cluster:
        cluster.out("user", "add", "root:secret")
        cluster.out("user", "grant-role", "root", "root")
        cluster.out("user", "add", "alice:wonder")
        cluster.out("auth", "enable")
        yield cluster


OPERATIONS = [
    ("defrag",),
    ("endpoint", "hashkv"),
    ("member", "add", "x", "--peer-urls=http://127.0.0.1:1"),
    ("member", "remove", "123"),
    ("member", "update", "123", "--peer-urls=http://127.0.0.1:1"),
    ("member", "promote", "123"),
    ("compact", "1"),
    ("user", "list"),
    ("auth", "disable"),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
@pytest.mark.parametrize("user", [(), (ALICE,)], ids=["nobody", "alice"])
def test_what_is_root_s_is_refused_to_others(
    guarded: Cluster, user: tuple[str, ...], operation: tuple[str, ...]
) -> None:
    refused = guarded.ctl(*user, *operation, check=False)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "permission denied" in said or "user name is empty" in said


@pytest.mark.parametrize("user", [(), (ALICE,)], ids=["nobody", "alice"])
def test_a_snapshot_is_not_given_to_others(
    guarded: Cluster, tmp_path: Path, user: tuple[str, ...]
) -> None:
    refused = guarded.ctl(*user, "snapshot", "save", str(tmp_path / "s.db"), check=False)
    assert refused.returncode != 0
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize("user", ["alice:wrong", "nobody:wonder", "root:wonder"])
def test_a_wrong_password_lets_nobody_in(guarded: Cluster, user: str) -> None:
    assert guarded.ctl(f"--user={user}", "get", "k", check=False).returncode != 0


def test_root_may_do_it_all(guarded: Cluster, tmp_path: Path) -> None:
    guarded.out(ROOT, "put", "k", "v")
    guarded.out(ROOT, "defrag")
    guarded.out(ROOT, "snapshot", "save", str(tmp_path / "s.db"))
    assert (tmp_path / "s.db").exists()


def test_watches_show_only_what_may_be_read(guarded: Cluster) -> None:
    refused = guarded.ctl(ALICE, "watch", "secret", "--rev=1", check=False)
    assert "permission denied" in refused.stdout + refused.stderr
