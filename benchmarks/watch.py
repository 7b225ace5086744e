"""How fast watches are judged: a million events, told to one watcher and to a hundred.

    python -m benchmarks.watch [EVENTS]

Prints the CPU seconds of all guarantees together (goal: 3 s for a million events) and of each
part, reading excluded. The store did everything right, so nothing ends early.
"""

import gc
import sys
import time
from collections.abc import Sequence

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.verdict import Answer
from checkers.watch.case import case_of
from checkers.watch.checker import GUARANTEES, WatchChecker
from checkers.watch.log import watch_log
from checkers.watch.truth import truth_of
from checkers.watch.writes import writes_of
from checkers.watch_history import (
    Create,
    Created,
    Delivery,
    End,
    Event,
    EventKind,
    PreviousKv,
    Progress,
    WatchRecord,
)

KEYS = 1_000
EVENTS_PER_TXN = 10
"""Every write is a txn of so many puts, and every response tells of one txn."""
PROGRESS_EVERY = 10
"""Responses between two progress notifications."""
GOAL_S_PER_MILLION = 3.0


def events_of(count: int, *, prev_kv: bool) -> list[Event]:
    """Return `count` puts over all keys, from revision 2 on."""
    result = []
    for number in range(count):
        version, revision = number // KEYS + 1, number // EVENTS_PER_TXN + 2
        created = number % KEYS // EVENTS_PER_TXN + 2
        key = f"k{number % KEYS:04d}"
        prev = None
        if prev_kv and version > 1:
            last = revision - KEYS // EVENTS_PER_TXN
            prev = PreviousKv(key, f"v{number - KEYS}", created, last, version - 1)
        value = f"v{number}"
        result.append(Event(EventKind.PUT, key, revision, value, created, version, prev=prev))
    return result


def batches_of(events: Sequence[Event]) -> list[tuple[Event, ...]]:
    """Return `events` by txn."""
    places = range(0, len(events), EVENTS_PER_TXN)
    return [tuple(events[place : place + EVENTS_PER_TXN]) for place in places]


def txns_of(events: Sequence[Event]) -> list[Op]:
    """Return the history of a client that made them, one txn after another."""
    ops: list[Op] = []
    for batch in batches_of(events):
        steps = [{"put": {"key": event.key, "value": event.value}} for event in batch]
        answer = {
            "revision": batch[0].mod_revision,
            "succeeded": True,
            "responses": [{"put": {}}] * len(batch),
        }
        for kind, value in ((OpType.INVOKE, {"success": steps}), (OpType.OK, answer)):
            index = len(ops)
            ops.append(Op(index=index, time=index, process=0, type=kind, f="txn", value=value))
    return ops


def records_of(events: Sequence[Event], watchers: int, *, prev_kv: bool) -> list[WatchRecord]:
    """Return what `watchers` were told, who all saw everything."""
    records: list[WatchRecord] = []
    for number in range(watchers):
        create = Create(
            time=0, watcher=number, stream=number, key="k", range_end="l", prev_kv=prev_kv
        )
        records += [create, Created(time=0, watcher=number, revision=1)]
    time_ns = 0
    for time_ns, batch in enumerate(batches_of(events)):
        revision = batch[-1].mod_revision
        for number in range(watchers):
            records.append(Delivery(time=time_ns, watcher=number, revision=revision, events=batch))
            if time_ns % PROGRESS_EVERY == 0:
                records.append(Progress(time=time_ns, watcher=number, revision=revision))
    records.append(End(time=time_ns, revision=events[-1].mod_revision))
    return records


def measure(name: str, count: int, watchers: int, *, prev_kv: bool) -> None:
    """Print how long it takes to judge `count` events told to `watchers` in all."""
    events = events_of(count // watchers, prev_kv=prev_kv)
    history = History(txns_of(events))
    records = records_of(events, watchers, prev_kv=prev_kv)
    gc.collect()
    gc.freeze()  # what was made to be judged is not the judge's garbage
    started = time.process_time()
    verdict = WatchChecker(records=records).check(history, Budget())
    seconds = time.process_time() - started
    assert verdict.answer is Answer.VALID, verdict.reason
    ratio = seconds / (GOAL_S_PER_MILLION * count / 1e6)
    print(f"{name:44} {count:8} events {seconds:6.2f} s CPU  {ratio:5.2f} of the goal")
    parts(records, history)


def parts(records: Sequence[WatchRecord], history: History) -> None:
    """Print how long each part takes."""
    started = time.process_time()
    log, writes = watch_log(records), writes_of(history)
    read = time.process_time()
    case = case_of(log, writes, truth_of(log, writes), -1, compacts_itself=False)
    joined = time.process_time()
    figures = {"records and writes": read - started, "truth": joined - read}
    for name, judge in GUARANTEES:
        started = time.process_time()
        judge(case)
        figures[name] = time.process_time() - started
    for name, seconds in figures.items():
        print(f"    {name:24} {seconds:6.3f}")


def main() -> None:
    """Print everything."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    measure("one watcher", count, 1, prev_kv=False)
    measure("one watcher with prev_kv", count, 1, prev_kv=True)
    measure("a hundred watchers with prev_kv", count, 100, prev_kv=True)


if __name__ == "__main__":
    main()
