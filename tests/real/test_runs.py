"""`quorate run --env local` with faults of links, clocks and disks: healthy stores stand them."""

import os
import re
import signal
from pathlib import Path

import pytest

from harness.environments.hosts.processes import marked
from harness.schedules import read_schedule
from harness.store import RunDirectory
from nemesis.applied import Applied, Outcome, Phase
from tests.local.command_line import begin, line, quorate, the_run
from tests.local.waiting import wait_for

pytestmark = pytest.mark.real

SCHEDULE = """{"v":1,"seed":1,"events":[
{"id":1,"at_ms":500,"do":"partition","target":"leader","topology":"isolate","hold_ms":1500},
{"id":2,"at_ms":2500,"do":"slow_fsync","target":"leader","extra_ms":200,"hold_ms":500},
{"id":3,"at_ms":3200,"do":"restart","target":"leader","tail":"lost","down_ms":300},
{"id":4,"at_ms":4000,"do":"clock_bump","target":"all","offset_ms":-60000,"hold_ms":500},
{"id":5,"at_ms":4600,"do":"restart","target":"one","tail":"torn","down_ms":300},
{"id":6,"at_ms":5500,"do":"failing_fsync","target":"one","hold_ms":500},
{"id":7,"at_ms":6500,"do":"lying_fsync","target":"one","power_cut_after_ms":300,"hold_ms":600},
{"id":8,"at_ms":8000,"do":"delay","target":"all","latency_ms":10,"jitter_ms":5,"hold_ms":2500}
]}"""


def applied(folder: Path) -> tuple[Applied, ...]:
    """Return what the only run under `folder` really did."""
    run = RunDirectory.open(the_run(folder))
    return read_schedule(run.schedule_path, run.load_plan()).applied


@pytest.mark.parametrize("system", ["etcd", "nodeimpl"])
def test_a_healthy_store_is_valid_under_faults_that_bite(tmp_path: Path, system: str) -> None:
    (tmp_path / "schedule.json").write_text(SCHEDULE)
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", system, "--workload", "kv",
        "--time-limit", "11", "--schedule", "schedule.json",
    )  # fmt: skip

    records = applied(tmp_path)
    healed = [
        record.reason
        for record in records
        if record.phase is Phase.END and record.fault.do in ("partition", "delay")
    ]
    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    assert [record for record in records if record.outcome is Outcome.FAILED] == []
    assert all(re.search(r"[1-9]\d* packets were affected", reason) for reason in healed), healed
    assert re.search(r" [1-9]\d* leaders seen", done.stdout)


def test_what_even_the_guard_left_is_healed_namespaces_and_rules_included(tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(
        '{"v":1,"seed":1,"events":[{"id":1,"at_ms":300,"do":"partition","target":"one",'
        '"topology":"isolate","hold_ms":50000},'
        '{"id":2,"at_ms":400,"do":"slow_fsync","target":"all","extra_ms":10,"hold_ms":50000}]}'
    )
    process = begin(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--time-limit", "60",
        "--schedule", "schedule.json",
    )  # fmt: skip
    wait_for(lambda: b"slow_fsync" in journal(tmp_path), patience_s=90)
    for pid in guards_of(process.pid):
        os.kill(pid, signal.SIGKILL)

    process.kill()
    process.communicate(timeout=30)
    assert left_of(tmp_path) != []
    quorate(tmp_path, "doctor", "--heal")

    wait_for(lambda: left_of(tmp_path) == [])
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def journal(folder: Path) -> bytes:
    """Return what the journal of the only run under `folder` says so far."""
    path = the_run(folder) / "journal.jsonl"
    return path.read_bytes() if path.exists() else b""


def left_of(folder: Path) -> list[int]:
    """Return every process, daemons, helpers and agents, of runs under `folder`."""
    return [each.process.pid for each in marked() if each.run.startswith(str(folder))]


def guards_of(harness: int) -> list[int]:
    """Return the children of a harness that bear no mark: its guard."""
    children = Path(f"/proc/{harness}/task/{harness}/children").read_text().split()
    known = [each.process.pid for each in marked()]
    return [int(pid) for pid in children if int(pid) not in known]
