"""One seed, one digest: in any process, under any hash seed, on any version of Python.

Other versions are tried where `make pythons` has set up their environments.
QUORATE_REQUIRE_PYTHONS=1 makes it a failure if one is missing whose interpreter could be found.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SEEDS = 20
PROCESSES = 2

pytestmark = pytest.mark.simulation


class Run(NamedTuple):
    """Where and how the trials are run."""

    python: str
    hash_seed: int

    def label(self) -> str:
        """Return the environment and the hash seed, for messages."""
        environment = Path(self.python).parents[1].name
        return f"{environment}, PYTHONHASHSEED={self.hash_seed}"


def other_environments() -> list[str]:
    """Return the interpreters of the environments that `make pythons` made, by path."""
    return [str(path) for path in sorted(ROOT.glob(".venv-3.*/bin/python"))]


REFERENCE = Run(sys.executable, 1)
OTHERS = [Run(sys.executable, 2), *(Run(python, 3) for python in other_environments())]


def printed_digests(run: Run) -> list[str]:
    """Return what a fresh process prints: one line per seed."""
    completed = subprocess.run(
        [run.python, "-m", "tests.simulation.print_digests", str(SEEDS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(run.hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, f"{run.label()}:\n{completed.stderr}"
    return completed.stdout.splitlines()


@pytest.fixture(scope="module")
def digests() -> dict[Run, list[str]]:
    """Run the same trials everywhere, a few processes at a time."""
    runs = [REFERENCE, *OTHERS]
    with ThreadPoolExecutor(PROCESSES) as pool:
        return dict(zip(runs, pool.map(printed_digests, runs), strict=True))


def differences(reference: list[str], other: list[str]) -> list[tuple[str, str]]:
    return [pair for pair in zip(reference, other, strict=True) if pair[0] != pair[1]]


def test_the_reference_has_a_digest_for_every_seed(digests: dict[Run, list[str]]) -> None:
    lines = digests[REFERENCE]
    assert len(lines) == SEEDS
    assert len({line.split()[-1] for line in lines}) == SEEDS


@pytest.mark.parametrize("run", OTHERS, ids=Run.label)
def test_every_seed_has_the_same_digest_everywhere(run: Run, digests: dict[Run, list[str]]) -> None:
    """Compare lines of seed, workload, events and digest.

    To see where two runs of one seed part: `quorate run` here, `quorate replay RUN` there.
    """
    assert differences(digests[REFERENCE], digests[run]) == []


def missing_environments() -> list[str]:
    """Return the versions that `make pythons` would try and has not set up."""
    [versions] = re.findall(
        r"^OTHER_PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    return [
        version
        for version in versions.split()
        if f"{ROOT}/.venv-{version}/bin/python" not in other_environments()
    ]


def is_on_path(version: str) -> bool:
    """Say whether `make pythons` could set up this version."""
    command = f"python{version} -c 'import venv'"
    return subprocess.run(command, shell=True, capture_output=True, check=False).returncode == 0  # noqa: S602


def test_the_digest_was_tried_on_every_version_there_is() -> None:
    missing = missing_environments()
    if os.environ.get("QUORATE_REQUIRE_PYTHONS") == "1":
        assert [version for version in missing if is_on_path(version)] == []
    elif missing:
        pytest.skip(f"not tried on Python {', '.join(missing)}: `make pythons` sets them up")
