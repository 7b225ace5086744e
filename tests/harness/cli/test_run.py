"""`quorate run`: what it prints, what it leaves behind, and how it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from checkers.history_file import load_history
from tests.harness.cli.conftest import SHORT, Quorate


def test_a_healthy_run_ends_in_its_verdict_and_exits_0(quorate: Quorate) -> None:
    done = quorate("run", *SHORT, "--seed", "3")

    assert done.code == 0, done.out
    assert done.out.splitlines()[-1] == "verdict: VALID"


def test_the_last_lines_name_digest_run_and_verdict(quorate: Quorate) -> None:
    done = quorate("run", *SHORT)

    labels = [line.split(":")[0] for line in done.out.splitlines()[-4:]]
    assert labels == ["repeat", "digest", "run", "verdict"]
    assert len(done.line("digest")) == 64


def test_the_run_directory_holds_everything_to_judge_and_repeat_it(quorate: Quorate) -> None:
    run = Path(quorate("run", *SHORT).line("run"))

    assert {path.name for path in run.iterdir()} >= {
        "plan.toml",
        "schedule.json",
        "history.jsonl",
        "results.json",
        "trace",
    }
    assert {path.name for path in (run / "trace").iterdir()} >= {"n1.jsonl", "transitions.log"}


def test_equal_seeds_give_equal_digests(quorate: Quorate) -> None:
    first = quorate("run", *SHORT, "--seed", "7")
    second = quorate("run", *SHORT, "--seed", "7")
    other = quorate("run", *SHORT, "--seed", "8")

    assert first.line("digest") == second.line("digest")
    assert first.line("digest") != other.line("digest")


def test_a_planted_bug_is_convicted_with_exit_code_1(quorate: Quorate) -> None:
    done = quorate("run", *SHORT, "--mutant", "append-acknowledged-before-fsync")

    assert done.code == 1
    assert done.line("verdict") == "INVALID"
    assert "Persistence" in done.out


def test_json_is_one_object_with_the_verdict(quorate: Quorate) -> None:
    done = quorate("run", *SHORT, "--json")

    printed = json.loads(done.out)
    assert printed["verdict"] == "VALID"
    assert printed["checks"]["answer"] == "VALID"


def test_a_misspelt_plan_key_is_named_with_its_line(quorate: Quorate) -> None:
    Path("plan.toml").write_text("seed = 1\n[workload]\nrat = 100\n")

    done = quorate("run", "plan.toml")

    assert done.code == 64
    assert done.err.startswith("quorate: plan.toml:3: ")
    assert "rate" in done.err


def test_a_schedule_for_an_unknown_node_is_refused_with_its_line(quorate: Quorate) -> None:
    Path("faults.json").write_text(
        '{"v":1,"seed":1,"events":[\n'
        ' {"id":1,"at_ms":100,"do":"pause","target":"n9","hold_ms":50}],\n'
        ' "applied":[]}\n'
    )

    done = quorate("run", "--schedule", "faults.json")

    assert done.code == 64
    assert "faults.json:2: " in done.err
    assert "n9" in done.err


def test_unknown_names_are_refused_with_what_there_is(quorate: Quorate) -> None:
    workload = quorate("run", "--workload", "regster")
    mutant = quorate("run", "--mutant", "vote-not-persistd")
    fault = quorate("run", "--faults", "kil")

    assert [workload.code, mutant.code, fault.code] == [64, 64, 64]
    assert "'register'" in workload.err
    assert "'vote-not-persisted'" in mutant.err
    assert "kill" in fault.err


def test_nothing_is_left_of_a_real_run_that_names_what_there_is_not(quorate: Quorate) -> None:
    done = quorate("run", "--env", "local", "--mutant", "vote-not-persistd")

    assert done.code == 64
    assert "'vote-not-persisted'" in done.err
    assert not Path("runs").exists()


def test_an_unknown_option_exits_64(quorate: Quorate) -> None:
    assert quorate("run", "--sede", "7").code == 64


def _start_long_run(folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a run that takes minutes; return it and its directory, once ops are in it."""
    command = [sys.executable, "-m", "harness", "run", "--time-limit", "3600", "--out", str(folder)]
    # A shell's background job ignores SIGINT, and hands that down to what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        histories = list(folder.glob("*/history.jsonl"))
        if histories and histories[0].stat().st_size > 10_000:
            return running, histories[0].parent
        time.sleep(0.05)
    running.kill()
    raise AssertionError("the run recorded nothing within a minute")


def test_a_killed_run_leaves_a_history_that_can_be_judged(quorate: Quorate, tmp_path: Path) -> None:
    running, run = _start_long_run(tmp_path / "out")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()

    judged = quorate("check", str(run))

    assert judged.code == 0, judged.out + judged.err
    assert len(load_history(run / "history.jsonl", allow_torn_tail=True).history) > 50


def test_an_interrupted_run_says_how_to_judge_what_is_left(tmp_path: Path) -> None:
    running, run = _start_long_run(tmp_path / "out")
    os.kill(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=30)

    assert running.returncode == 130
    assert f"quorate check {run}" in err.decode()
    load_history(run / "history.jsonl")


def test_the_planted_bug_of_the_help_is_convicted(quorate: Quorate) -> None:
    help_text = quorate("run", "--help").out
    (example,) = (line.split() for line in help_text.splitlines() if "--mutant read-" in line)

    assert quorate(*example[1:]).code == 1
