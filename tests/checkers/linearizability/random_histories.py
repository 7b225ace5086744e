"""Random histories of a correct store, and the same with answers tampered with.

`Kind` says what operations there are; `record` lets concurrent processes run them against one
state, each taking effect at some moment between call and return; `tamper` then changes an answer
or two, so that about a third of the histories become wrong.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from random import Random
from typing import Generic, Protocol

from checkers.linearizability.interval import Interval
from checkers.models.cas_register import Cas, CasMismatch, CasRegister, RegisterOperation
from checkers.models.kv import Append, Get, Kv, KvOperation, Put
from checkers.models.model import Model, OperationT, Pure, StateT
from checkers.models.multi_register import MultiRegister, Registers, Txn, TxnStep
from checkers.models.mutex import Holding, Mutex, MutexOperation, OwnerMutex, OwnerStep
from checkers.models.queue import (
    Bag,
    Dequeue,
    Enqueue,
    FifoQueue,
    FoundEmpty,
    QueueOperation,
    UnorderedQueue,
    Waiting,
)
from checkers.models.register import Held, Read, Write
from checkers.models.set import Add, Elements, ElementSet, ReadAll, Remove, SetOperation


class Kind(Protocol[StateT, OperationT]):
    """One kind of data, and clients that use it."""

    @property
    def model(self) -> Model[StateT, OperationT]:
        """What the store promises."""

    def draw(self, random: Random, state: StateT, number: int) -> OperationT:
        """Return an operation with its true answer in `state`; `number` is never given twice."""

    def tampered(self, random: Random, operation: OperationT) -> OperationT:
        """Return `operation` with another answer, or as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a history is."""

    operations: int
    processes: int
    crash_rate: float


@dataclass(slots=True)
class _InFlight(Generic[OperationT]):
    call: int
    operation: OperationT | None = None


def record(
    random: Random, kind: Kind[StateT, OperationT], sizes: Sizes
) -> list[Interval[OperationT]]:
    """Return a history that has an order: the one in which its operations took effect."""
    model = kind.model
    state, moment, begun = model.initial, 0, 0
    in_flight: list[_InFlight[OperationT]] = []
    done: list[Interval[OperationT]] = []
    while begun < sizes.operations or in_flight:
        moment += 1
        one = random.choice(in_flight) if in_flight else None
        may_begin = begun < sizes.operations and len(in_flight) < sizes.processes
        if one is None or (may_begin and random.random() < 0.4):
            in_flight.append(_InFlight(moment))
            begun += 1
        elif one.operation is not None:
            in_flight.remove(one)
            done.append(Interval(one.operation, one.call, moment, one.call))
        else:
            operation = kind.draw(random, state, moment)
            crashes = random.random() < sizes.crash_rate and not is_pure(model, operation)
            if not crashes or random.random() < 0.5:
                after = model.step(state, operation)
                assert after is not None, "a true answer is legal"
                state = after
            one.operation = operation
            if crashes:
                in_flight.remove(one)
                done.append(Interval(operation, one.call, None, one.call))
    return sorted(done, key=lambda interval: interval.call)


def tamper(
    random: Random, kind: Kind[StateT, OperationT], history: list[Interval[OperationT]]
) -> list[Interval[OperationT]]:
    """Return `history` with up to two answers changed."""
    changed = list(history)
    for _ in range(random.choice([0, 1, 1, 2])):
        place = random.randrange(len(changed))
        operation = kind.tampered(random, changed[place].operation)
        changed[place] = changed[place]._replace(operation=operation)
    return changed


def small(random: Random) -> Sizes:
    """Return sizes that brute force can still judge."""
    return Sizes(
        operations=random.randrange(1, 12),
        processes=random.randrange(2, 7),
        crash_rate=random.choice([0, 0.1, 0.3, 0.6]),
    )


def is_pure(model: Model[StateT, OperationT], operation: OperationT) -> bool:
    """Return whether `operation` never changes the state."""
    return isinstance(model, Pure) and model.pure(operation)


@dataclass(frozen=True, slots=True)
class FewValues:
    """A register with compare-and-set and few values, so that they are written again and again."""

    values: int = 3
    model = CasRegister()

    def draw(self, random: Random, state: Held, number: int) -> RegisterOperation:
        """Read, write, or compare and set."""
        del number
        a, b = random.randrange(self.values), random.randrange(self.values)
        match random.choice("rrrwwcc"):
            case "r":
                return Read(state[0])
            case "w":
                return Write(a)
            case _ if state == (a,):
                return Cas(a, b)
            case _:
                return CasMismatch(a)

    def tampered(self, random: Random, operation: RegisterOperation) -> RegisterOperation:
        """Change what was read, or whether a comparison held."""
        match operation:
            case Read():
                return Read(random.choice([None, *range(self.values)]))
            case Write():
                return operation
            case Cas(expected, _):
                return CasMismatch(expected)
            case CasMismatch(expected):
                return Cas(expected, random.randrange(self.values))


@dataclass(frozen=True, slots=True)
class UniqueValues:
    """A register in which no value is written twice."""

    model = CasRegister()

    def draw(self, random: Random, state: Held, number: int) -> RegisterOperation:
        """Read, write a new value, or set the present value to a new one."""
        match random.choice("rrrwwc"):
            case "r":
                return Read(state[0])
            case "w":
                return Write(number)
            case _:
                return Cas(state[0], number)

    def tampered(self, random: Random, operation: RegisterOperation) -> RegisterOperation:
        """Change what was read or compared, to a value not far away."""
        match operation:
            case Read(int(value)):
                return Read(value + random.randrange(-8, 9))
            case Cas(int(expected), new):
                return Cas(expected + random.randrange(-8, 9), new)
            case _:
                return operation


@dataclass(frozen=True, slots=True)
class Strings:
    """A string with append; words are short, so that different orders can look the same."""

    model = Kv()

    def draw(self, random: Random, state: str, number: int) -> KvOperation:
        """Get, put or append."""
        del number
        match random.choice("gggppaa"):
            case "g":
                return Get(state)
            case "p":
                return Put(random.choice(["", "a", "b", "ab"]))
            case _:
                return Append(random.choice("ab"))

    def tampered(self, random: Random, operation: KvOperation) -> KvOperation:
        """Change what was got."""
        match operation:
            case Get(value):
                return Get(random.choice(["", "a", "b", value + "a", value[:-1], value[::-1]]))
            case _:
                return operation


@dataclass(frozen=True, slots=True)
class Locks:
    """A lock; clients always do what is possible."""

    model = Mutex()

    def draw(self, random: Random, state: bool, number: int) -> MutexOperation:  # noqa: FBT001 - the state
        """Acquire if free, release if held."""
        del random, number
        return "release" if state else "acquire"

    def tampered(self, random: Random, operation: MutexOperation) -> MutexOperation:
        """Do either."""
        return random.choice(["acquire", "release", operation])


@dataclass(frozen=True, slots=True)
class Transactions:
    """Two registers, read and written together."""

    model = MultiRegister()

    def draw(self, random: Random, state: Registers, number: int) -> Txn:
        """Read or write one register or both."""
        del number
        held, steps = dict(state), list[TxnStep]()
        for key in random.choice(["x", "y", "xy"]):
            if random.random() < 0.5:
                steps.append(("read", key, held.get(key)))
            else:
                held[key] = random.randrange(2)
                steps.append(("write", key, held[key]))
        return tuple(steps)

    def tampered(self, random: Random, operation: Txn) -> Txn:
        """Change what was read."""
        return tuple(
            (f, key, random.choice([None, 0, 1]) if f == "read" else value)
            for f, key, value in operation
        )


@dataclass(frozen=True, slots=True)
class Sets:
    """A set of few elements."""

    model = ElementSet()

    def draw(self, random: Random, state: Elements, number: int) -> SetOperation:
        """Read, add or remove."""
        del number
        element: Hashable = random.randrange(3)
        match random.choice("rraaar"):
            case "r":
                return ReadAll(state)
            case _ if random.random() < 0.6:
                return Add(element)
            case _:
                return Remove(element)

    def tampered(self, random: Random, operation: SetOperation) -> SetOperation:
        """Change what was read by one element."""
        match operation:
            case ReadAll(elements):
                return ReadAll(elements ^ {random.randrange(3)})
            case _:
                return operation


@dataclass(frozen=True, slots=True)
class OwnedLocks:
    """A reentrant lock that knows its owner; clients do what is possible."""

    model = OwnerMutex(reentrant=True)

    def draw(self, random: Random, state: Holding, number: int) -> OwnerStep:
        """Acquire if free; if held, do what only the owner can."""
        del number
        owner, count = state
        if not count:
            return OwnerStep("acquire", random.randrange(2))
        return OwnerStep("acquire" if random.random() < 0.3 else "release", owner)

    def tampered(self, random: Random, operation: OwnerStep) -> OwnerStep:
        """Let somebody do it."""
        return OwnerStep(operation.f, random.randrange(2))


@dataclass(frozen=True, slots=True)
class FifoQueues:
    """A queue of few values."""

    model = FifoQueue()

    def draw(self, random: Random, state: Waiting, number: int) -> QueueOperation:
        """Put in or take out."""
        del number
        if random.random() < 0.5:
            return Enqueue(random.randrange(3))
        return Dequeue(state[0]) if state else FoundEmpty()

    def tampered(self, random: Random, operation: QueueOperation) -> QueueOperation:
        """Take out something else."""
        if isinstance(operation, Enqueue):
            return operation
        return FoundEmpty() if random.random() < 0.5 else Dequeue(random.randrange(3))


@dataclass(frozen=True, slots=True)
class UnorderedQueues:
    """A queue of few values, in any order."""

    model = UnorderedQueue()

    def draw(self, random: Random, state: Bag, number: int) -> QueueOperation:
        """Put in or take out."""
        del number
        values = sorted((value for value, _ in state[0]), key=repr)
        if random.random() < 0.5:
            return Enqueue(random.randrange(3))
        return Dequeue(random.choice(values)) if values else FoundEmpty()

    def tampered(self, random: Random, operation: QueueOperation) -> QueueOperation:
        """Take out something else."""
        return FifoQueues().tampered(random, operation)
