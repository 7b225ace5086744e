"""Daemons that get too little processor time and memory, really."""

import json
from pathlib import Path

import pytest

from harness.environments.hosts.groups import dead_groups
from nemesis.host.cgroup import roots
from tests.local.command_line import begin, line, quorate, the_run
from tests.local.waiting import wait_for

pytestmark = pytest.mark.real

CPU = '"do":"cpu_pressure","target":"all","share":0.02'
MEMORY = '"do":"memory_pressure","target":"followers","share":0.5'


def schedule(folder: Path, *events: str) -> Path:
    numbered = (f'{{"id":{number},{event}}}' for number, event in enumerate(events, start=1))
    path = folder / "schedule.json"
    path.write_text(f'{{"v":1,"seed":1,"events":[{",".join(numbered)}]}}')
    return path


def groups() -> list[str]:
    """Return the names of the groups of ours."""
    return [path.name for root in roots() for path in root.glob("quorate-*.*")]


@pytest.mark.parametrize("environment", ["local", "docker"])
def test_limits_bite_are_undone_and_excuse_nothing(tmp_path: Path, environment: str) -> None:
    path = schedule(
        tmp_path,
        f'"at_ms":300,{CPU},"hold_ms":1500',
        f'"at_ms":2200,{MEMORY},"hold_ms":1000',
        '"at_ms":2500,"do":"restart","target":"leader","tail":"kept","down_ms":200',
    )
    done = quorate(
        tmp_path, "run", "--env", environment, "--system", "etcd", "--workload", "kv",
        "--schedule", str(path), "--time-limit", "4",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    applied = json.loads((the_run(tmp_path) / "schedule.json").read_text())["applied"]
    ends = {
        (each["do"], each["node"]): each["reason"]
        for each in applied
        if each["phase"] == "end" and each["do"] != "restart"
    }
    assert len(ends) == 5
    for (do, _), reason in ends.items():
        felt = "it was held back " if do == "cpu_pressure" else "it met its limit "
        assert reason.startswith(felt)
        assert not reason.startswith(f"{felt}0 times")


def test_a_killed_harness_leaves_no_limit(tmp_path: Path) -> None:
    path = schedule(tmp_path, f'"at_ms":100,{CPU},"hold_ms":60000')
    process = begin(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--time-limit", "60",
        "--schedule", str(path),
    )  # fmt: skip
    wait_for(lambda: len(groups()) >= 3)
    wait_for(lambda: '"outcome":"done"' in journal(tmp_path))

    process.kill()
    process.communicate()

    wait_for(lambda: groups() == [])
    assert dead_groups() == []


def journal(folder: Path) -> str:
    """Return what is in the run's journal."""
    path = the_run(folder) / "journal.jsonl"
    return path.read_text() if path.exists() else ""
