"""`quorate replay`: the same digest, or where the runs part."""

import json
from pathlib import Path

from tests.harness.cli.conftest import SHORT, Quorate


def test_a_replay_reaches_the_same_digest(quorate: Quorate) -> None:
    first = quorate("run", *SHORT, "--faults", "kill,partition", "--seed", "5")

    again = quorate("replay", first.line("run"))

    assert again.code == 0, again.out
    assert again.line("digest") == first.line("digest")
    assert again.line("replay") == "the same digest"


def test_a_replay_of_a_convicted_run_convicts_again(quorate: Quorate) -> None:
    first = quorate("run", *SHORT, "--mutant", "vote-not-persisted")

    again = quorate("replay", first.line("run"))

    assert again.code == 1
    assert again.line("replay") == "the same digest"


def test_a_tampered_plan_is_found_out_with_the_first_difference(quorate: Quorate) -> None:
    first = quorate("run", *SHORT)
    plan = Path(first.line("run")) / "plan.toml"
    plan.write_text(plan.read_text().replace("heartbeat_ms = 100.0", "heartbeat_ms = 101.0"))

    again = quorate("replay", first.line("run"))

    assert again.code == 3
    assert again.line("replay") == "DIVERGED"
    assert "recorded: " in again.out
    assert "this run: " in again.out


def test_a_tampered_schedule_is_found_out(quorate: Quorate) -> None:
    first = quorate("run", *SHORT, "--faults", "pause", "--seed", "2")
    path = Path(first.line("run")) / "schedule.json"
    schedule = json.loads(path.read_text())
    schedule["events"] = schedule["events"][1:]
    path.write_text(json.dumps(schedule))

    again = quorate("replay", first.line("run"))

    assert again.code == 3
    assert again.line("replay") == "DIVERGED"


def test_a_run_of_another_version_is_refused(quorate: Quorate) -> None:
    run = Path(quorate("run", *SHORT).line("run"))
    (run / "run.json").write_text('{"quorate":"run","version":99,"started":"2026-01-01T00:00:00Z"}')

    done = quorate("replay", str(run))

    assert done.code == 64
    assert done.err.startswith(f"quorate: {run / 'run.json'}:1: ")
    assert "99" in done.err


def test_a_directory_that_is_no_run_is_refused(quorate: Quorate, tmp_path: Path) -> None:
    assert quorate("replay", str(tmp_path)).code == 64
