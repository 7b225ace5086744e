"""Daemons of a local cluster: started, broken, watched, and gone at the end."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.environments.hosts.processes import (
    DAEMON,
    Marked,
    identity,
    is_stopped,
    marked,
    orphans,
)
from harness.environments.hosts.processes import end as end_process
from harness.environments.local.environment import LocalEnvironment
from harness.plan import Plan
from harness.store import RunDirectory
from nemesis.surface import SurfaceError
from tests.harness.environments.local.sleeper import DEAF, DYING, SLEEP, Sleeper
from tests.local.waiting import wait_for

NODES = ("n1", "n2")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path, Plan(nodes=2), datetime.now(UTC))


def cluster(directory: RunDirectory, script: str = SLEEP) -> LocalEnvironment:
    return LocalEnvironment(Sleeper(script), NODES, directory)


def pids(directory: RunDirectory) -> list[int]:
    """Return the daemons that there are of this run."""
    return [daemon.process.pid for daemon in marked() if is_daemon(daemon, directory)]


def is_daemon(found: Marked, directory: RunDirectory) -> bool:
    return found.part == DAEMON and found.run == str(directory.path)


def until_awake(directory: RunDirectory) -> None:
    """Wait until both daemons have come to sleep."""
    logs = [directory.node_path(node) / "daemon.log" for node in NODES]
    wait_for(lambda: all("awake" in log.read_text() for log in logs))


def test_every_daemon_runs_after_the_start_and_none_after_the_end(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        environment.start()
        daemons = environment.means().daemons
        assert [daemons.is_running(node) for node in NODES] == [True, True]
        wait_for(lambda: len(pids(directory)) == 2)

    assert pids(directory) == []


def test_members_have_addresses_of_their_own(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        members = environment.members
        addresses = {each.client_address for each in members}
        addresses |= {each.peer_address for each in members}

    assert [member.name for member in members] == ["n1", "n2"]
    assert len(addresses) == 4


def test_a_failing_trial_leaves_no_daemon(directory: RunDirectory) -> None:
    def fail() -> None:
        with cluster(directory) as environment:
            environment.start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert pids(directory) == []


def test_a_killed_daemon_can_be_started_again(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        environment.start()
        daemons = environment.means().daemons

        daemons.kill("n1", lose_unsynced=False, torn_tail=False)
        assert not daemons.is_running("n1")
        daemons.start("n1")

        assert daemons.is_running("n1")
        assert environment.deaths() == []


def test_a_paused_daemon_stands_still_until_it_is_resumed(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        environment.start()
        until_awake(directory)
        daemons = environment.means().daemons
        pid = pids(directory)[0]
        node = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[3]

        daemons.pause(node)
        assert is_stopped(pid)
        daemons.resume(node)

        assert not is_stopped(pid)


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_daemon_can_be_stopped_even_if_it_is_paused(
    directory: RunDirectory, *, is_paused: bool
) -> None:
    with cluster(directory) as environment:
        environment.start()
        until_awake(directory)
        daemons = environment.means().daemons
        if is_paused:
            daemons.pause("n1")

        daemons.stop("n1")

        assert not daemons.is_running("n1")
        assert environment.deaths() == []


def test_a_daemon_that_will_not_stop_is_told(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.environments.local.daemon._PATIENCE_S", 0.2)
    with cluster(directory, DEAF) as environment:
        environment.start()
        until_awake(directory)

        with pytest.raises(SurfaceError, match=r"n1 did not end within 0.2 s of SIGTERM"):
            environment.means().daemons.stop("n1")


def test_a_daemon_that_ends_by_itself_is_told_once_with_its_last_words(
    directory: RunDirectory,
) -> None:
    with cluster(directory, DYING) as environment:
        environment.start()
        wait_for(lambda: len(environment.deaths()) == 2)
        environment.deaths()
        death = environment.deaths()[0]

        assert death.node == "n1"
        assert death.how == "exit code 1"
        assert death.last_words == "no such disk"
        assert len(environment.deaths()) == 2


def test_a_signal_from_elsewhere_is_a_death(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        environment.start()
        wait_for(lambda: len(pids(directory)) == 2)
        for daemon in marked():
            if is_daemon(daemon, directory):
                end_process(daemon)
        wait_for(lambda: len(environment.deaths()) == 2)

        assert {death.how for death in environment.deaths()} == {f"signal {signal.SIGKILL.value}"}


@pytest.mark.parametrize("what", ["kill", "pause", "resume", "stop"])
def test_what_does_not_run_cannot_be_broken(directory: RunDirectory, what: str) -> None:
    with cluster(directory) as environment:
        daemons = environment.means().daemons
        broken: Callable[[], None] = {
            "kill": lambda: daemons.kill("n1", lose_unsynced=False, torn_tail=False),
            "pause": lambda: daemons.pause("n1"),
            "resume": lambda: daemons.resume("n1"),
            "stop": lambda: daemons.stop("n1"),
        }[what]

        with pytest.raises(SurfaceError, match="n1 does not run"):
            broken()


def test_a_local_disk_loses_nothing(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        environment.start()

        with pytest.raises(SurfaceError, match="nothing here can lose what was not synced"):
            environment.means().daemons.kill("n1", lose_unsynced=True, torn_tail=False)


def test_an_unknown_node_is_told(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        daemons = environment.means().daemons

        with pytest.raises(SurfaceError, match="there is no node 'n9'; nodes are n1, n2"):
            daemons.pause("n9")


HARNESS = """
import sys
from pathlib import Path
from harness.store import RunDirectory
from tests.harness.environments.local.test_environment import cluster

with cluster(RunDirectory.open(Path(sys.argv[1]))) as environment:
    environment.start()
    print("started", flush=True)
    input()
"""


def test_a_killed_harness_leaves_no_daemon(directory: RunDirectory) -> None:
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, str(directory.path)],
        cwd=Path(__file__).parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"started\n"
        wait_for(lambda: len(pids(directory)) == 2)
        harness.kill()

    wait_for(lambda: pids(directory) == [])


def test_a_daemon_is_an_orphan_once_its_harness_has_ended(directory: RunDirectory) -> None:
    with cluster(directory) as environment:
        environment.start()
        wait_for(lambda: len(pids(directory)) == 2)

        assert [daemon for daemon in orphans() if daemon.run == str(directory.path)] == []


def test_the_number_of_an_ended_process_means_nobody() -> None:
    ended = subprocess.Popen(["/bin/true"])
    known = identity(ended.pid)
    ended.wait()

    assert known is None or not known.is_alive()
    assert identity(ended.pid) is None


def test_without_namespaces_all_are_on_loopback_and_it_is_said_why(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "ip is missing: apt-get install iproute2"
    monkeypatch.setattr("harness.environments.local.namespaces.obstacle", lambda: reason)
    with cluster(directory) as environment:
        environment.start()
        means = environment.means()

        assert means.links is None
        assert means.lack.startswith(reason)
        assert environment.members[0].client_address.startswith("127.0.0.1:")


def test_a_node_that_joins_is_a_daemon_like_the_others_and_ends_with_them(
    directory: RunDirectory,
) -> None:
    with cluster(directory) as environment:
        environment.start()
        means = environment.means()
        assert means.machines is not None
        member = means.machines.prepare("n3")
        assert list(means.daemons.node_names()) == ["n1", "n2"]

        means.machines.launch("n3", [*environment.members, member])

        assert list(means.daemons.node_names()) == ["n1", "n2", "n3"]
        assert means.daemons.is_running("n3")
        means.daemons.kill("n3", lose_unsynced=False, torn_tail=False)
        means.daemons.start("n3")
        wait_for(lambda: len(pids(directory)) == 3)
        addresses = [each.peer_address for each in (*environment.members, member)]
        assert len(dict.fromkeys(addresses)) == 3

    assert pids(directory) == []


def test_a_node_that_is_dismissed_runs_on_until_it_is_switched_off(
    directory: RunDirectory,
) -> None:
    with cluster(directory) as environment:
        environment.start()
        means = environment.means()
        assert means.machines is not None

        means.machines.dismiss("n1")
        assert list(means.daemons.node_names()) == ["n2"]
        assert means.daemons.is_running("n1")
        means.machines.switch_off("n1")

        assert not means.daemons.is_running("n1")
        assert environment.deaths() == []
