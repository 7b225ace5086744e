"""How fast linearizability is judged: recorded histories, and random ones of growing size.

    python -m benchmarks.linearizability [CORPUS]

`CORPUS` is a directory of other tools' recordings: `jepsen-etcd/*.log`, `knossos/cas-register/`
and `porcupine-kv/*.txt`; the variable QUORATE_CORPUS names it, too, as for `make bench`. Without
it, the histories in `histories/` are judged instead, and have no goals. Random histories are of a
correct store. Each line has the median of three runs in milliseconds of processor time, reading and
parsing excluded, the goal where there is one and the ratio to it, and the method that decided. The
first line times a plain loop, by which figures of different machines, or of one busy machine at
different times, can be compared.
"""

import os
import resource
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random

from benchmarks import revision_histories
from checkers.checker import Budget
from checkers.choose import checker_named
from checkers.formats.detect import read_history
from checkers.history import History
from checkers.linearizability.checker import Linearizability
from checkers.linearizability.interval import Interval, intervals
from checkers.linearizability.revisions.checker import judge_parsed
from checkers.linearizability.search import decide
from checkers.linearizability.split import split
from checkers.models.cas_register import CasRegister
from checkers.models.kv import Kv
from checkers.models.model import Model, OperationT, StateT
from checkers.verdict import Answer
from tests.checkers.linearizability.lost_writes import (
    register_that_lost_a_write,
    string_that_lost_an_append,
)
from tests.checkers.linearizability.random_histories import (
    FewValues,
    FifoQueues,
    Kind,
    OwnedLocks,
    Sets,
    Sizes,
    Strings,
    Transactions,
    UniqueValues,
    UnorderedQueues,
    record,
)
from tests.checkers.linearizability.test_distinct_queue import DistinctFifoQueues

RUNS = 3
STEPS_MAX = 50_000_000
CORE_OPERATIONS_MAX = 10
RESIDENT_MB_MAX = 1000


def timed_ms(run: Callable[[], object]) -> float:
    """Return the median of the milliseconds of processor time that `run` takes."""
    times_ns = []
    for _ in range(RUNS):
        started = time.process_time_ns()
        run()
        times_ns.append(time.process_time_ns() - started)
    return sorted(times_ns)[len(times_ns) // 2] / 1e6


def line(
    name: str, took: float, goal: float | None = None, note: str = "", unit: str = "ms"
) -> None:
    """Print one line of the table."""
    goal_text = "" if goal is None else f"goal {goal:6g}  ratio {took / goal:5.2f}"
    print(f"{name:52} {took:9.2f} {unit}  {goal_text:25} {note}", flush=True)


def plain_loop() -> None:
    """Do a million additions."""
    total = 0
    for number in range(1_000_000):
        total += number


Part = Sequence[Interval[OperationT]]


def parts_of(history: History, model: Model[StateT, OperationT]) -> list[Part[OperationT]]:
    """Return the histories of single objects in `history`."""
    return [intervals(part.operations, model) for part in split(history.operations(), model)]


def decided(parts: Sequence[Part[OperationT]], model: Model[StateT, OperationT]) -> None:
    """Decide every one of `parts`."""
    for part in parts:
        decide(part, model, steps_max=STEPS_MAX)


def recorded(
    name: str,
    paths: Sequence[Path],
    checker: Linearizability[StateT, OperationT],
    goals: tuple[float | None, float | None],
) -> None:
    """Print lines for recorded histories: all, the slowest, and the explanations."""
    model = checker.model
    histories = [read_history(path) for path in paths]
    decisions = [
        timed_ms(partial(decided, parts_of(history, model), model)) for history in histories
    ]
    total, slowest = goals
    line(f"{len(paths)} {name}, all", sum(decisions), total)
    line(f"{len(paths)} {name}, the slowest", max(decisions, default=0), slowest)
    cores, explanations = [0], [0.0]
    for history, decision in zip(histories, decisions, strict=True):
        verdict = checker.check(history, Budget())
        if verdict.evidence is not None:
            whole = timed_ms(partial(checker.check, history, Budget()))
            explanations.append(whole - decision)
            cores.append(len(verdict.evidence.operations))
    line(f"  slowest of {len(cores) - 1} explanations, parsing included", max(explanations), 25)
    line("  largest core", max(cores), CORE_OPERATIONS_MAX, unit="operations")


def own_histories(directory: Path) -> None:
    """Print a line for each history that the project keeps, explanation included."""
    for entry in tomllib.loads((directory / "expected.toml").read_text())["history"]:
        history = read_history(directory / entry["file"])
        checker = checker_named(entry["model"], entry.get("initial"))
        line(entry["file"], timed_ms(partial(checker.check, history, Budget())))


def random_history(
    name: str, kind: Kind[StateT, OperationT], sizes: Sizes, goal: float | None = None
) -> None:
    """Print a line for one random history."""
    history = record(Random(1), kind, sizes)
    outcome = decide(history, kind.model, steps_max=STEPS_MAX)
    assert outcome.answer is Answer.VALID, "the store was right"
    took = timed_ms(partial(decide, history, kind.model, steps_max=STEPS_MAX))
    label = f"{name}, {len(history):,} x {sizes.processes}, {sizes.crash_rate:.1%} unknown"
    line(label, took, goal, outcome.method)


def refuted(
    name: str, history: Part[OperationT], model: Model[StateT, OperationT], sizes: Sizes
) -> None:
    """Print a line for one history that is wrong."""
    outcome = decide(history, model, steps_max=STEPS_MAX)
    assert outcome.answer is Answer.INVALID, "the store was wrong"
    took = timed_ms(partial(decide, history, model, steps_max=STEPS_MAX))
    label = f"{name}, {sizes.operations:,} x {sizes.processes}, {sizes.crash_rate:.1%} unknown"
    line(label, took, note=f"INVALID by {outcome.method}")


def lost_writes() -> None:
    """Print lines for histories of many clients, with many unknown outcomes, that are wrong."""
    for operations, processes, crash_rate in (
        (600, 30, 0.02), (600, 30, 0.2), (600, 100, 0.2), (10_000, 30, 0.05),
    ):  # fmt: skip
        sizes = Sizes(operations=operations, processes=processes, crash_rate=crash_rate)
        wrong = register_that_lost_a_write(300, sizes)
        refuted("register that lost a write", wrong, CasRegister(), sizes)
        shorter = string_that_lost_an_append(sizes)
        refuted("string that lost an append", shorter, Kv(), sizes)


def revisions(operations: int, clients: int, goal: float, *, with_ranges: bool) -> None:
    """Print a line for one random history of etcd."""
    parsed = revision_histories.record(
        operations=operations, clients=clients, keys=100, with_ranges=with_ranges
    )
    assert judge_parsed(parsed, Budget()) is None, "the store was right"
    took = timed_ms(partial(judge_parsed, parsed, Budget()))
    mix = "with ranges" if with_ranges else "single keys"
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    label = f"etcd, {operations:,} x {clients}, {mix}"
    line(label, took, goal, "revisions")
    line("  resident at most so far", resident, RESIDENT_MB_MAX, unit="MB")


def main() -> None:
    """Print everything."""
    line("a million additions", timed_ms(plain_loop))
    corpus_name = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("QUORATE_CORPUS", "")
    if corpus_name:
        corpus = Path(corpus_name)
        logs = sorted(corpus.glob("jepsen-etcd/*.log"))
        recorded("Jepsen logs", logs, Linearizability(CasRegister()), (12, 2))
        knossos = sorted(corpus.glob("knossos/cas-register/*/*.edn"))
        recorded("Knossos files", knossos, Linearizability(CasRegister(0)), (15, None))
        strings = sorted(corpus.glob("porcupine-kv/*.txt"))
        recorded("Porcupine kv files", strings, Linearizability(Kv()), (None, None))
    else:
        own_histories(Path("histories"))
    few = FewValues(5)
    for operations, processes, crash_rate, goal in (
        (1_000, 20, 0.0, None),
        (10_000, 10, 0.0, None),
        (100_000, 10, 0.0, 2000.0),
        (1_000, 10, 0.02, None),
        (10_000, 5, 0.003, None),
        (20_000, 10, 0.01, None),
        (100_000, 10, 0.001, 5000.0),
    ):
        sizes = Sizes(operations=operations, processes=processes, crash_rate=crash_rate)
        random_history("register", few, sizes, goal)
    lost_writes()
    many = Sizes(operations=1_000_000, processes=50, crash_rate=0.01)
    random_history("unique values", UniqueValues(), many, 2000)
    short = Sizes(operations=1_000, processes=5, crash_rate=0.0)
    random_history("strings", Strings(), short)
    random_history("set", Sets(), short)
    random_history("fifo-queue", FifoQueues(), Sizes(operations=100, processes=3, crash_rate=0.0))
    crashing = Sizes(operations=1_000, processes=5, crash_rate=0.05)
    random_history("strings", Strings(), crashing)
    random_history("set", Sets(), crashing)
    random_history("transactions", Transactions(), crashing)
    random_history("owner-mutex", OwnedLocks(), crashing)
    random_history("unordered-queue", UnorderedQueues(), crashing)
    long = Sizes(operations=100_000, processes=20, crash_rate=0.01)
    random_history("fifo-queue, distinct values", DistinctFifoQueues(), long)
    revisions(100_000, 64, 300, with_ranges=False)
    revisions(1_000_000, 64, 3000, with_ranges=True)


if __name__ == "__main__":
    main()
