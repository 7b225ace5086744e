"""Planted bugs in real daemons: the checkers convict them as they do in simulation."""

import subprocess
from pathlib import Path

import pytest

from tests.local.command_line import line, quorate

pytestmark = pytest.mark.local


@pytest.mark.parametrize(
    ("mutant", "workload", "convicted_by", "options"),
    [
        ("version-survives-delete", "kv", "mvcc-versions", ("--nodes", "1")),
        (
            "every-read-serializable",
            "kv",
            "etcd-linearizability",
            ("--faults", "none", "--concurrency", "40", "--rate", "800", "--time-limit", "6"),
        ),
        ("compaction-forgets-what-holds", "watch", "etcd-linearizability", ("--nodes", "1")),
        ("prev-kv-of-the-present", "watch", "watch-prev-kv", ("--nodes", "1")),
        (
            "lease-expires-early",
            "lease",
            "lease-not-early",
            ("--nodes", "1", "--faults", "none", "--time-limit", "6"),
        ),
    ],
)
def test_a_planted_bug_is_convicted_in_real_daemons(
    tmp_path: Path, mutant: str, workload: str, convicted_by: str, options: tuple[str, ...]
) -> None:
    def tried(seed: str) -> subprocess.CompletedProcess[str]:
        return quorate(
            tmp_path, "run", "--env", "local", "--system", "nodeimpl", "--mutant", mutant,
            "--workload", workload, "--faults", "pause", "--time-limit", "3", "--seed", seed,
            *options,
        )  # fmt: skip

    done = tried("1")
    for seed in ("2", "3"):  # What happens is the machine's choice, too.
        if done.returncode == 0:
            done = tried(seed)

    convicted = [text for text in done.stdout.splitlines() if "INVALID" in text.split()]
    assert done.returncode == 1, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "INVALID"
    assert any(text.split()[0] == convicted_by for text in convicted), done.stdout


def test_bugs_are_planted_in_our_own_node_only(tmp_path: Path) -> None:
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--mutant", "figure-8"
    )  # fmt: skip

    assert done.returncode == 64
    assert "bugs are planted in our own node, not in etcd" in done.stderr
