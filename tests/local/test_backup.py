"""A real cluster that begins anew with a backup in the midst of its load, and has lost nothing."""

import json
from pathlib import Path

import pytest

from tests.local.command_line import line, quorate, the_run

pytestmark = pytest.mark.local

_SCHEDULE = '{"v":1,"seed":1,"events":[{"id":1,"at_ms":1000,"do":"restore_cluster"}]}'

_STEADY = "node.election_timeout_ms=[1500.0, 3000.0]"
"""So that the leader stays the same until it is saved, however busy the machine is."""


def test_nothing_that_was_acknowledged_is_lost_by_a_restore(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(_SCHEDULE)
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--workload", "kv",
        "--schedule", str(path), "--time-limit", "3", "--set", _STEADY,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    [applied] = json.loads((the_run(tmp_path) / "schedule.json").read_text())["applied"]
    assert applied["reason"].endswith("restored n1 n2 n3")
    assert (the_run(tmp_path) / "backups" / "1.db").stat().st_size > 0
