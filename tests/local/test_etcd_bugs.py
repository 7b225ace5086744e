"""Real bugs of released etcd, found by their plans; and what etcd's logs say of a healthy run."""

from pathlib import Path

import pytest

from tests.local.command_line import line, quorate

pytestmark = pytest.mark.local

PLANS = Path(__file__).parents[2] / "histories" / "plans"


def test_a_bug_is_found_in_the_version_that_has_it_and_not_in_a_later_one(tmp_path: Path) -> None:
    plan = str(PLANS / "etcd-18089.toml")

    affected = quorate(tmp_path, "run", plan, "--etcd-version", "3.4.23", "--time-limit", "8")
    mended = quorate(tmp_path, "run", plan, "--etcd-version", "3.5.16", "--time-limit", "8")

    assert line(affected.stdout, "verdict") == "INVALID", affected.stdout + affected.stderr
    assert "watch-resumable" in affected.stdout
    # Of #18089 only: 3.5.16 has #20221 still, which this plan shows now and then.
    judged = dict(text.split()[:2] for text in mended.stdout.splitlines() if len(text.split()) > 1)
    assert judged["watch-resumable"] == "VALID", mended.stdout + mended.stderr


def test_single_messages_between_the_peers_of_an_etcd_are_broken_and_it_stays_correct(
    tmp_path: Path,
) -> None:
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--workload", "kv",
        "--faults", "partition,loss,delay,duplicate,reorder", "--time-limit", "5",
        "--set", "daemon.peer_proxy=true",
    )  # fmt: skip

    assert line(done.stdout, "verdict") == "VALID", done.stdout + done.stderr


def test_the_logs_of_an_etcd_are_judged_and_tell_what_became_of_puts(tmp_path: Path) -> None:
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--workload", "kv",
        "--faults", "kill", "--time-limit", "4",
    )  # fmt: skip

    judged = dict(text.split()[:2] for text in done.stdout.splitlines() if len(text.split()) > 1)
    assert judged["raft-log-matching"] == "VALID", done.stdout + done.stderr
    assert judged["persisted"] == "VALID", done.stdout


def test_versions_of_one_cluster_may_differ(tmp_path: Path) -> None:
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--workload", "kv",
        "--faults", "kill", "--time-limit", "4",
        "--set", 'daemon.versions=["3.4.23", "3.5.16", "3.4.23"]',
    )  # fmt: skip

    assert line(done.stdout, "verdict") == "VALID", done.stdout + done.stderr
    assert "n1 3.4.23, n2 3.5.16, n3 3.4.23" in done.stdout
