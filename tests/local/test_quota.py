"""A store that is really full, and takes writes again when an operator has made room."""

from pathlib import Path

import pytest

from checkers.history import NEMESIS, OpType
from checkers.history_file import load_history
from harness.store import RunDirectory
from tests.local.command_line import line, quorate, the_run

pytestmark = pytest.mark.local

_SCHEDULE = """
{"v":1,"seed":1,"events":[{"id":1,"at_ms":300,"do":"exhaust_quota","hold_ms":600}]}
"""


def test_a_full_store_refuses_writes_is_made_room_in_and_convicts_nobody(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(_SCHEDULE)
    done = quorate(
        tmp_path, "run", "--env", "local", "--system", "etcd", "--workload", "kv",
        "--schedule", str(path), "--time-limit", "4", "--set", "daemon.quota_bytes=3000000",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert line(done.stdout, "verdict") == "VALID"
    ops = load_history(RunDirectory.open(the_run(tmp_path)).history_path).history.ops
    told = [op.value for op in ops if op.process == NEMESIS]
    reasons = [str(each["reason"]) for each in told if isinstance(each, dict)]
    assert [len(reasons), "raised the alarm after" in reasons[0]] == [3, True]
    assert "n1 n2 n3 defragmented" in reasons[2]
    refused = [op for op in ops if op.error is not None and "space exceeded" in op.error]
    assert any(op.type is OpType.FAIL for op in refused)
