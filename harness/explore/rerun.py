"""The same trial once more, in a fresh process under another PYTHONHASHSEED.

A simulation that depends on anything but its plan (the order of a set, an address, what ran before
it in the same process) sooner or later reaches another digest there. A trial is handed over as JSON
on standard input, and its digest comes back on standard output.
"""

import os
import subprocess
import sys
from typing import Final

import msgspec

from harness.errors import HarnessError
from harness.plan import Plan
from harness.schedules import schedule_in
from harness.trial import run_trial
from nemesis.schedule import Schedule
from nemesis.schedule_file import write_schedule

_HASH_SEEDS: Final = 2**32
"""PYTHONHASHSEED is below this."""


class _Handed(msgspec.Struct, frozen=True, kw_only=True):
    """A trial on its way to another process."""

    plan: Plan
    schedule: str


def digest_elsewhere(plan: Plan, schedule: Schedule) -> str:
    """Return the digest that a fresh process reaches; raises `HarnessError` if it fails."""
    handed = _Handed(plan=plan, schedule=write_schedule(schedule).decode())
    hash_seed = (_current_hash_seed() + 1 + plan.seed) % _HASH_SEEDS
    done = subprocess.run(
        [sys.executable, "-m", "harness.explore.rerun"],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        input=msgspec.json.encode(handed),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip().splitlines()
        raise HarnessError(
            f"seed {plan.seed} could not be run in another process under PYTHONHASHSEED="
            f"{hash_seed}: {complaint[-1] if complaint else f'exit code {done.returncode}'}"
        )
    return done.stdout.decode().strip()


def _current_hash_seed() -> int:
    """Return this process's hash seed; 0 if chance chose it, which makes any other one other."""
    given = os.environ.get("PYTHONHASHSEED", "")
    return int(given) if given.isdecimal() else 0


def _main() -> None:
    handed = msgspec.json.decode(sys.stdin.buffer.read(), type=_Handed)
    schedule = schedule_in(handed.schedule.encode(), handed.plan, path="standard input")
    sys.stdout.write(run_trial(handed.plan, schedule).simulation.digest)


if __name__ == "__main__":
    _main()
