"""Client libraries that others wrote run their basic operations against our node.

They need interpreters of their own, as each brings its own messages: `make clients`.
"""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.local.our_cluster import CALL_SECONDS, Cluster, running

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "clients"


@pytest.mark.parametrize("library", ["aetcd", "etcd3"])
def test_a_client_library_works_with_our_node(tmp_path: Path, library: str) -> None:
    python = ROOT / f".venv-{library}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{library} is not there: make clients")
    with running(Cluster(tmp_path, 3)) as cluster:
        address = urlsplit(cluster.members[0].client)
        done = subprocess.run(
            [python, SCRIPTS / f"with_{library}.py", str(address.hostname), str(address.port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=CALL_SECONDS,
            env=dict(os.environ),
        )
        assert done.returncode == 0, done.stdout + done.stderr
