"""From a planted bug to a test of a few lines, by the commands that a user would give.

Ten bugs of different kinds. For each: `quorate explore` must find it, `quorate shrink` bring it
down, and the test that comes of it must fail on the bug and pass on the healthy node.

python -m benchmarks.shrinking [MUTANT...]
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

MUTANTS = (
    "read-without-quorum-check",
    "version-survives-delete",
    "lease-expires-early",
    "watch-filters-ignored",
    "prev-kv-without-the-right-to-read",
    "torn-tail-not-cut",
    "voters-changed-at-once",
    "snapshot-acknowledged-before-durable",
    "compaction-forgets-what-holds",
    "rows-not-committed",
)
"""One of each chapter: reads, revisions, leases, watches, users, recovery, members, snapshots,
compaction, the backend."""

SEEDS_MAX = 300

FAULTS_GOAL, OPERATIONS_GOAL, CPU_S_GOAL = 6, 12, 10.0


class Row(NamedTuple):
    """What came of one bug."""

    mutant: str
    seeds: int
    """Tried until it was found."""
    faults: tuple[int, int]
    """Before and after, as the others."""
    operations: tuple[int, int]
    nodes: tuple[int, int]
    trials: int
    cpu_s: float
    on_mutant: str
    on_healthy: str
    kind: str


def called(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this interpreter."""
    return subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False
    )


def outcome_of(test: Path) -> str:
    """Return what pytest makes of the file."""
    code = called("pytest", "-q", "-p", "no:cacheprovider", str(test)).returncode
    return {0: "passes", 1: "fails"}.get(code, f"exit code {code}")


def row_of(mutant: str, folder: Path) -> Row:
    """Find, shrink and test one bug."""
    explored = json.loads(
        called(
            "harness", "explore", "--mutant", mutant, "--stop-at-first", "--json", "--jobs", "1",
            "--rerun-share", "0", "--seeds", str(SEEDS_MAX), "--out", str(folder / "explored"),
        ).stdout
    )  # fmt: skip
    [found, *_] = [each for each in explored["kinds"] if each["run"]]
    shrunk = json.loads(
        called(
            "harness", "shrink", found["run"], "--no-inevitable", "--json", "--out", str(folder)
        ).stdout
    )
    test = Path(shrunk["test"])
    on_mutant = outcome_of(test)
    healthy = folder / test.name
    healthy.write_text(test.read_text().replace(f'= "{mutant}"\n', "= None\n"))
    before, after = shrunk["before"], shrunk["after"]
    return Row(
        mutant=mutant,
        seeds=found["seeds"][0],
        faults=(before["faults"], after["faults"]),
        operations=(before["operations"], after["operations"]),
        nodes=(before["nodes"], after["nodes"]),
        trials=shrunk["trials"],
        cpu_s=shrunk["cpu_seconds"],
        on_mutant=on_mutant,
        on_healthy=outcome_of(healthy),
        kind=shrunk["kind"],
    )


def line_of(row: Row) -> str:
    """Return a row of the table."""
    sizes = (row.faults, row.operations, row.nodes)
    columns = [f"{before:>4} > {after:<3}" for before, after in sizes]
    return (
        f"{row.mutant:<38} {row.seeds:>4} {' '.join(columns)} {row.trials:>6} {row.cpu_s:>5.1f}  "
        f"{row.on_mutant:<6} {row.on_healthy:<7} {row.kind}"
    )


def main(mutants: tuple[str, ...]) -> None:
    """Print the table, and the medians beside their goals."""
    print(f"{'planted bug':<38} seed     faults operations      nodes trials CPU s  "
          "bug    healthy kind")  # fmt: skip
    rows = []
    for mutant in mutants:
        with TemporaryDirectory() as folder:
            rows.append(row_of(mutant, Path(folder)))
        print(line_of(rows[-1]), flush=True)
    faults = statistics.median(row.faults[1] for row in rows)
    operations = statistics.median(row.operations[1] for row in rows)
    cpu_s = statistics.median(row.cpu_s for row in rows)
    print(
        f"medians: {faults:g} faults (goal {FAULTS_GOAL}), {operations:g} operations "
        f"(goal {OPERATIONS_GOAL}), {cpu_s:.1f} s of CPU (goal {CPU_S_GOAL:g})"
    )
    right = sum(row.on_mutant == "fails" and row.on_healthy == "passes" for row in rows)
    print(f"tests that fail on the bug and pass on the healthy node: {right} of {len(rows)}")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or MUTANTS)
