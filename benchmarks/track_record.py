"""How often the plans of `histories/plans` find the bugs they are for, and how soon.

    python -m benchmarks.track_record [--tries N] [--fixed-tries N] [PLAN]...

Runs `quorate run PLAN` on every affected version, each time with another seed, and on every fixed
one; prints a row for each as a table of Markdown. A try counts if the checker convicted that the
bug is for (`expected.toml`), not for INVALID alone. Needs the versions of `quorate fetch-etcd`.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

PLANS: Final = Path(__file__).parents[1] / "histories" / "plans"
VALID, INVALID = "VALID", "INVALID"


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of `expected.toml`."""

    file: str
    bug: str
    affected: list[str]
    fixed: list[str]
    checker: str
    kind: str | None = None


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run."""

    verdict: str
    is_found: bool
    seconds: float


class _Check(msgspec.Struct, frozen=True):
    """A verdict as `--json` prints it."""

    checker: str
    answer: str
    parts: list["_Check"] = []
    evidence: dict[str, object] | None = None


class _Printed(msgspec.Struct, frozen=True):
    verdict: str
    checks: _Check


def main() -> None:
    """Run what is asked for, and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plans", nargs="*", metavar="PLAN", help="as in etcd-18089; all if none")
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--fixed-tries", type=int, default=3)
    asked = parser.parse_args()
    print("| plan | etcd | found | other INVALID | median s |\n|---|---|---|---|---|")
    for expected in every_plan():
        if asked.plans and Path(expected.file).stem not in asked.plans:
            continue
        for version in expected.affected:
            _print_row(expected, version, asked.tries)
        for version in expected.fixed:
            _print_row(expected, version, asked.fixed_tries)


def every_plan() -> list[Expected]:
    """Return the entries of `expected.toml`."""
    table = tomllib.loads((PLANS / "expected.toml").read_text())
    return msgspec.convert(table["plan"], list[Expected])


def _print_row(expected: Expected, version: str, tries_count: int) -> None:
    tries = [_attempt(expected, version, seed) for seed in range(1, tries_count + 1)]
    if not tries:
        return
    found = sum(each.is_found for each in tries)
    other = sum(each.verdict == INVALID and not each.is_found for each in tries)
    seconds = statistics.median(each.seconds for each in tries)
    name = Path(expected.file).stem
    print(f"| {name} | {version} | {found}/{len(tries)} | {other} | {seconds:.0f} |", flush=True)


def _attempt(expected: Expected, version: str, seed: int) -> Try:
    with tempfile.TemporaryDirectory(prefix="quorate-track-") as out:
        command = [
            sys.executable, "-m", "harness", "run", str(PLANS / expected.file), "--json",
            "--etcd-version", version, "--seed", str(seed), "--out", out,
        ]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - this very program
            command, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - began
    if done.returncode > 2:
        raise SystemExit(f"{expected.file} on {version}: {done.stderr}")
    printed = msgspec.json.decode(done.stdout, type=_Printed)
    is_found = any(_convicts(check, expected) for check in _every(printed.checks))
    return Try(verdict=printed.verdict, is_found=is_found, seconds=seconds)


def _every(check: _Check) -> Iterator[_Check]:
    yield check
    for part in check.parts:
        yield from _every(part)


def _convicts(check: _Check, expected: Expected) -> bool:
    if check.checker != expected.checker or check.answer != INVALID:
        return False
    facts = (check.evidence or {}).get("facts")
    kind = facts.get("kind") if isinstance(facts, dict) else None
    return expected.kind is None or kind == expected.kind


if __name__ == "__main__":
    main()
