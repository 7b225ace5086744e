"""Killing the process at any point loses nothing that it said was durable."""

import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROUNDS = 6


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    chance = random.Random(5)
    durable = 0
    recovered: list[int] = []
    for _ in range(ROUNDS):
        acknowledgements = chance.randint(1, 40)
        driver = subprocess.Popen(
            [sys.executable, "-m", "tests.nodeimpl.storage.crash_driver", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert driver.stdout is not None
        first = driver.stdout.readline()
        for _ in range(acknowledgements):
            durable = int(driver.stdout.readline() or -1)
        driver.kill()
        rest, errors = driver.communicate()
        assert errors == ""
        assert int(first) >= (recovered[-1] if recovered else 0)
        recovered.append(int(first))
        durable = max([durable, *(int(line) for line in rest.splitlines()[:-1])])
        recovered.append(durable)
    assert recovered == sorted(recovered)
    assert durable > 0
