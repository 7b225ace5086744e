"""The long fuzz: millions of random small histories, each judged by a checker and by brute force.

    python -m tests.checkers.long_fuzz                        a million for each
    python -m tests.checkers.long_fuzz --cases 5000 fifo-queue list-append

Prints a line for each checker, and each seed on which the two disagree; a seed is one history, the
same everywhere. The exit code is 1 if there is any. The checkers of watches, leases, locks,
elections, Raft and collections have their naive twins beside their tests, which take
QUORATE_FUZZ_CASES.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Final, NamedTuple

import click

from checkers.checker import Budget
from checkers.history import History
from checkers.linearizability import stale_values
from checkers.linearizability.distinct_queue import judge
from checkers.linearizability.register_history import RegisterHistory
from checkers.linearizability.revisions import etcd_linearizable
from checkers.linearizability.search import decide, decide_window
from checkers.linearizability.sweep import REMEMBERED_MAX
from checkers.linearizability.windows import Windows
from checkers.models.model import OperationT, StateT
from checkers.transactions.checker import transactional
from checkers.verdict import Answer
from tests.checkers.linearizability import random_histories as kinds
from tests.checkers.linearizability import test_distinct_queue as queues
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.kv_brute_force import is_linearizable
from tests.checkers.linearizability.kv_histories import corrupt, simulate_with_changes
from tests.checkers.linearizability.test_revisions_random import small_history, small_shape
from tests.checkers.transactions.serial_orders import has_serial_order
from tests.checkers.transactions.simulated_store import simulate, tamper
from tests.checkers.transactions.test_transactions_random import small as small_store

STEPS_MAX: Final = 5_000_000
SHOWN_MAX: Final = 10
"""Seeds of disagreements that are printed."""


class Judged(NamedTuple):
    """What came of one history."""

    answer: Answer | None
    """The checker's; None where its method does not apply."""
    is_right: bool
    """Whether brute force found an order."""


def of_model(kind: kinds.Kind[StateT, OperationT], seed: int) -> Judged:
    """Judge a history of one object."""
    random = Random(seed)
    history = kinds.tamper(random, kind, kinds.record(random, kind, kinds.small(random)))
    outcome = decide(history, kind.model, steps_max=STEPS_MAX)
    return Judged(outcome.answer, has_order(history, kind.model))


def of_windows(kind: kinds.Kind[StateT, OperationT], seed: int) -> Judged:
    """Judge a history of one object by windows of some size, which only ever convict."""
    random = Random(seed)
    history = kinds.tamper(random, kind, kinds.record(random, kind, kinds.small(random)))
    passes = [(random.randrange(1, 9), bool(seed % 2))]
    judge_window = partial(decide_window, REMEMBERED_MAX)
    found = Windows(history, kind.model, judge_window, passes=passes).refute(STEPS_MAX)
    if found.outcome is None:
        return Judged(None, is_right=True)  # whether it is or not: nothing was claimed
    return Judged(found.outcome.answer, has_order(history, kind.model))


def of_stale_values(seed: int) -> Judged:
    """Judge a register by its stale answers, which only ever convict."""
    random = Random(seed)
    kind = kinds.FewValues(random.randrange(2, 6))
    history = kinds.tamper(random, kind, kinds.record(random, kind, kinds.small(random)))
    outcome = stale_values.refute(RegisterHistory(history, None))
    if outcome is None:
        return Judged(None, is_right=True)
    return Judged(outcome.answer, has_order(history, kind.model))


def of_queue(seed: int) -> Judged:
    """Judge a queue, in order or not, into which no value comes twice."""
    random = Random(seed)
    fifo, bag = queues.DistinctFifoQueues(), queues.DistinctUnorderedQueues()
    sizes, in_order = kinds.small(random), bool(seed % 2)
    drawn = (
        kinds.tamper(random, fifo, kinds.record(random, fifo, sizes))
        if in_order
        else kinds.tamper(random, bag, kinds.record(random, bag, sizes))
    )
    history = queues.with_forgotten_answers(random, drawn)
    outcome = judge(history, (), in_order=in_order)
    is_right = has_order(history, fifo.model) if in_order else has_order(history, bag.model)
    return Judged(None if outcome is None else outcome.answer, is_right)


def of_transactions(model: str, writes: str, seed: int) -> Judged:
    """Judge transactions, every other time in real time."""
    random, is_strict = Random(seed), bool(seed % 2)
    spoilt = tamper(random, simulate(random, writes, small_store(random)), seed // 2 % 4)
    history = History(spoilt)
    checker = transactional(model, "strict-serializable" if is_strict else "serializable")
    answer = checker.check(history, Budget()).answer
    return Judged(answer, has_serial_order(history, is_strict=is_strict))


def of_etcd(seed: int) -> Judged:
    """Judge a history with revisions."""
    history = small_history(seed)
    answer = etcd_linearizable().check(history, Budget(steps_max=STEPS_MAX)).answer
    return Judged(answer, is_linearizable(history))


def of_etcd_with_changes(seed: int) -> Judged:
    """Judge one of which it is partly known what its revisions changed."""
    random = Random(seed)
    history, changes = simulate_with_changes(random, small_shape(random))
    history = corrupt(random, history) if random.random() < 0.7 else history
    told = {revision: what for revision, what in changes.items() if random.random() < 0.7}
    answer = etcd_linearizable(told).check(history, Budget(steps_max=STEPS_MAX)).answer
    return Judged(answer, is_linearizable(history, told))


FUZZES: Final[Mapping[str, Callable[[int], Judged]]] = {
    "cas-register": partial(of_model, kinds.FewValues()),
    "cas-register, unique values": partial(of_model, kinds.UniqueValues()),
    "multi-register": partial(of_model, kinds.Transactions()),
    "kv": partial(of_model, kinds.Strings()),
    "mutex": partial(of_model, kinds.Locks()),
    "reentrant-mutex": partial(of_model, kinds.OwnedLocks()),
    "set": partial(of_model, kinds.Sets()),
    "fifo-queue": partial(of_model, kinds.FifoQueues()),
    "unordered-queue": partial(of_model, kinds.UnorderedQueues()),
    "queues, distinct values": of_queue,
    "cas-register, stale values": of_stale_values,
    "cas-register, windows": partial(of_windows, kinds.FewValues()),
    "kv, windows": partial(of_windows, kinds.Strings()),
    "mutex, windows": partial(of_windows, kinds.Locks()),
    "etcd": of_etcd,
    "etcd, changes known": of_etcd_with_changes,
    "list-append": partial(of_transactions, "list-append", "append"),
    "rw-register": partial(of_transactions, "rw-register", "w"),
}
INCOMPLETE: Final = frozenset({"rw-register"})
"""They may let pass what is wrong: their VALID proves nothing."""


def is_wrong(name: str, judged: Judged) -> bool:
    """Say whether the checker called `name` contradicts brute force."""
    if judged.is_right:
        return judged.answer is Answer.INVALID
    return judged.answer is Answer.VALID and name not in INCOMPLETE


def fuzz(name: str, seeds: range) -> list[int]:
    """Judge one history for each of `seeds`; print what came of it; return where it was wrong."""
    case, answers, wrong = FUZZES[name], Counter[str](), []
    started = time.process_time()
    for seed in seeds:
        judged = case(seed)
        answers["not applicable" if judged.answer is None else judged.answer.name] += 1
        if is_wrong(name, judged):
            wrong.append(seed)
    seconds = time.process_time() - started
    told = ", ".join(f"{count:,} {answer}" for answer, count in sorted(answers.items()))
    click.echo(f"{name:28} {len(wrong)} disagreements in {len(seeds):,}: {told} ({seconds:.0f} s)")
    if wrong:
        click.echo(f"  seeds {', '.join(map(str, wrong[:SHOWN_MAX]))}")
    return wrong


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(FUZZES)))
@click.option("--cases", default=1_000_000, show_default=True, help="Histories for each checker.")
@click.option("--first-seed", default=0, show_default=True)
def main(names: tuple[str, ...], cases: int, first_seed: int) -> None:
    """Judge random histories by checkers and by brute force."""
    seeds = range(first_seed, first_seed + cases)
    wrong = [seed for name in names or FUZZES for seed in fuzz(name, seeds)]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
