"""kill -9 under load, round after round: no acknowledged write may be lost.

`QUORATE_CRASH_ROUNDS` says how many; 200 take some minutes. The checkers judge: every write that
was acknowledged is in the order of revisions, and every node's last reads must show what it left.
"""

import os
from itertools import cycle, islice
from pathlib import Path

import msgspec
import pytest

from harness.schedules import read_schedule
from harness.store import RunDirectory
from nemesis.applied import Outcome, Phase
from tests.local.command_line import line, quorate, the_run

ROUNDS = int(os.environ.get("QUORATE_CRASH_ROUNDS", "5"))
TARGETS = ("one", "leader", "followers", "majority", "all")
PERIOD_MS = {"etcd": 1_000, "nodeimpl": 3_000}
"""Long enough to come back and take writes between two crashes."""
DOWN_MS = 50
SPARE = ROUNDS // 20
"""On a machine so busy that a crash comes seconds late, the next may find its node still down."""

pytestmark = [pytest.mark.local, pytest.mark.timeout(60 + 10 * (ROUNDS + SPARE))]


def crashes(period_ms: int) -> bytes:
    """Return a schedule of one crash a period, of one node, several or all."""
    targets = islice(cycle(TARGETS), ROUNDS + SPARE)
    return msgspec.json.encode(
        {
            "v": 1,
            "seed": 1,
            "events": [
                {
                    "id": number,
                    "at_ms": number * period_ms,
                    "do": "restart",
                    "target": target,
                    "tail": "kept",
                    "down_ms": DOWN_MS,
                }
                for number, target in enumerate(targets, start=1)
            ],
        }
    )


@pytest.mark.parametrize("system", PERIOD_MS)
def test_no_acknowledged_write_is_lost(tmp_path: Path, system: str) -> None:
    period_ms = PERIOD_MS[system]
    (tmp_path / "crashes.json").write_bytes(crashes(period_ms))
    seconds = (ROUNDS + SPARE + 1) * period_ms / 1_000

    finished = quorate(
        tmp_path, "run", "--env", "local", "--system", system, "--workload", "kv",
        "--schedule", "crashes.json", "--time-limit", str(seconds), "--rate", "200",
        patience_s=120 + 2 * seconds,
    )  # fmt: skip

    run = RunDirectory.open(the_run(tmp_path))
    applied = read_schedule(run.schedule_path, run.load_plan()).applied
    begun = [record for record in applied if record.phase is Phase.BEGIN]
    done = {record.id for record in begun if record.outcome is Outcome.DONE}
    others = {record.reason for record in begun if record.outcome is not Outcome.DONE}
    assert line(finished.stdout, "verdict") == "VALID", finished.stdout + finished.stderr
    assert len(done) >= ROUNDS
    assert all(reason.endswith("does not run") for reason in others)
