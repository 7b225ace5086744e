"""Members of real clusters that come and go in the course of a trial."""

from pathlib import Path

import msgspec
import pytest

from harness.environments.hosts.processes import marked
from tests.local.command_line import line, quorate, the_run

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
