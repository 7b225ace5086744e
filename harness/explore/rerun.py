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

from harness.case import Case, as_texts, from_texts, run_case
from harness.errors import HarnessError

_HASH_SEEDS: Final = 2**32
"""PYTHONHASHSEED is below this."""


def digest_elsewhere(case: Case) -> str:
    """Return the digest that a fresh process reaches; raises `HarnessError` if it fails."""
    seed = case.plan.seed
    hash_seed = (_current_hash_seed() + 1 + seed) % _HASH_SEEDS
    done = subprocess.run(
        [sys.executable, "-m", "harness.explore.rerun"],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        input=msgspec.json.encode(as_texts(case)),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip().splitlines()
        raise HarnessError(
            f"seed {seed} could not be run in another process under PYTHONHASHSEED="
            f"{hash_seed}: {complaint[-1] if complaint else f'exit code {done.returncode}'}"
        )
    return done.stdout.decode().strip()


def _current_hash_seed() -> int:
    """Return this process's hash seed; 0 if chance chose it, which makes any other one other."""
    given = os.environ.get("PYTHONHASHSEED", "")
    return int(given) if given.isdecimal() else 0


def _main() -> None:
    texts = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, str, str | None])
    sys.stdout.write(run_case(from_texts(*texts)).simulation.digest)


if __name__ == "__main__":
    _main()
