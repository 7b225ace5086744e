"""What cannot matter does not: verdicts stay as they are when times shift and names change.

Nor do they change when a legal read, a failed operation, or a second watcher is added.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from checkers.checker import Budget, Checker
from checkers.election import ElectionChecker
from checkers.history import History
from checkers.jepsen.bank import Bank
from checkers.jepsen.long_fork import LongFork
from checkers.jepsen.set_full import SetFull
from checkers.jepsen.total_queue import TotalQueue
from checkers.jepsen.unique_ids import UniqueIds
from checkers.lock import lock_exclusion, lock_fencing
from checkers.raft.checker import judge_facts
from checkers.raft.facts import Fact
from checkers.verdict import Answer, Verdict, merge
from checkers.watch.checker import WatchChecker
from checkers.watch_history import WatchRecord
from tests.checkers.jepsen import test_collections_random as collections
from tests.checkers.leases import test_leases_random as leases
from tests.checkers.raft.random_traces import Chaos, Cluster
from tests.checkers.test_election_random import healthy_rows, spoil
from tests.checkers.test_lock_random import random_history as random_locks
from tests.checkers.timeline import history_of, kinds
from tests.checkers.transformations import (
    changed,
    later,
    later_fact,
    later_record,
    rekeyed,
    rekeyed_record,
    renamed,
    renamed_fact,
    renamed_record,
    reworded,
    reworded_fact,
    with_failure,
    with_idle_steps,
    with_twin,
    with_twin_watchers,
)
from tests.checkers.watch.test_watch_random import spoilt as spoilt_watches
from tests.checkers.watch.watched_store import random_run

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000")) // 8
Told = tuple[History, Sequence[WatchRecord]]
JudgeWatched = Callable[[History, Sequence[WatchRecord]], Verdict]


def found(verdict: Verdict) -> tuple[Answer, dict[str, str]]:
    return verdict.answer, kinds(verdict)


# ---------------------------------------------------------------- what there is to judge
def random_election(random: Random) -> History:
    rows = healthy_rows(random)
    return history_of(spoil(random, rows) if random.random() < 0.7 else rows)


def random_leases(random: Random) -> Told:
    life = random.choice([0.2, 1.0, 4.0])
    whole, stay = random.random() < 0.7, random.random() < 0.3

    def make(of: Random) -> leases.LeaseStore:
        return leases.LeaseStore(of, life=life, whole=whole, revoked_stay=stay)

    return leases.used(random.randrange(10**6), make, 25)


def random_watches(random: Random) -> Told:
    store = random_run(random, 14)
    spoils = random.random() < 0.7
    records = spoilt_watches(random, store.records) if spoils else store.records
    return History(store.ops), records


def judged_watches(history: History, records: Sequence[WatchRecord]) -> Verdict:
    return WatchChecker(records=records).check(history, Budget())


def judged_locks(history: History) -> Verdict:
    checkers = (lock_exclusion(), lock_fencing())
    return merge("locks", [checker.check(history, Budget()) for checker in checkers])


def by(checker: Checker) -> Callable[[History], Verdict]:
    return lambda history: checker.check(history, Budget())


HISTORIES: dict[str, tuple[Callable[[Random], History], Callable[[History], Verdict]]] = {
    "lock": (random_locks, judged_locks),
    "election": (random_election, by(ElectionChecker())),
    "set": (collections.random_set, by(SetFull())),
    "queue": (collections.random_queue, by(TotalQueue())),
    "ids": (collections.random_ids, by(UniqueIds())),
    "bank": (collections.random_bank, by(Bank())),
    "fork": (collections.random_fork, by(LongFork())),
}
WATCHED: dict[str, tuple[Callable[[Random], Told], JudgeWatched]] = {
    "lease": (random_leases, leases.judged),
    "watch": (random_watches, judged_watches),
}
READS = {
    "lock": (),
    "election": ("leader", "observe"),
    "set": ("read",),
    "queue": (),
    "ids": (),
    "bank": ("read",),
    "fork": (),
}
every_history = pytest.mark.parametrize("name", HISTORIES)
every_watched = pytest.mark.parametrize("name", WATCHED)


# ---------------------------------------------------------------- times and names
@every_history
def test_times_and_names_do_not_matter_to_histories(name: str) -> None:
    make, judge = HISTORIES[name]
    convicted = 0
    for seed in range(CASES):
        history = make(Random(seed))
        expected = found(judge(history))

        for change in (later, renamed, rekeyed):
            assert found(judge(changed(history, change))) == expected, f"{change}, seed {seed}"
        convicted += expected[0] is Answer.INVALID
    assert CASES // 20 < convicted < CASES


@pytest.mark.parametrize("name", ["set", "queue", "ids", "fork"])
def test_words_do_as_well_as_numbers(name: str) -> None:
    make, judge = HISTORIES[name]
    for seed in range(CASES):
        history = make(Random(seed))

        assert found(judge(changed(history, reworded))) == found(judge(history)), f"seed {seed}"


@every_watched
def test_times_and_names_do_not_matter_to_watches_and_leases(name: str) -> None:
    make, judge = WATCHED[name]
    convicted = 0
    for seed in range(CASES):
        history, records = make(Random(seed))
        expected = found(judge(history, records))

        for change, change_record in (
            (later, later_record),
            (renamed, renamed_record),
            (rekeyed, rekeyed_record),
        ):
            other = judge(changed(history, change), list(map(change_record, records)))
            assert found(other) == expected, f"{change}, seed {seed}"
        convicted += expected[0] is Answer.INVALID
    assert CASES // 20 < convicted < CASES


# ---------------------------------------------------------------- legal additions
@pytest.mark.parametrize("name", [name for name, reads in READS.items() if reads])
def test_a_read_that_another_one_equals_changes_nothing(name: str) -> None:
    make, judge = HISTORIES[name]
    for seed in range(CASES):
        random = Random(seed)
        history = make(random)

        more = with_twin(history, READS[name], random)
        assert kinds(judge(more)) == kinds(judge(history)), f"seed {seed}"


@every_history
def test_what_failed_changes_nothing(name: str) -> None:
    make, judge = HISTORIES[name]
    for seed in range(CASES):
        random = Random(seed)
        history = make(random)

        more = with_failure(history, random)
        assert found(judge(more)) == found(judge(history)), f"seed {seed}"


@every_watched
def test_what_failed_changes_nothing_for_watches_and_leases(name: str) -> None:
    make, judge = WATCHED[name]
    for seed in range(CASES):
        random = Random(seed)
        history, records = make(random)

        more = with_failure(history, random)
        assert found(judge(more, records)) == found(judge(history, records)), f"seed {seed}"


def test_a_read_of_leases_that_another_one_equals_changes_nothing() -> None:
    for seed in range(CASES):
        random = Random(seed)
        history, records = random_leases(random)

        more = with_twin(history, ("get", "range", "lease-time-to-live"), random)
        expected = found(leases.judged(history, records))
        assert found(leases.judged(more, records)) == expected, f"seed {seed}"


def test_a_second_watcher_that_is_told_the_same_changes_nothing() -> None:
    for seed in range(CASES):
        history, records = random_watches(Random(seed))

        more = with_twin_watchers(records)
        expected = found(judged_watches(history, records))
        assert found(judged_watches(history, more)) == expected, f"seed {seed}"


# ---------------------------------------------------------------- traces
def broken(facts: Sequence[Fact]) -> set[str]:
    leaves = judge_facts(facts).leaves()
    return {leaf.checker for leaf in leaves if leaf.answer is Answer.INVALID}


def random_trace(random: Random) -> list[Fact]:
    if random.random() < 0.5:
        return Chaos(random).run(10)
    return Cluster(random, with_snapshots=True).run(25)


def test_times_names_terms_and_idle_steps_do_not_matter_to_traces() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        random = Random(seed)
        facts = random_trace(random)
        expected = broken(facts)

        for change in (later_fact, renamed_fact, reworded_fact):
            assert broken(list(map(change, facts))) == expected, f"{change}, seed {seed}"
        assert broken(with_idle_steps(facts, random)) == expected, f"seed {seed}"
        told.update(expected)
    assert len(told) == 8, told
