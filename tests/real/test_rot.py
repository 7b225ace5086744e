"""Bits of a real log that go wrong: a daemon refuses to start from it until they are right."""

import json
from pathlib import Path

import pytest

from tests.local.command_line import line, quorate, the_run

pytestmark = pytest.mark.real

_SCHEDULE = """
{"v":1,"seed":1,
 "events":[{"id":1,"at_ms":500,"do":"bitrot","target":"leader","bits":3,"hold_ms":2000}]}
"""


def test_a_rotten_log_is_refused_and_a_right_one_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(_SCHEDULE)
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--schedule", str(path),
        "--time-limit", "3",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    applied = json.loads((the_run(tmp_path) / "schedule.json").read_text())["applied"]
    assert [each["reason"] for each in applied] == [
        "3 bits flipped, its daemon is restarted",
        "its daemon is started",
    ]
    log = the_run(tmp_path) / "nodes" / applied[0]["node"] / "daemon.log"
    assert "walpb: crc mismatch" in log.read_text()
