"""Members of real clusters that come and go in the course of a trial."""

import signal
from pathlib import Path

import msgspec
import pytest

from harness.environments.hosts.processes import marked
from tests.local.command_line import line, quorate, the_run
from tests.local.our_cluster import Cluster, Member, free_ports, running, wait_until
from tests.local.test_our_node import leader_of, member_id

pytestmark = pytest.mark.local

PLAN = """version = 1
system = "{system}"
environment = "local"
[workload]
name = "kv"
time_limit_s = 3.0
[faults]
schedule = "schedule.json"
[daemon]
flags = ["--strict-reconfig-check=false"]
"""
"""Members change at once: etcd lets them only when all have been connected for 5 s, else."""

SCHEDULE = """{"v":1,"seed":1,"events":[
{"id":1,"at_ms":100,"do":"replace","target":"leader"}
]}"""


@pytest.mark.parametrize("system", ["etcd", "nodeimpl"])
def test_a_healthy_store_is_valid_when_a_new_node_takes_the_place_of_its_leader(
    tmp_path: Path, system: str
) -> None:
    (tmp_path / "plan.toml").write_text(PLAN.format(system=system))
    (tmp_path / "schedule.json").write_text(SCHEDULE)
    done = quorate(tmp_path, "run", "plan.toml")
    run = the_run(tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    results = msgspec.json.decode((run / "results.json").read_bytes())
    assert [change["do"] for change in results["member_changes"]] == ["replace"]
    assert "n4 votes" in results["member_changes"][0]["reason"]
    assert (run / "nodes" / "n4" / "daemon.log").stat().st_size > 0
    assert [found for found in marked() if found.run.startswith(str(tmp_path))] == []


CAUGHT_UP_S = 15.0
"""etcd takes 0.2 s."""


def test_a_member_that_was_down_follows_a_leader_that_joined_meanwhile(tmp_path: Path) -> None:
    """Its log does not say where the leader is found: it must take that from the connection."""
    flags = ("--strict-reconfig-check=false",)
    with running(Cluster(tmp_path, 3, flags=flags)) as cluster:
        leader = leader_of(cluster)
        down = next(member for member in cluster.members if member is not leader)
        down.end(signal.SIGKILL)
        client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        joining = Member("joining", tmp_path / "joining", client, peer, flags)
        cluster.out("member", "add", "joining", f"--peer-urls={peer}", "--learner", at=leader)
        joining.start(f"{cluster.initial},joining={peer}", state="existing")
        cluster.members.append(joining)

        def is_done(*arguments: str, at: Member) -> bool:
            return cluster.ctl(*arguments, at=at, check=False).returncode == 0

        wait_until(lambda: is_done("get", "k", "--consistency=s", at=joining))
        identity = f"{member_id(cluster, joining):x}"
        wait_until(lambda: is_done("member", "promote", identity, at=leader))
        wait_until(lambda: is_done("move-leader", identity, at=leader))
        cluster.out("put", "k", "new", at=joining)
        down.start(cluster.initial)

        local = ("get", "k", "--consistency=s", "--print-value-only")
        wait_until(lambda: cluster.ctl(*local, at=down, check=False).stdout == "new\n", CAUGHT_UP_S)
