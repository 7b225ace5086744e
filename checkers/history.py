"""What every client saw: operations, in the order in which the recorder saw them.

An operation in flight is two `Op`s of one process: an `invoke`, then its completion. A process
that never learns the outcome of its operation completes with `info` and is never used again.

`History` is where raw `Op`s become trustworthy: whoever holds one need not check again that every
completion has its invoke, or that time runs forwards. docs/HISTORY_FORMAT.md states the rules, and
what each workload puts into `Op.value`.
"""

import enum
from collections.abc import Iterable, Iterator
from typing import Final, Never, TypeAlias, final

import msgspec

NEMESIS: Final = "nemesis"
"""The process under which faults are recorded; its ops are always `info`."""

CAS_MISMATCH: Final = "compare failed"
"""The `error` of a failed `cas` that was carried out and found another value.

Such an operation is a read: at some moment between call and return the register did not hold the
expected value. A `cas` that failed for any other reason did not happen and proves nothing.
"""

Process: TypeAlias = int | str
"""A number for a client's logical thread; a name for whoever else speaks, as the nemesis does."""


class OpType(enum.StrEnum):
    """What an `Op` says about its operation."""

    INVOKE = "invoke"
    """Asked."""
    OK = "ok"
    """It happened."""
    FAIL = "fail"
    """It did not and will not happen."""
    INFO = "info"
    """Cannot know; or a note that belongs to no operation."""


class Op(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One line of a history (docs/HISTORY_FORMAT.md).

    The garbage collector does not look at it: its value is what JSON can say, without circles.
    """

    index: int
    """Its place in the history, from 0."""
    time: int
    """Nanoseconds from the start of the trial, by the recorder's one monotonic clock."""
    process: Process
    type: OpType
    f: str
    """What was asked: `read`, `write`, `cas`, `put`, ... as the workload defines."""
    key: str | None = None
    """The key, where an operation concerns exactly one; None otherwise."""
    value: object = None
    """Arguments (invoke) or result (completion), as the workload defines."""
    node: str | None = None
    """The node that was asked."""
    error: str | None = None
    """Why the operation failed or its outcome is unknown."""


class HistoryError(ValueError):
    """These ops are not a history.

    `index` is the `Op.index` at which it shows, and the message says what was expected there.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(f"op {index}: {message}")
        self.index = index
        self.message = message


class Operation(msgspec.Struct, frozen=True, gc=False):
    """An invoke and what became of it.

    Moments are places in the history (`Op.index`), not times: the recorder writes what it sees in
    the order in which it sees it, so they order even what its clock could not tell apart.
    """

    invoke: Op
    completion: Op | None
    """None when the history ends with the operation still in flight."""

    @property
    def call(self) -> int:
        """The moment it was asked; it took effect later than this."""
        return self.invoke.index

    @property
    def ret(self) -> int | None:
        """The moment it answered; None if unknown, for then it may take effect at any later time.

        A failed operation has returned, although it never takes effect.
        """
        completion = self.completion
        return None if completion is None or completion.type is OpType.INFO else completion.index

    @property
    def outcome(self) -> OpType:
        """`OK`, `FAIL` or `INFO`; an operation still in flight is `INFO`."""
        return OpType.INFO if self.completion is None else self.completion.type

    @property
    def process(self) -> Process:
        """Who asked."""
        return self.invoke.process

    @property
    def f(self) -> str:
        """What was asked."""
        return self.invoke.f

    @property
    def key(self) -> str | None:
        """The one key it concerns; None if it concerns none or several."""
        return self.invoke.key

    @property
    def value(self) -> object:
        """Its arguments."""
        return self.invoke.value

    @property
    def result(self) -> object:
        """What it answered; None unless it is `OK`, and where the answer carries nothing."""
        completion = self.completion
        return completion.value if completion and completion.type is OpType.OK else None

    @property
    def error(self) -> str | None:
        """Why it failed or its outcome is unknown; None if it is `OK` or nobody said."""
        return None if self.completion is None else self.completion.error


@final
class History:
    """A well-formed sequence of ops; immutable.

    `HistoryError` is raised unless

    - indices strictly rise and times never fall (a file's own indices also have no gaps; a part
      of a history, as `by_key` makes, keeps the indices of the whole);
    - a process has one operation in flight at most, and completes it with the same `f` and `key`;
    - every completion has its invoke, except that an `info` of a *named* process with nothing in
      flight is a note;
    - a process whose operation ended with `info` is never used again;
    - the nemesis says nothing but `info`.
    """

    __slots__ = ("_operations", "ops")

    def __init__(self, ops: Iterable[Op]) -> None:
        self.ops: Final[tuple[Op, ...]] = tuple(ops)
        _check_order(self.ops)
        self._operations: Final[tuple[Operation, ...]] = _pair(self.ops)

    def __len__(self) -> int:
        return len(self.ops)

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def operations(self) -> tuple[Operation, ...]:
        """Return all operations of clients, in the order of their calls."""
        return self._operations

    def client_ops(self) -> tuple[Op, ...]:
        """Return the ops of every process but the nemesis."""
        return tuple(op for op in self.ops if op.process != NEMESIS)

    def nemesis_ops(self) -> tuple[Op, ...]:
        """Return what the nemesis noted."""
        return tuple(op for op in self.ops if op.process == NEMESIS)

    def by_key(self) -> dict[str | None, "History"]:
        """Return one history per key, in the order in which keys first appear.

        An operation belongs to the key of its invoke; those without a key are under None. Ops
        keep their indices, so evidence found in a part points into the whole. The nemesis and
        notes belong to no key and are left out.
        """
        parts: dict[str | None, list[Op]] = {}
        for operation in self._operations:
            part = parts.setdefault(operation.key, [])
            part.append(operation.invoke)
            if operation.completion is not None:
                part.append(operation.completion)
        return {key: History(sorted(part, key=_index)) for key, part in parts.items()}


def _index(op: Op) -> int:
    return op.index


def _check_order(ops: tuple[Op, ...]) -> None:
    index, time = -1, 0
    for op in ops:
        if op.index <= index:
            raise HistoryError(
                op.index, f"its index follows index {index}; expected at least {index + 1}"
            )
        if op.time < time:
            raise HistoryError(
                op.index, f"time goes back to {op.time} ns; expected at least {time} ns"
            )
        index, time = op.index, op.time


def _pair(ops: tuple[Op, ...]) -> tuple[Operation, ...]:
    """Return the operations in `ops` by call, or raise `HistoryError`."""
    invokes: list[Op] = []
    completions: list[Op | None] = []
    in_flight: dict[Process, int] = {}
    retired: set[Process] = set()
    for op in ops:
        process = op.process
        if process == NEMESIS:
            _check_nemesis(op)
        elif op.type is OpType.INVOKE:
            if process in in_flight or process in retired:
                _refuse_invoke(op, in_flight, invokes)
            in_flight[process] = len(invokes)
            invokes.append(op)
            completions.append(None)
        elif (place := in_flight.pop(process, None)) is not None:
            _check_completion(op, invokes[place])
            completions[place] = op
            if op.type is OpType.INFO:
                retired.add(process)
        elif op.type is not OpType.INFO or not isinstance(process, str):
            raise HistoryError(
                op.index,
                f"process {process} completes {op.f!r} with {op.type!s}, but has nothing in flight;"
                " expected an invoke before it",
            )
    return tuple(map(Operation, invokes, completions))


def _check_nemesis(op: Op) -> None:
    if op.type is not OpType.INFO:
        raise HistoryError(
            op.index, f"the nemesis writes type {op.type!s}; expected info, always and only"
        )


def _check_completion(op: Op, invoke: Op) -> None:
    if op.f != invoke.f:
        raise HistoryError(
            op.index,
            f"process {op.process} completes {op.f!r}; expected {invoke.f!r},"
            f" which it invoked at op {invoke.index}",
        )
    if op.key != invoke.key:
        raise HistoryError(
            op.index,
            f"process {op.process} completes {op.f!r} of key {op.key!r}; expected key"
            f" {invoke.key!r}, as invoked at op {invoke.index}",
        )


def _refuse_invoke(op: Op, in_flight: dict[Process, int], invokes: list[Op]) -> Never:
    if (place := in_flight.get(op.process)) is not None:
        earlier = invokes[place]
        raise HistoryError(
            op.index,
            f"process {op.process} invokes {op.f!r} while its {earlier.f!r} of op {earlier.index}"
            " is in flight; expected its completion first",
        )
    raise HistoryError(
        op.index,
        f"process {op.process} invokes {op.f!r} after an operation of unknown outcome (info);"
        " expected a new process in its place",
    )
