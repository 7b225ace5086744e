"""How fast linearizability is judged: recorded histories, and random ones of growing size.

    python -m benchmarks.linearizability [DIRECTORY]

Judges every history that `DIRECTORY` lists in its expected.toml (by default `histories/`), and then
random histories of a correct store. Prints medians of five runs in milliseconds, reading excluded,
and operations per second. Each line names the method that decided.
"""

import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from random import Random

from checkers.checker import Budget
from checkers.history import History
from checkers.history_file import load_history
from checkers.linearizability.checker import linearizable
from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.models.model import Model, OperationT, StateT
from checkers.transactions.checker import KINDS
from tests.checkers.linearizability.random_histories import (
    FewValues,
    Kind,
    Sets,
    Sizes,
    Strings,
    UniqueValues,
    record,
)

RUNS = 5
STEPS_MAX = 50_000_000


def median_ms(times_ns: Sequence[int]) -> float:
    """Return the median of `times_ns`, in milliseconds."""
    return sorted(times_ns)[len(times_ns) // 2] / 1e6


def judge_recorded(history: History, model: str, initial: str | None) -> tuple[float, object]:
    """Return the milliseconds that judging `history` took, explanation included, and how."""
    times_ns = []
    verdict = None
    for _ in range(RUNS):
        started = time.perf_counter_ns()
        verdict = linearizable(model, initial).check(history, Budget())
        times_ns.append(time.perf_counter_ns() - started)
    assert verdict is not None, "there was a run"
    return median_ms(times_ns), verdict.details["methods"]


def decide_random(
    history: Sequence[Interval[OperationT]], model: Model[StateT, OperationT]
) -> tuple[float, str]:
    """Return the milliseconds that deciding `history` took, and the method."""
    times_ns = []
    method = ""
    for _ in range(RUNS):
        started = time.perf_counter_ns()
        method = decide(history, model, steps_max=STEPS_MAX).method
        times_ns.append(time.perf_counter_ns() - started)
    return median_ms(times_ns), method


def recorded(directory: Path) -> None:
    """Print a line for each recorded history, and the total."""
    total_ms = 0.0
    for entry in tomllib.loads((directory / "expected.toml").read_text())["history"]:
        if entry["model"] in KINDS:
            continue
        history = load_history(directory / entry["file"]).history
        elapsed_ms, methods = judge_recorded(history, entry["model"], entry.get("initial"))
        total_ms += elapsed_ms
        count = len(history.operations())
        print(f"{entry['file']:48} {count:7} ops {elapsed_ms:9.2f} ms  {methods}")
    print(f"{'total':48} {'':11} {total_ms:9.2f} ms")


def random_history(name: str, kind: Kind[StateT, OperationT], sizes: Sizes) -> None:
    """Print a line for one random history."""
    history = record(Random(1), kind, sizes)
    elapsed_ms, method = decide_random(history, kind.model)
    rate = len(history) / elapsed_ms * 1000
    label = f"{name}, {sizes.processes} processes, {sizes.crash_rate:.1%} unknown"
    print(f"{label:48} {len(history):7} ops {elapsed_ms:9.2f} ms  {rate:9.0f} ops/s  {method}")


def main() -> None:
    """Print everything."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "histories")
    recorded(directory)
    few = FewValues(5)
    for operations, processes, crash_rate in (
        (1_000, 20, 0.0),
        (10_000, 10, 0.0),
        (100_000, 10, 0.0),
        (1_000, 10, 0.02),
        (10_000, 5, 0.003),
    ):
        sizes = Sizes(operations=operations, processes=processes, crash_rate=crash_rate)
        random_history("register", few, sizes)
    unique = Sizes(operations=100_000, processes=50, crash_rate=0.01)
    random_history("register, unique values", UniqueValues(), unique)
    random_history("strings", Strings(), Sizes(operations=1_000, processes=5, crash_rate=0.0))
    random_history("set", Sets(), Sizes(operations=1_000, processes=5, crash_rate=0.0))


if __name__ == "__main__":
    main()
