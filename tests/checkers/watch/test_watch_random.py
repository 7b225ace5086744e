"""Random watches, right and spoilt, against guarantees written down naively."""

import os
from random import Random

import msgspec

from checkers.checker import Budget
from checkers.history import History
from checkers.verdict import Answer
from checkers.watch.checker import WatchChecker
from checkers.watch.log import watch_log
from checkers.watch_history import Delivery, Progress, WatchRecord
from tests.checkers.watch.naive import BROKEN, broken_guarantees
from tests.checkers.watch.watched_store import WatchedStore, random_run

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))
JUDGED = {*BROKEN, "watch-convergence"}


def spoilt(random: Random, records: list[WatchRecord]) -> list[WatchRecord]:
    """Return `records` after one to three changes of what was delivered."""
    result = list(records)
    for _ in range(random.randrange(1, 4)):
        places = [
            place for place, each in enumerate(result) if isinstance(each, Delivery | Progress)
        ]
        if places:
            _spoil(random, result, random.choice(places))
    return result


def _spoil(random: Random, records: list[WatchRecord], place: int) -> None:
    record = records[place]
    if isinstance(record, Progress):
        moved = max(1, record.revision + random.randrange(-3, 6))
        records[place] = msgspec.structs.replace(record, revision=moved)
        return
    assert isinstance(record, Delivery)
    events = list(record.events)
    point = random.random()
    if point < 0.3:
        del events[random.randrange(len(events))]
    elif point < 0.5:
        events.insert(random.randrange(len(events) + 1), random.choice(events))
    elif point < 0.7:
        random.shuffle(events)
    elif point < 0.85:
        other = random.choice([each for each in records if isinstance(each, Delivery)])
        events.append(random.choice(other.events))
    else:
        events = []
    if events:
        records[place] = msgspec.structs.replace(record, events=tuple(events))
    else:
        del records[place]


def convicted(store: WatchedStore, records: list[WatchRecord]) -> set[str]:
    checker = WatchChecker(records=records, persisted=store.events)
    verdict = checker.check(History(store.ops), Budget())
    return {leaf.checker for leaf in verdict.leaves() if leaf.answer is Answer.INVALID}


def test_what_is_right_is_never_convicted() -> None:
    for seed in range(CASES // 4):
        store = random_run(Random(seed), 14)

        verdict = store.verdict()

        assert verdict.answer is not Answer.INVALID, f"seed {seed}: {verdict.reason}"


def test_what_is_spoilt_is_convicted_of_what_is_broken() -> None:
    broken_count = 0
    for seed in range(CASES):
        random = Random(seed)
        store = random_run(random, 14)
        records = spoilt(random, store.records)

        found = convicted(store, records) & JUDGED

        expected = broken_guarantees(watch_log(records), store.events)
        broken_count += bool(expected)
        assert found == expected, f"seed {seed}"
    assert broken_count > CASES // 5


def test_a_long_run_that_is_right_is_valid() -> None:
    store = random_run(Random(7), 20_000)

    assert store.verdict().answer is Answer.VALID
