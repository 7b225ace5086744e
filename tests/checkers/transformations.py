"""Changes of histories, watches and traces that cannot change what they prove."""

from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec

from checkers.history import History, Op, OpType
from checkers.raft.facts import (
    Appended,
    CommittedTo,
    EntryMark,
    Fact,
    HardState,
    Installed,
    LedFrom,
    MembersChanged,
    Restarted,
    StoppedLeading,
    What,
)
from checkers.watch_history import (
    Break,
    Create,
    Delivery,
    Event,
    PreviousKv,
    RequestProgress,
    WatchRecord,
)

HOUR_NS = 3_600_000_000_000
KEY_FIELDS = ("key", "range_end", "lock", "election")
ID_FIELDS = ("id", "lease")


# ---------------------------------------------------------------- histories
def changed(history: History, change: Callable[[Op], Op]) -> History:
    return History(map(change, history.ops))


def later(op: Op) -> Op:
    """Return `op` an hour later."""
    return msgspec.structs.replace(op, time=op.time + HOUR_NS)


def renamed(op: Op) -> Op:
    """Return `op` of another process, asked of a node with another name."""
    process = op.process if isinstance(op.process, str) else 3 * op.process + 100
    return msgspec.structs.replace(op, process=process, node=_other_node(op.node))


def rekeyed(op: Op) -> Op:
    """Return `op` with every key, lock, election and lease renamed; keys keep their order."""
    return msgspec.structs.replace(op, value=_with_other_keys(op.value))


def _other_node(name: str | None) -> str | None:
    return None if name is None else f"member-{name}"


def _other_key(key: object) -> object:
    return f"prefix/{key}" if isinstance(key, str) and key != "\0" else key


def _with_other_keys(value: object, field: str = "") -> object:
    match value:
        case dict():
            return {name: _with_other_keys(inner, name) for name, inner in value.items()}
        case list():
            return [_with_other_keys(inner, field) for inner in value]
        case str() if field in KEY_FIELDS:
            return _other_key(value)
        case int() if field in ID_FIELDS and value:
            return value + 1000
        case _:
            return value


def reworded(op: Op) -> Op:
    """Return `op` with every number and account of a collection exchanged for a word."""
    return msgspec.structs.replace(op, value=_in_other_words(op.value))


def _in_other_words(value: object) -> object:
    match value:
        case dict():
            return {f"the {name}": inner for name, inner in value.items()}
        case ["r" | "w" as f, key, inner]:
            return [f, f"the {key}", _in_other_words(inner)]
        case list():
            return [_in_other_words(inner) for inner in value]
        case int():
            return f"number {value}"
        case _:
            return value


def with_twin(history: History, fs: Iterable[str], random: Random) -> History:
    """Return `history` with one more read that begins, ends and answers as another one does."""
    reads = [
        operation
        for operation in history.operations()
        if operation.f in fs and operation.outcome is OpType.OK
    ]
    if not reads:
        return history
    read = random.choice(reads)
    ops: list[Op] = []
    for op in history.ops:
        twin = msgspec.structs.replace(op, process=10**6)
        if op is read.invoke:
            ops += [op, twin]
        elif op is read.completion:
            ops += [twin, op]
        else:
            ops.append(op)
    return _numbered(ops)


def with_failure(history: History, random: Random) -> History:
    """Return `history` with one more operation that another process asked for, and that failed."""
    operations = history.operations()
    if not operations:
        return history
    asked = random.choice(operations).invoke
    failing = msgspec.structs.replace(asked, process=10**6)
    failed = msgspec.structs.replace(
        failing, type=OpType.FAIL, value=None, error="unavailable: nobody is here"
    )
    place = history.ops.index(asked)
    return _numbered([*history.ops[:place], failing, failed, *history.ops[place:]])


def _numbered(ops: Iterable[Op]) -> History:
    return History(msgspec.structs.replace(op, index=index) for index, op in enumerate(ops))


# ---------------------------------------------------------------- watches
def later_record(record: WatchRecord) -> WatchRecord:
    return msgspec.structs.replace(record, time=record.time + HOUR_NS)


def renamed_record(record: WatchRecord) -> WatchRecord:
    if isinstance(record, Create):
        return msgspec.structs.replace(record, node=_other_node(record.node))
    return record


def rekeyed_record(record: WatchRecord) -> WatchRecord:
    match record:
        case Create():
            return msgspec.structs.replace(
                record, key=_other_key(record.key), range_end=_other_key(record.range_end)
            )
        case Delivery():
            return msgspec.structs.replace(record, events=tuple(map(_rekeyed, record.events)))
        case _:
            return record


def _rekeyed(event: Event) -> Event:
    prev = event.prev
    if prev is not None:
        prev = _replaced(prev)
    lease = event.lease and event.lease + 1000
    return msgspec.structs.replace(event, key=_other_key(event.key), lease=lease, prev=prev)


def _replaced(prev: PreviousKv) -> PreviousKv:
    lease = prev.lease and prev.lease + 1000
    return msgspec.structs.replace(prev, key=_other_key(prev.key), lease=lease)


def with_twin_watchers(records: Sequence[WatchRecord]) -> list[WatchRecord]:
    """Return `records` with another watcher beside each, on a stream of its own, told the same."""
    doubled: list[WatchRecord] = []
    for record in records:
        if isinstance(record, Break | RequestProgress):
            doubled += [_on_stream(record, 0), _on_stream(record, 1)]
        elif hasattr(record, "watcher"):
            doubled += [_of_watcher(record, 0), _of_watcher(record, 1)]
        else:
            doubled.append(record)
    return doubled


def _on_stream(record: Break | RequestProgress, which: int) -> WatchRecord:
    return msgspec.structs.replace(record, stream=2 * record.stream + which)


def _of_watcher(record: WatchRecord, which: int) -> WatchRecord:
    assert not isinstance(record, Break | RequestProgress)
    number = 2 * int(getattr(record, "watcher")) + which  # noqa: B009 (not every record has it)
    if isinstance(record, Create):
        stream = 2 * record.stream + which
        return msgspec.structs.replace(record, watcher=number, stream=stream)
    return msgspec.structs.replace(record, watcher=number)


# ---------------------------------------------------------------- traces
def later_fact(fact: Fact) -> Fact:
    return Fact(fact.at_ns + HOUR_NS, fact.node, fact.what)


def renamed_fact(fact: Fact) -> Fact:
    """Return `fact` of a node with another name, among nodes with other names."""
    name = f"member-{fact.node}"
    match fact.what:
        case HardState(term=term, voted_for=voted_for):
            return Fact(fact.at_ns, name, HardState(term, _other_node(voted_for)))
        case Restarted(voted_for=voted_for):
            what = msgspec.structs.replace(fact.what, voted_for=_other_node(voted_for))
            return Fact(fact.at_ns, name, what)
        case MembersChanged(index=index, voters=voters, learners=learners, outgoing=outgoing):
            sets = (tuple(f"member-{each}" for each in of) for of in (voters, learners, outgoing))
            return Fact(fact.at_ns, name, MembersChanged(index, *sets))
        case _:
            return Fact(fact.at_ns, name, fact.what)


def reworded_fact(fact: Fact) -> Fact:
    """Return `fact` with other terms in the same order, and entries that say something else."""
    return Fact(fact.at_ns, fact.node, _in_other_terms(fact.what))


def _in_other_terms(what: What) -> What:  # noqa: PLR0911 (one case per fact)
    match what:
        case LedFrom(term=term):
            return LedFrom(3 * term)
        case HardState(term=term, voted_for=voted_for):
            return HardState(3 * term, voted_for)
        case Appended(entries=entries):
            return Appended(_other_marks(entries))
        case CommittedTo(last_index=last_index, entries=entries):
            return CommittedTo(last_index, _other_marks(entries))
        case Installed(index=index, term=term):
            return Installed(index, 3 * term)
        case Restarted(term=term, entries=entries):
            return msgspec.structs.replace(what, term=3 * term, entries=_other_marks(entries))
        case MembersChanged() | StoppedLeading():
            return what


def _other_marks(entries: Iterable[EntryMark]) -> tuple[EntryMark, ...]:
    return tuple(EntryMark(each.index, 3 * each.term, each.content + 1000) for each in entries)


def with_idle_steps(facts: Sequence[Fact], random: Random) -> list[Fact]:
    """Return `facts` with steps that change nothing: a state written again, a node that idles."""
    doubled: list[Fact] = [Fact(0, "n9", HardState(1, None))]
    for fact in facts:
        again = isinstance(fact.what, HardState | Restarted | StoppedLeading)
        doubled += [fact, fact] if again and random.random() < 0.5 else [fact]
    return doubled
