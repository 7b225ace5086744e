"""Random histories of sets, queues, ids, banks and forks, against definitions in plain words."""

import itertools
import os
from collections import Counter
from collections.abc import Sequence
from random import Random

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.jepsen.bank import Bank
from checkers.jepsen.long_fork import LongFork
from checkers.jepsen.set_full import SetFull
from checkers.jepsen.total_queue import TotalQueue
from checkers.jepsen.unique_ids import UniqueIds
from checkers.verdict import Answer, Verdict
from tests.checkers.timeline import Row, history_of, kinds

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))
OK, FAIL, INFO = OpType.OK, OpType.FAIL, OpType.INFO
OUTCOMES = (OK, OK, OK, OK, INFO, FAIL)


def spread(random: Random, asked: Sequence[tuple[str, object, object, OpType]]) -> History:
    """Return a history in which these operations come at random times, each by its own process."""
    rows = []
    for process, (f, value, answer, outcome) in enumerate(asked):
        start = random.randrange(20)
        end = start + random.randrange(1, 6) - 0.5
        told = answer if outcome is OK else None
        rows.append(Row(start, end, process, f, value, told, outcome=outcome))
    return history_of(rows)


def said(verdict: Verdict) -> str:
    """Return the kind of breach, or the answer."""
    return next(iter(kinds(verdict).values()), verdict.answer.name)


def ok(history: History, f: str) -> list[Operation]:
    return [each for each in history.operations() if each.f == f and each.outcome is OK]


def possible(history: History, f: str) -> list[Operation]:
    return [each for each in history.operations() if each.f == f and each.outcome is not FAIL]


def seen_by(read: Operation) -> list[object]:
    assert isinstance(read.result, list)
    return read.result


def before(one: Operation, other: Operation) -> bool:
    return one.ret is not None and one.ret < other.call


# ---------------------------------------------------------------- sets
def random_set(random: Random) -> History:
    elements = [random.randrange(4) for _ in range(random.randrange(1, 4))]
    adds = [("add", element, None, random.choice(OUTCOMES)) for element in elements]
    likely = [*elements, *elements, *elements, random.randrange(5)]
    reads = [
        ("read", None, sorted(dict.fromkeys(random.sample(likely, random.randrange(4)))), OK)
        for _ in range(random.randrange(1, 5))
    ]
    if random.random() < 0.1:
        reads.append(("read", None, [elements[0]] * 2, OK))
    return spread(random, [*adds, *reads])


def fate(element: object, history: History) -> str:
    """Return what became of an element: stable, stale, lost, or never read."""
    reads = ok(history, "read")
    tells = [add for add in ok(history, "add") if add.value == element]
    tells += [read for read in reads if element in seen_by(read)]
    judged = [
        element in seen_by(read)
        for read in reads
        if element in seen_by(read) or any(before(told, read) for told in tells)
    ]
    if not judged:
        return "never read"
    if not judged[-1]:
        return "lost"
    return "stable" if all(judged) else "stale"


def naive_set(history: History) -> str:
    attempts = [add.value for add in possible(history, "add")]
    reads = ok(history, "read")
    if any(element not in attempts for read in reads for element in seen_by(read)):
        return "never-added"
    if any(len(seen_by(read)) > len(set(seen_by(read))) for read in reads):
        return "element-twice"
    fates = {fate(element, history) for element in attempts}
    if "lost" in fates:
        return "element-lost"
    if "stale" in fates:
        return "element-stale"
    return "VALID" if "stable" in fates else "UNKNOWN"


def test_sets_agree_with_what_their_words_say() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        history = random_set(Random(seed))

        answer = said(SetFull().check(history, Budget()))

        expected = naive_set(history)
        assert answer == expected, f"seed {seed}"
        told[expected] += 1
    assert len(told) == 6, told


def test_sets_count_every_fate() -> None:
    for seed in range(CASES // 4):
        history = random_set(Random(seed))

        details = SetFull().check(history, Budget()).details

        elements = dict.fromkeys(add.value for add in possible(history, "add"))
        fates = Counter(fate(element, history) for element in elements)
        stable, stale = fates["stable"] + fates["stale"], fates["stale"]
        assert details["stable"] == stable, f"seed {seed}"
        assert details["stale"] == stale, f"seed {seed}"
        assert details["lost"] == fates["lost"], f"seed {seed}"
        assert details["never read"] == fates["never read"], f"seed {seed}"


# ---------------------------------------------------------------- queues
def random_queue(random: Random) -> History:
    values = [random.randrange(3) for _ in range(random.randrange(1, 5))]
    asked: list[tuple[str, object, object, OpType]] = [
        ("enqueue", value, None, random.choice(OUTCOMES)) for value in values
    ]
    for _ in range(random.randrange(4)):
        value = random.choice([*values, *values, None, 7 if random.random() < 0.3 else None])
        asked.append(("dequeue", None, value, random.choice(OUTCOMES)))
    if random.random() < 0.6:
        drained = random.sample(values, random.randrange(len(values) + 1))
        asked.append(("drain", None, drained, random.choice(OUTCOMES)))
    return spread(random, asked)


def naive_queue(history: History) -> set[str]:
    """Return every answer that is right: of two breaches either may be told."""
    attempts = [each.value for each in possible(history, "enqueue")]
    if not attempts:
        return {"UNKNOWN"}
    taken = [each.result for each in ok(history, "dequeue") if each.result is not None]
    taken += [value for each in ok(history, "drain") for value in seen_by(each)]
    extra = {
        "dequeued-twice" if value in attempts else "never-enqueued"
        for value in taken
        if taken.count(value) > attempts.count(value)
    }
    if extra:
        return extra
    acknowledged = ok(history, "enqueue")
    values = [each.value for each in acknowledged]
    if all(values.count(value) <= taken.count(value) for value in values):
        return {"VALID"}
    empty = ok(history, "drain") + [each for each in ok(history, "dequeue") if each.result is None]
    unanswered = [each for each in history.operations() if each.outcome is INFO]
    if not empty or any(each.f == "drain" for each in unanswered):
        return {"UNKNOWN"}
    last = max(empty, key=lambda each: each.call)
    must_be_out = [each.value for each in acknowledged if before(each, last)]
    lost = sum(
        max(0, must_be_out.count(value) - taken.count(value)) for value in dict.fromkeys(values)
    )
    thieves = sum(each.f == "dequeue" for each in unanswered)
    return {"element-lost" if lost > thieves else "UNKNOWN"}


def test_queues_agree_with_what_their_words_say() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        history = random_queue(Random(seed))

        answer = said(TotalQueue().check(history, Budget()))

        assert answer in naive_queue(history), f"seed {seed}"
        told[answer] += 1
    assert len(told) == 5, told


def test_a_queue_that_loses_nothing_is_never_convicted() -> None:
    for seed in range(CASES):
        history = queue_that_works(Random(seed))

        verdict = TotalQueue().check(history, Budget())

        assert verdict.answer is not Answer.INVALID, f"seed {seed}: {verdict.reason}"


def queue_that_works(random: Random) -> History:
    """Return what clients of a right queue saw; what they were not told may have happened."""
    held: list[int] = []
    rows = []
    for at in range(random.randrange(1, 12)):
        outcome = random.choice(OUTCOMES)
        happens = outcome is OK or (outcome is INFO and random.random() < 0.5)
        f = random.choice(["enqueue", "enqueue", "dequeue", "dequeue", "drain"])
        value = random.randrange(3) if f == "enqueue" else None
        answer: object = None
        if happens and value is not None:
            held.append(value)
        elif happens and f == "dequeue" and held:
            answer = held.pop(random.randrange(len(held)))
        elif happens and f == "drain":
            answer, held = held, []
        told = answer if outcome is OK else None
        length = 0.5 + random.random()
        rows.append(Row(at - length, at + length, at, f, value, told, outcome=outcome))
    return history_of([row._replace(call_s=row.call_s + 2, ret_s=row.ret_s + 2) for row in rows])


# ---------------------------------------------------------------- ids, banks
def random_ids(random: Random) -> History:
    ids = [1, 2, 3, [1], [1, 2], "1"]
    asked = [
        ("generate", None, random.choice(ids), random.choice(OUTCOMES))
        for _ in range(random.randrange(1, 6))
    ]
    return spread(random, asked)


def test_ids_are_convicted_exactly_if_two_are_equal() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        history = random_ids(Random(seed))

        answer = said(UniqueIds().check(history, Budget()))

        ids = [each.result for each in ok(history, "generate")]
        twice = any(one == other for one, other in itertools.combinations(ids, 2))
        expected = "id-twice" if twice else "VALID" if ids else "UNKNOWN"
        assert answer == expected, f"seed {seed}"
        told[answer] += 1
    assert len(told) == 3, told


def random_bank(random: Random) -> History:
    asked: list[tuple[str, object, object, OpType]] = []
    for _ in range(random.randrange(1, 5)):
        moved = random.choice([0, 1, 2, 3, 3, 5, 6])
        held = {"a": 5 - moved, "b": moved}
        if random.random() < 0.1:
            held[random.choice("abc")] = random.randrange(-1, 4)
        asked.append(("read", None, held, random.choice(OUTCOMES)))
    asked.append(("transfer", {"from": "a", "to": "b", "amount": 1}, None, OK))
    return spread(random, asked)


def naive_bank(history: History) -> set[str]:
    reads: list[dict[str, int]] = [
        each.result for each in ok(history, "read") if isinstance(each.result, dict)
    ]
    if not reads:
        return {"UNKNOWN"}
    wrong = set()
    if any(set(held) != set(reads[0]) for held in reads):
        wrong.add("other-accounts")
    if any(sum(held.values()) != sum(reads[0].values()) for held in reads):
        wrong.add("wrong-total")
    if any(min(held.values()) < 0 for held in reads):
        wrong.add("negative-balance")
    return wrong or {"VALID"}


def test_banks_agree_with_what_their_words_say() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        history = random_bank(Random(seed))

        answer = said(Bank().check(history, Budget()))

        assert answer in naive_bank(history), f"seed {seed}"
        told[answer] += 1
    assert len(told) == 5, told


# ---------------------------------------------------------------- long forks
def random_fork(random: Random) -> History:
    keys = ["x", "y", "z"][: random.randrange(2, 4)]
    asked: list[tuple[str, object, object, OpType]] = []
    for key in keys:
        for _ in range(2 if random.random() < 0.05 else 1):
            steps = [["w", key, 1]]
            asked.append(("txn", steps, steps, random.choice(OUTCOMES)))
    for _ in range(random.randrange(1, 5)):
        some = random.sample(keys, random.randrange(1, len(keys) + 1))
        read = [["r", key, random.choice([None, 1]) if random.random() > 0.02 else 2]
                for key in some]  # fmt: skip
        asked.append(("txn", [["r", key, None] for key in some], read, random.choice(OUTCOMES)))
    return spread(random, asked)


def steps_of(txn: Operation) -> list[list[object]]:
    steps = txn.result if txn.outcome is OK else txn.value
    assert isinstance(steps, list)
    return steps


def naive_fork(history: History) -> set[str]:
    txns = possible(history, "txn")
    written = [(key, value) for txn in txns for f, key, value in steps_of(txn) if f == "w"]
    if len(dict.fromkeys(key for key, _ in written)) < len(written):
        return {"UNKNOWN"}
    reads = [
        {key: value for _, key, value in steps_of(txn)}
        for txn in ok(history, "txn")
        if steps_of(txn)[0][0] == "r"
    ]
    pairs = [
        (one, other) for one, other in itertools.combinations(reads, 2) if set(one) == set(other)
    ]
    wrong = set()
    for one, other in pairs:
        only_one = any(one[key] is not None and other[key] is None for key in one)
        only_other = any(other[key] is not None and one[key] is None for key in one)
        if only_one and only_other:
            wrong.add("long-fork")
    if any(
        value is not None and (key, value) not in written
        for read in reads
        for key, value in read.items()
    ):
        wrong.add("never-written")
    return wrong or {"VALID" if pairs else "UNKNOWN"}


def test_forks_agree_with_what_their_words_say() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        history = random_fork(Random(seed))

        answer = said(LongFork().check(history, Budget()))

        assert answer in naive_fork(history), f"seed {seed}"
        told[answer] += 1
    assert len(told) == 4, told
