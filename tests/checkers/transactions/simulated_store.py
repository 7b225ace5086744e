"""Histories of transactions on a store that is strictly serializable, and of one that is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import msgspec

from checkers.history import Op, OpType

Json = list[object]
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much happens."""

    transactions: int = 5
    keys: int = 2
    processes: int = 3
    length_max: int = 3
    """Micro-operations in a transaction."""
    unknown: float = 0.0
    """The share of transactions whose outcome nobody learns."""
    failed: float = 0.0
    per_key_max: int = 1_000_000
    """Writes to one key before a fresh one takes its place."""


@dataclass(slots=True)
class _Flight:
    """A transaction that was asked for."""

    process: int
    asked: Json
    answer: Json | None = None
    fate: OpType = OpType.OK


@dataclass(slots=True)
class _Store:
    """One copy, one transaction at a time."""

    random: Random
    sizes: Sizes
    writes: str
    held: dict[str, object] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)

    def ask(self) -> Json:
        length = 1 + int(self.random.random() * self.sizes.length_max)
        return [self._step() for _ in range(length)]

    def _step(self) -> Json:
        slot = int(self.random.random() * self.sizes.keys)
        generation = self.written.get(f"{slot}", 0) // self.sizes.per_key_max
        key = f"k{slot}" if not generation else f"k{slot}.{generation}"
        if self.random.random() < 0.5:
            return ["r", key, None]
        number = self.written[f"{slot}"] = self.written.get(f"{slot}", 0) + 1
        return [self.writes, key, number]

    def apply(self, asked: Json) -> Json:
        answer: Json = []
        for step in asked:
            assert isinstance(step, list)
            f, key, value = step
            if f == "r":
                held = self.held.get(key)
                answer.append(["r", key, list(held) if isinstance(held, list) else held])
                continue
            if f == "append":
                held = self.held.get(key, [])
                assert isinstance(held, list)
                self.held[key] = [*held, value]
            else:
                self.held[key] = value
            answer.append(step)
        return answer

    def record(self, process: int, op_type: OpType, value: object) -> None:
        index = len(self.ops)
        self.ops.append(
            Op(index=index, time=index, process=process, type=op_type, f="txn", value=value)
        )


def simulate(random: Random, writes: str, sizes: Sizes) -> list[Op]:
    """Return the history of a strictly serializable store; `writes` is `append` or `w`."""
    store = _Store(random, sizes, writes)
    free = list(range(sizes.processes))
    waiting: list[_Flight] = []
    done: list[_Flight] = []
    asked, fresh = 0, sizes.processes
    while asked < sizes.transactions or waiting or done:
        chance = random.random()
        if free and asked < sizes.transactions and (chance < 0.4 or not (waiting or done)):
            flight = _Flight(_take(random, free), store.ask())
            kind = random.random()
            if kind < sizes.unknown:
                flight.fate = OpType.INFO
            elif kind < sizes.unknown + sizes.failed:
                flight.fate = OpType.FAIL
            store.record(flight.process, OpType.INVOKE, flight.asked)
            waiting.append(flight)
            asked += 1
        elif waiting and (chance < 0.7 or not done):
            flight = _take(random, waiting)
            if flight.fate is OpType.OK or (flight.fate is OpType.INFO and random.random() < 0.5):
                flight.answer = store.apply(flight.asked)
            done.append(flight)
        elif done:
            flight = _take(random, done)
            answer = flight.answer if flight.fate is OpType.OK else flight.asked
            store.record(flight.process, flight.fate, answer)
            free.append(fresh if flight.fate is OpType.INFO else flight.process)
            fresh += flight.fate is OpType.INFO
    return store.ops


def _take(random: Random, items: list[ItemT]) -> ItemT:
    return items.pop(int(random.random() * len(items)))


def tamper(random: Random, ops: Sequence[Op], changes: int) -> list[Op]:
    """Return `ops` with the answers of some reads changed, or moved in time."""
    changed = list(ops)
    for _ in range(changes):
        if random.random() < 0.3:
            changed = _moved(random, changed)
            continue
        place = int(random.random() * len(changed))
        op = changed[place]
        if op.type is OpType.OK and isinstance(op.value, list):
            value = [_other_answer(random, step, changed) for step in op.value]
            changed[place] = msgspec.structs.replace(op, value=value)
    return changed


def _other_answer(random: Random, step: object, ops: Sequence[Op]) -> object:
    """Return `step`, or, if it is a read, one with another answer that somebody might give."""
    assert isinstance(step, list)
    f, key, value = step
    if f != "r" or random.random() < 0.5:
        return step
    of_key = [
        (op.type, other[0], other[2])
        for op in ops
        if isinstance(op.value, list)
        for other in op.value
        if other[1] == key
    ]
    answers = [value for kind, name, value in of_key if kind is OpType.OK and name == "r"]
    writes = [value for kind, name, value in of_key if kind is OpType.INVOKE and name != "r"]
    if any(name == "append" for _, name, _ in of_key) or isinstance(value, list):
        return [f, key, _other_list(random, list(value or ()), writes, answers)]
    return [f, key, random.choice([*answers, *writes, None])]


def _other_list(random: Random, held: Json, writes: Json, answers: Json) -> object:
    kind = random.random()
    if kind < 0.4:
        return held[: int(random.random() * (len(held) + 1))]
    if kind < 0.6:
        return [*held, *random.sample(writes, min(1, len(writes)))]
    if kind < 0.7:
        return random.sample(held, len(held))
    return random.choice(answers)


def _moved(random: Random, ops: Sequence[Op]) -> list[Op]:
    """Return `ops` with one operation, call and return, shifted to another place in time."""
    place = int(random.random() * len(ops))
    process = ops[place].process
    own = [op for op in ops if op.process == process]
    others = [op for op in ops if op.process != process]
    cut = int(random.random() * (len(others) + 1))
    joined = [*others[:cut], *own, *others[cut:]]
    return [msgspec.structs.replace(op, index=index, time=index) for index, op in enumerate(joined)]
