"""`etcdctl check perf` runs against our node as against etcd; its own verdict is the machine's.

It takes a minute, so it is run with the soak tests.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.local.our_cluster import ETCD, ETCDCTL, OUR_NODE, Cluster, running

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]

PATIENCE_SECONDS = 200
JUDGED = ("Throughput", "Slowest request", "Stddev")


def begun(cluster: Cluster) -> "subprocess.Popen[str]":
    """Start a check of the small load: 150 puts a second from 50 clients."""
    return subprocess.Popen(
        [ETCDCTL, f"--endpoints={cluster.endpoints}", "check", "perf", "--load=s"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "ETCDCTL_API": "3"},
    )


def test_the_check_ends_with_the_same_questions_answered(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "ours").mkdir()
    with (
        running(Cluster(tmp_path / "etcd", 1, program=ETCD)) as etcd,
        running(Cluster(tmp_path / "ours", 1, program=OUR_NODE)) as ours,
    ):
        checks = [begun(etcd), begun(ours)]  # Side by side: what slows one slows the other.
        told = [check.communicate(timeout=PATIENCE_SECONDS)[0] for check in checks]
        for text in told:
            assert [word for word in JUDGED if word in text] == list(JUDGED), text
        left = [each.out("get", "", "--from-key", "--keys-only") for each in (etcd, ours)]
        assert left[0] == left[1]
