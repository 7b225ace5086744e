"""How fast the isolation of transactions is judged, and how fast histories of them are read.

    python -m benchmarks.transactions

Random histories of a strictly serializable store: 10 lists or registers at a time, 10 processes, up
to 4 micro-operations, 0.2 % of unknown outcome. Prints the CPU seconds of the fastest of three
judgements, reading excluded, and the ratio to the goal (below 1: reached); then the CPU seconds and
bytes of memory per op that reading takes, format by format.
"""

import tempfile
import time
import tracemalloc
from pathlib import Path
from random import Random

from checkers.checker import Budget
from checkers.formats.detect import read_history
from checkers.formats.edn_writer import write_edn
from checkers.history import History
from checkers.history_file import write_history
from checkers.transactions.checker import transactional
from checkers.verdict import Answer
from tests.checkers.transactions.simulated_store import Sizes, simulate

RUNS = 3
GOALS_S = {"list-append": 5.0, "rw-register": 5.0}
"""CPU seconds for 100,000 transactions."""


def sizes(transactions: int) -> Sizes:
    """Return the shape of every history here."""
    return Sizes(
        transactions=transactions,
        keys=10,
        processes=10,
        length_max=4,
        unknown=0.002,
        failed=0.01,
        per_key_max=100,
    )


def judge(kind: str, writes: str, transactions: int) -> None:
    """Print a line for one history."""
    history = History(simulate(Random(1), writes, sizes(transactions)))
    seconds = []
    for _ in range(RUNS):
        started = time.process_time()
        verdict = transactional(kind).check(history, Budget())
        seconds.append(time.process_time() - started)
        assert verdict.answer is Answer.VALID, verdict.reason
    goal = GOALS_S[kind] * transactions / 100_000
    print(
        f"{kind:12} {transactions:8} transactions {min(seconds):8.2f} s CPU"
        f"   {min(seconds) / goal:5.2f} of the goal of {goal:g} s"
    )


def read(path: Path, ops_count: int) -> None:
    """Print a line for one file."""
    started = time.process_time()
    history = read_history(path)
    seconds = time.process_time() - started
    assert len(history) == ops_count
    del history
    tracemalloc.start()
    again = read_history(path)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(again) == ops_count
    megabytes = path.stat().st_size / 1e6
    print(
        f"read {path.suffix:7} {megabytes:7.1f} MB {seconds:8.2f} s CPU  {megabytes / seconds:6.1f}"
        f" MB/s  kept {kept / ops_count:6.0f} B/op  peak {peak / ops_count:6.0f} B/op"
    )


def main() -> None:
    """Print everything."""
    for kind, writes in (("list-append", "append"), ("rw-register", "w")):
        for transactions in (10_000, 100_000):
            judge(kind, writes, transactions)
    ops = simulate(Random(2), "append", sizes(10_000))
    with tempfile.TemporaryDirectory() as directory:
        write_history(Path(directory) / "history.jsonl", ops)
        write_edn(Path(directory) / "history.edn", History(ops))
        for path in sorted(Path(directory).iterdir()):
            read(path, len(ops))


if __name__ == "__main__":
    main()
