"""What a history says about writes: which revision wrote what, and what may have been written.

A history holds more than watchers need, and options that do not concern them; so this reads what
it needs of each operation (docs/HISTORY_FORMAT.md, "kv") and no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from checkers.history import History, Operation, OpType
from checkers.watch_history import EventKind


class UnreadableWriteError(ValueError):
    """An operation is not in the shape of a kv history."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """One key that a write changed, as far as its answer tells."""

    kind: EventKind
    key: str
    value: str | None
    """Empty if it was deleted; None if it kept the value that the key had."""
    call: int
    """The operation that did it, by the moment of its call."""


class RangeDelete(msgspec.Struct, frozen=True, gc=False):
    """A deletion of an interval: how many keys it took is known, but not which."""

    key: str
    range_end: str
    deleted: int
    call: int


class Compaction(msgspec.Struct, frozen=True, gc=False):
    """A request to compact that may have happened."""

    revision: int
    asked_ns: int
    done_ns: int | None
    """When it was answered; None if its outcome is unknown."""
    node: str | None


@dataclass(slots=True)
class Writes:
    """What all clients together wrote."""

    changes: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    """By revision, what an `ok` operation changed there, its range deletions left out."""
    range_deletes: dict[int, tuple[RangeDelete, ...]] = field(default_factory=dict)
    """By revision, the range deletions of an `ok` operation."""
    possible: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """Keys and values that an operation of unknown outcome may have put, and its call; the value
    None if it kept what the key had."""
    failed: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """The same of operations that did not happen."""
    keys: set[str] = field(default_factory=set)
    """Every key that some operation put, or would have."""
    compactions: list[Compaction] = field(default_factory=list)


class _Put(msgspec.Struct, gc=False):
    key: str
    value: str
    ignore_value: bool = False


class _Delete(msgspec.Struct, gc=False):
    key: str
    range_end: str | None = None


class _Range(msgspec.Struct, gc=False):
    pass


class _Step(msgspec.Struct, gc=False):
    put: _Put | None = None
    delete: _Delete | None = None
    range: _Range | None = None
    txn: "_Txn | None" = None


class _Txn(msgspec.Struct, gc=False):
    success: tuple[_Step, ...] = ()
    failure: tuple[_Step, ...] = ()


class _Deleted(msgspec.Struct, gc=False):
    deleted: int


class _StepAnswer(msgspec.Struct, gc=False):
    delete: _Deleted | None = None
    txn: "_TxnAnswer | None" = None


class _TxnAnswer(msgspec.Struct, gc=False):
    succeeded: bool
    responses: tuple[_StepAnswer, ...] = ()


class _Answer(msgspec.Struct, gc=False):
    revision: int
    deleted: int = 0
    succeeded: bool = False
    responses: tuple[_StepAnswer, ...] = ()


class _Compact(msgspec.Struct, gc=False):
    revision: int


_Done: TypeAlias = tuple[_Step, _Deleted | None]
_WRITING: Final = frozenset({"put", "delete", "txn"})


def writes_of(history: History) -> Writes:
    """Return the writes and compactions of `history`; other operations are passed over.

    Raises `UnreadableWriteError` at the first that is not etcd's.
    """
    writes = Writes()
    for operation in history.operations():
        try:
            if operation.f in _WRITING:
                _read_write(operation, writes)
            elif operation.f == "compact" and operation.outcome is not OpType.FAIL:
                _read_compaction(operation, writes)
        except msgspec.ValidationError as error:
            raise UnreadableWriteError(f"operation {operation.call}: {error}") from error
    return writes


def _read_compaction(operation: Operation, writes: Writes) -> None:
    done = operation.completion if operation.outcome is OpType.OK else None
    writes.compactions.append(
        Compaction(
            msgspec.convert(operation.value, _Compact).revision,
            operation.invoke.time,
            None if done is None else done.time,
            operation.invoke.node,
        )
    )


def _read_write(operation: Operation, writes: Writes) -> None:
    step = msgspec.convert({operation.f: operation.value}, _Step)
    outcome, call = operation.outcome, operation.call
    if outcome is OpType.OK:
        _read_answer(step, msgspec.convert(operation.result, _Answer), call, writes)
        return
    contents = writes.possible if outcome is OpType.INFO else writes.failed
    for put in _puts(step):
        writes.keys.add(put.key)
        contents[put.key, _value(put)] = call


def _read_answer(step: _Step, answer: _Answer, call: int, writes: Writes) -> None:
    changes: list[Change] = []
    deletions: list[RangeDelete] = []
    for done, result in _done(step, answer):
        if done.put is not None:
            changes.append(Change(EventKind.PUT, done.put.key, _value(done.put), call))
            writes.keys.add(done.put.key)
        elif done.delete is not None and result is not None and result.deleted:
            key, end = done.delete.key, done.delete.range_end
            if end:
                deletions.append(RangeDelete(key, end, result.deleted, call))
            else:
                changes.append(Change(EventKind.DELETE, key, "", call))
    revision = answer.revision
    if changes:
        writes.changes[revision] = writes.changes.get(revision, ()) + tuple(changes)
    if deletions:
        known = writes.range_deletes.get(revision, ())
        writes.range_deletes[revision] = known + tuple(deletions)


def _value(put: _Put) -> str | None:
    return None if put.ignore_value else put.value


def _puts(step: _Step) -> Iterator[_Put]:
    """Yield every put in `step`, of both branches."""
    if step.put is not None:
        yield step.put
    if step.txn is not None:
        for inner in (*step.txn.success, *step.txn.failure):
            yield from _puts(inner)


def _done(step: _Step, answer: _Answer) -> Iterator[_Done]:
    """Yield the puts and deletions that were carried out, each with its answer."""
    if step.txn is None:
        yield step, _Deleted(answer.deleted)
    else:
        yield from _done_in(step.txn, _TxnAnswer(answer.succeeded, answer.responses))


def _done_in(txn: _Txn, answer: _TxnAnswer) -> Iterator[_Done]:
    branch = txn.success if answer.succeeded else txn.failure
    if len(branch) != len(answer.responses):
        raise msgspec.ValidationError("the answers of a txn do not fit the branch it took")
    for step, inner in zip(branch, answer.responses, strict=True):
        if step.txn is None:
            yield step, inner.delete
        elif inner.txn is not None:
            yield from _done_in(step.txn, inner.txn)
