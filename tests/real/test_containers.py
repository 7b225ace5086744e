"""`quorate run --env docker`: containers that are broken, and gone in the end."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.environments.containers.engine import NODE_LABEL, engine, leftovers
from harness.environments.containers.environment import ContainerEnvironment
from harness.environments.containers.userland import userland_image, userland_mounts
from harness.environments.hosts.processes import orphans
from harness.plan import Plan
from harness.store import RunDirectory
from nemesis.surface import SurfaceError
from tests.harness.environments.local.sleeper import DYING, SLEEP, Sleeper
from tests.local.command_line import begin, line, quorate, the_run
from tests.local.waiting import wait_for
from tests.real.datagrams import exchange

pytestmark = pytest.mark.real

NODES = ("n1", "n2")


def cluster(folder: Path, script: str = SLEEP) -> ContainerEnvironment:
    directory = RunDirectory.create(folder, Plan(nodes=2), datetime.now(UTC))
    return ContainerEnvironment(Sleeper(script), NODES, directory, None)


def containers_of(folder: Path) -> list[str]:
    """Return the containers that mount something under `folder`, running or not."""
    with closing(engine()) as client:
        return [
            str(container.name)
            for container in client.containers.list(all=True, ignore_removed=True)
            if str(folder) in json.dumps(container.attrs["Mounts"])
        ]


def left() -> list[str]:
    """Return the clusters that killed harnesses have left."""
    with closing(engine()) as client:
        return list(leftovers(client))


def status(name: str) -> str:
    with closing(engine()) as client:
        return client.containers.get(name).status


def test_a_daemon_is_killed_started_paused_resumed_and_stopped(tmp_path: Path) -> None:
    with cluster(tmp_path) as environment:
        environment.start()
        daemons = environment.means().daemons

        daemons.kill("n1", lose_unsynced=False, torn_tail=False)
        assert not daemons.is_running("n1")
        daemons.start("n1")
        daemons.pause("n1")
        daemons.pause("n2")
        daemons.kill("n2", lose_unsynced=False, torn_tail=False)
        daemons.resume("n1")
        with pytest.raises(SurfaceError, match="n2 does not run, so it cannot be paused"):
            daemons.pause("n2")
        with pytest.raises(SurfaceError, match="n1 runs already"):
            daemons.start("n1")

        assert daemons.is_running("n1")
        assert environment.deaths() == []

    assert containers_of(tmp_path) == []


def test_a_daemon_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    with cluster(tmp_path, DYING) as environment:
        environment.start()
        wait_for(lambda: len(environment.deaths()) == 2)
        death = environment.deaths()[0]

    assert (death.node, death.how, death.last_words) == ("n1", "exit code 1", "no such disk")


def test_a_cut_outlives_the_containers_restart(tmp_path: Path) -> None:
    with cluster(tmp_path) as environment:
        environment.start()
        means = environment.means()
        assert means.links is not None
        means.links.cut({("n1", "n2")})
        means.daemons.kill("n2", lose_unsynced=False, torn_tail=False)
        means.daemons.start("n2")

        cut = datagrams(environment, "n1", "n2")
        back = datagrams(environment, "n2", "n1")
        means.links.cut(set())

        assert cut == 0
        assert back == 20
        assert datagrams(environment, "n1", "n2") == 20


def test_a_killed_harness_leaves_no_container_and_no_network(tmp_path: Path) -> None:
    process = begin(
        tmp_path, "run", "--env", "docker", "--system", "etcd", "--time-limit", "60",
        "--faults", "pause",
    )  # fmt: skip
    wait_for(lambda: len(containers_of(tmp_path)) == 3)
    wait_for((the_run(tmp_path) / "history.jsonl").exists)

    process.kill()
    process.communicate()

    wait_for(lambda: containers_of(tmp_path) == [])
    wait_for(lambda: left() == [])
    assert [daemon for daemon in orphans() if daemon.run.startswith(str(tmp_path))] == []


@pytest.fixture
def running() -> Iterator[list[str]]:
    """Give the names of two running containers of somebody else."""
    client = engine()
    network = client.networks.create("quorate-test-attach", internal=True)
    containers = [
        client.containers.run(
            userland_image(client),
            ["/usr/bin/sleep", "600"],
            name=f"quorate-test-attach-{node}",
            labels={NODE_LABEL: node},
            mounts=list(userland_mounts("/usr/bin/sleep")),
            network="quorate-test-attach",
            detach=True,
        )
        for node in NODES
    ]
    yield [str(container.name) for container in containers]
    for container in containers:
        container.remove(force=True)
    network.remove()
    client.close()


def test_attached_containers_must_be_those_of_the_plan(tmp_path: Path, running: list[str]) -> None:
    done = quorate(tmp_path, "run", "--env", "docker", "--attach", "--nodes", "3")

    assert len(running) == 2
    assert done.returncode == 3
    assert "with the label quorate.node are n1, n2, the plan's nodes are n1, n2, n3" in done.stderr


def test_attached_containers_are_left_running(tmp_path: Path, running: list[str]) -> None:
    (tmp_path / "plan.toml").write_text(
        'environment = "docker"\nnodes = 2\n[daemon]\nattach = true\nready_s = 1.0\n'
        "[faults]\npackages = []\n"
    )
    done = quorate(tmp_path, "run", "plan.toml")

    assert done.returncode == 3
    assert "did not serve 1 s after its start" in done.stderr
    assert [status(name) for name in running] == ["running", "running"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--image", "no-such-image"), "there is no image no-such-image; build it"),
        (("--faults", "hold"), "needs links on which messages are told apart, which the docker"),
    ],
)
def test_what_cannot_be_done_is_a_failure_of_the_harness_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = quorate(tmp_path, "run", "--env", "docker", "--system", "etcd", *arguments)

    assert done.returncode == 3
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert containers_of(tmp_path) == []


def test_without_an_engine_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    done = quorate(tmp_path, "run", "--env", "docker")

    assert done.returncode == 3
    assert "no Docker engine answers; apt-get install docker.io, and start dockerd" in done.stderr


@pytest.mark.parametrize("system", ["etcd", "nodeimpl"])
def test_a_healthy_store_is_valid_in_containers_under_faults(tmp_path: Path, system: str) -> None:
    done = quorate(
        tmp_path, "run", "--env", "docker", "--system", system, "--workload", "kv",
        "--faults", "kill,pause,partition", "--time-limit", "6",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"


def datagrams(environment: ContainerEnvironment, sender: str, receiver: str) -> int:
    """Return how many of 20 datagrams come through."""
    pids = {node: environment.daemons.pid(node) for node in (sender, receiver)}
    entries = {node: ["nsenter", f"--net=/proc/{pid}/ns/net", "--"] for node, pid in pids.items()}
    (address,) = [
        member.client_address.partition(":")[0]
        for member in environment.members
        if member.name == receiver
    ]
    return len(exchange(entries[sender], entries[receiver], address, count=20))
