"""`quorate run --env local`: real daemons, real faults, and nothing left behind."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from checkers.history import NEMESIS
from checkers.history_file import load_history
from harness.environments.hosts.processes import marked
from harness.schedules import read_schedule
from harness.store import RunDirectory
from nemesis.applied import Outcome
from tests.local.command_line import begin, daemons_of, line, quorate, the_run
from tests.local.waiting import wait_for

pytestmark = pytest.mark.local

ETCD = ("run", "--env", "local", "--system", "etcd")
SHORT = ("--time-limit", "6")
OPS_SEEN = 300


@pytest.mark.parametrize("workload", ["register", "kv"])
@pytest.mark.parametrize("system", ["etcd", "nodeimpl"])
def test_a_healthy_store_is_valid_under_every_fault_of_the_environment(
    tmp_path: Path, system: str, workload: str
) -> None:
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", system, *SHORT,
        "--workload", workload, "--faults", "all",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"


@pytest.mark.parametrize(
    ("system", "workload"),
    [
        ("etcd", "lease"),
        ("etcd", "lock"),
        ("nodeimpl", "lease"),
        ("nodeimpl", "watch"),
        ("nodeimpl", "mixed"),
    ],
)
def test_leases_and_watches_are_kept_across_kills(
    tmp_path: Path, system: str, workload: str
) -> None:
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", system, *SHORT,
        "--workload", workload, "--faults", "kill",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def test_what_watchers_of_an_etcd_were_told_is_recorded_and_can_be_judged_again(
    tmp_path: Path,
) -> None:
    done = quorate(tmp_path, *ETCD, "--time-limit", "4", "--workload", "watch", "--faults", "none")
    judged = quorate(tmp_path, "check", str(the_run(tmp_path)))

    records = (the_run(tmp_path) / "watch.jsonl").read_text().splitlines()
    assert "watch-reliable" in done.stdout
    assert '"type":"end"' in records[-1]
    assert any('"type":"events"' in record for record in records)
    assert "watch-reliable" in judged.stdout


def test_the_faults_were_really_done_and_are_in_the_history(tmp_path: Path) -> None:
    quorate(tmp_path, *ETCD, *SHORT, "--faults", "kill,pause")
    run = RunDirectory.open(the_run(tmp_path))

    applied = read_schedule(run.schedule_path, run.load_plan()).applied
    noted = [op for op in load_history(run.history_path).history.ops if op.process == NEMESIS]
    assert {record.fault.do for record in applied} == {"restart", "pause"}
    assert all(record.outcome is not Outcome.FAILED for record in applied)
    assert len(noted) == len(applied)


def test_the_run_directory_has_logs_but_no_data_of_a_valid_run(tmp_path: Path) -> None:
    quorate(tmp_path, *ETCD, "--time-limit", "2", "--faults", "none")

    nodes = the_run(tmp_path) / "nodes"
    assert sorted(path.name for path in nodes.iterdir()) == ["n1", "n2", "n3"]
    for node in nodes.iterdir():
        assert [path.name for path in node.iterdir()] == ["daemon.log"]


def test_a_killed_harness_leaves_a_history_to_judge_and_no_daemon(tmp_path: Path) -> None:
    process = begin(tmp_path, *ETCD, "--time-limit", "60")
    until_loaded(tmp_path)
    assert len(daemons_of(tmp_path)) == 3

    process.kill()
    process.communicate()

    wait_for(lambda: not daemons_of(tmp_path))
    judged = quorate(tmp_path, "check", str(the_run(tmp_path)))
    assert line(judged.stdout, "verdict") == "VALID", judged.stdout + judged.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_harness_ends_its_daemons_and_says_what_is_left(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = begin(tmp_path, *ETCD, "--time-limit", "60")
    until_loaded(tmp_path)

    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert daemons_of(tmp_path) == []
    assert process.returncode == 130
    assert "what was recorded can be judged: quorate check" in errors
    assert quorate(tmp_path, "check", str(the_run(tmp_path))).returncode == 0


def test_a_paused_daemon_does_not_outlive_its_harness(tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(
        '{"v":1,"seed":1,"events":[{"id":1,"at_ms":1000,"do":"pause","target":"all",'
        '"hold_ms":50000}]}'
    )
    process = begin(tmp_path, *ETCD, "--time-limit", "60", "--schedule", "schedule.json")
    until_loaded(tmp_path)
    wait_for(lambda: b"pause" in (the_run(tmp_path) / "journal.jsonl").read_bytes())

    process.kill()
    process.communicate()

    wait_for(lambda: not daemons_of(tmp_path))


def test_doctor_finds_and_ends_what_even_the_guard_left(tmp_path: Path) -> None:
    process = begin(tmp_path, *ETCD, "--time-limit", "60")
    until_loaded(tmp_path)
    kill_guard_of(process.pid)

    process.kill()
    process.communicate()
    assert len(daemons_of(tmp_path)) == 3
    found = quorate(tmp_path, "doctor", "--json")
    quorate(tmp_path, "doctor", "--heal")

    findings = msgspec.json.decode(found.stdout, type=dict[str, dict[str, str]])
    assert findings["leftovers"]["state"] == "no"
    wait_for(lambda: not daemons_of(tmp_path))


def test_a_run_is_driven_again_by_the_same_schedule(tmp_path: Path) -> None:
    quorate(tmp_path, *ETCD, "--time-limit", "4", "--faults", "kill", "--seed", "3")
    recorded = RunDirectory.open(the_run(tmp_path))

    done = quorate(tmp_path, "replay", str(recorded.path))

    again = RunDirectory.open(tmp_path / line(done.stdout, "run"))
    plan = recorded.load_plan()
    asked = read_schedule(recorded.schedule_path, plan).asked
    assert done.returncode == 0, done.stdout + done.stderr
    driven = again.load_plan()
    assert driven.workload.operations is not None
    assert msgspec.structs.replace(plan, workload=driven.workload) == driven
    assert read_schedule(again.schedule_path, plan).asked == asked


def test_an_election_triggers_a_fault(tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text(
        '{"v":1,"seed":1,"events":['
        '{"id":1,"at_ms":1000,"do":"restart","target":"leader","down_ms":2000},'
        '{"id":2,"when":{"event":"role","role":"leader","nth":2},'
        '"do":"pause","target":"$node","hold_ms":300}]}'
    )
    quorate(tmp_path, *ETCD, "--time-limit", "8", "--schedule", "schedule.json")

    run = RunDirectory.open(the_run(tmp_path))
    applied = read_schedule(run.schedule_path, run.load_plan()).applied
    assert [record.fault.do for record in applied if record.outcome is Outcome.DONE] == [
        "restart", "pause", "pause", "restart",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--faults", "hold"), "needs links on which messages are told apart, which the local"),
        (("--etcd-version", "3.3.1"), "etcd 3.3.1 is not installed"),
        (("--etcd-binary", "/bin/true"), "is not an etcd"),
    ],
)
def test_what_cannot_be_done_is_a_failure_of_the_harness_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = quorate(tmp_path, *ETCD, *arguments)

    assert done.returncode == 3
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert daemons_of(tmp_path) == []


def test_a_daemon_that_cannot_start_is_a_failure_of_the_harness_with_its_last_word(
    tmp_path: Path,
) -> None:
    (tmp_path / "plan.toml").write_text(
        'system = "etcd"\nenvironment = "local"\n[daemon]\nflags = ["--no-such-flag"]\n'
        "[faults]\npackages = []\n"
    )
    done = quorate(tmp_path, "run", "plan.toml")

    assert done.returncode == 3
    assert "n1 ended at its start with exit code" in done.stderr


def until_loaded(folder: Path) -> None:
    """Wait until the only run under `folder` has recorded some operations."""
    wait_for((folder / "runs").exists)
    wait_for(lambda: history_lines(folder) > OPS_SEEN)


def history_lines(folder: Path) -> int:
    """Return how many ops the only run has recorded."""
    history = the_run(folder) / "history.jsonl"
    return len(history.read_bytes().splitlines()) if history.exists() else 0


def kill_guard_of(harness: int) -> None:
    """Kill the guard that a harness has started: its only child that bears no mark."""
    children = Path(f"/proc/{harness}/task/{harness}/children").read_text().split()
    daemons = [daemon.process.pid for daemon in marked()]
    (guard,) = [int(pid) for pid in children if int(pid) not in daemons]
    os.kill(guard, signal.SIGKILL)
