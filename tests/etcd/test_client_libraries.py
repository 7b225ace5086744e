"""Client libraries that others wrote are answered the same by our node and by a real etcd.

Each runs in an interpreter of its own, as each registers messages of the same names.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.local.our_cluster import ETCD, OUR_NODE, Cluster, running

SCRIPTS = Path(__file__).parent / "clients"
LIBRARIES = ("aetcd", "etcd3aio")
PARTS = 6
"""Of each script; each prints more lines than one."""
PATIENCE_S = 120

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("ours"), 3, program=OUR_NODE)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("etcd"), 1, program=ETCD)) as cluster:
        yield cluster


def printed(library: str, cluster: Cluster) -> list[str]:
    """Return what the library was answered, once it has come through to the end."""
    address = urlsplit(cluster.members[0].client)
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"with_{library}.py", str(address.hostname), str(address.port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_client_library_is_answered_as_by_etcd(
    library: str, ours: Cluster, etcd: Cluster
) -> None:
    by_etcd = printed(library, etcd)

    assert len(by_etcd) > 2 * PARTS
    assert printed(library, ours) == by_etcd
