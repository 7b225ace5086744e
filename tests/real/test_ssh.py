"""`quorate run --env ssh`: daemons on hosts that are reached over SSH."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environments.ssh.healing import leftovers_on
from harness.store import RunDirectory
from nemesis.host.mounts import dead_mounts
from tests.local.command_line import begin, daemons_of, line, quorate, the_run
from tests.local.waiting import wait_for
from tests.real.ssh_hosts import SshHosts

pytestmark = pytest.mark.real


@pytest.fixture
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    made = SshHosts(tmp_path_factory.mktemp("hosts"))
    yield made
    made.close()


@pytest.mark.parametrize("system", ["etcd", "nodeimpl"])
def test_a_healthy_store_is_valid_on_hosts_under_faults(
    tmp_path: Path, hosts: SshHosts, system: str
) -> None:
    done = quorate(
        tmp_path, "run", "--env", "ssh", "--inventory", str(hosts.inventory), "--system", system,
        "--workload", "kv", "--faults", "kill,pause,partition,clock,power", "--time-limit", "6",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    assert (the_run(tmp_path) / "nodes" / "n1" / "daemon.log").stat().st_size > 0
    assert [path.name for path in hosts.directory.iterdir()] in (["programs"], [])


def running(folder: Path, hosts: SshHosts, faults: str) -> subprocess.Popen[str]:
    """Begin a run on the hosts, and return it when it has begun to load its cluster."""
    process = begin(
        folder, "run", "--env", "ssh", "--inventory", str(hosts.inventory), "--system", "etcd",
        "--time-limit", "60", "--faults", faults,
    )  # fmt: skip
    wait_for(lambda: len(daemons_of(folder)) == 3, patience_s=90)
    wait_for((RunDirectory.open(the_run(folder)).history_path).exists)
    return process


def test_a_killed_harness_leaves_no_daemon_on_any_host(tmp_path: Path, hosts: SshHosts) -> None:
    process = running(tmp_path, hosts, "pause")

    process.kill()
    process.communicate()

    wait_for(lambda: not daemons_of(tmp_path), patience_s=90)


def test_what_a_crash_left_on_hosts_is_found_and_removed(tmp_path: Path, hosts: SshHosts) -> None:
    process = running(tmp_path, hosts, "power,partition")
    in_use = leftovers_on("n1", hosts.all_hosts()[0], heal=False)
    process.send_signal(signal.SIGSTOP)
    hosts.kill_agents()
    process.kill()
    process.communicate()

    done = quorate(tmp_path, "doctor", "--heal", "--inventory", str(hosts.inventory))

    assert list(in_use) == []
    removed = [text for text in done.stdout.splitlines() if "removed from" in text]
    assert len(removed) == 3
    assert all("rules of iptables" in text for text in removed)
    assert daemons_of(tmp_path) == []
    assert dead_mounts() == []
    assert leftovers_on("n1", hosts.all_hosts()[0], heal=False) == []


def test_a_host_that_cannot_be_reached_is_told_in_one_line(tmp_path: Path, hosts: SshHosts) -> None:
    for daemon in hosts.daemons[1:]:
        daemon.kill()
        daemon.wait()
    done = quorate(
        tmp_path, "run", "--env", "ssh", "--inventory", str(hosts.inventory), "--system", "etcd"
    )

    assert done.returncode == 3
    assert "n2: root@" in done.stderr
    assert "cannot be reached over SSH" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_host_whose_key_is_unknown_is_refused(tmp_path: Path, hosts: SshHosts) -> None:
    nobody = tmp_path / "known_hosts"
    nobody.write_text("")
    hosts.write_inventory(nobody, hosts.inventory.with_name("key"))
    done = quorate(
        tmp_path, "run", "--env", "ssh", "--inventory", str(hosts.inventory), "--system", "etcd"
    )

    assert done.returncode == 3
    assert "not found in known_hosts" in done.stderr
