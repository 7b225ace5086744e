"""Which keys were attached to which leases, when, as far as clients know.

A key is attached to the lease that its last put named, or kept. Only keys whose every change is
known say anything: one put or deletion of unknown outcome, and nobody can tell why the key is gone.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from checkers.history import History, Operation, OpType
from checkers.models.etcd_api import in_interval

NO_LEASE: Final = 0


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """What a key's lease was from a revision on."""

    revision: int
    lease: int
    """`NO_LEASE` also if the key was deleted."""
    call: int
    call_ns: int


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """A key that some operation found, with the lease it had, or did not find."""

    key: str
    lease: int
    revision: int
    """The store's, when it was seen."""
    call_ns: int
    ret_ns: int
    call: int
    how: str


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """A put that left its key on the lease that it had."""

    revision: int
    key: str
    operation: Operation


class _UnknownDeletion(msgspec.Struct, frozen=True, gc=False):
    key: str
    range_end: str | None
    call_ns: int


@dataclass(slots=True)
class KeyHistory:
    """Every key's leases by revision, and what was seen of keys."""

    attachments: dict[str, list[Attachment]] = field(default_factory=dict)
    """By key, by rising revision."""
    present: list[Sighting] = field(default_factory=list)
    absent: list[Sighting] = field(default_factory=list)
    together: list[tuple[Operation, int, dict[str, int]]] = field(default_factory=list)
    """Reads of intervals: the operation, its revision, and the leases of the keys it found."""
    unclear: set[str] = field(default_factory=set)
    """Keys that a put of unknown outcome may have attached elsewhere."""
    unknown_deletions: list[_UnknownDeletion] = field(default_factory=list)
    range_deletions: dict[int, list[tuple[str, str | None]]] = field(default_factory=dict)
    """By revision, the intervals that clients deleted then."""
    kept: list[_Kept] = field(default_factory=list)

    def holder(self, key: str, revision: int, by_ns: int) -> Attachment | None:
        """Return the put to the lease whose end alone explains that `key` was gone at `revision`.

        None if there is none: the key had no lease, or a client deleted it or may have, by a
        request of unknown outcome that was made before `by_ns`.
        """
        last = self.last_attachment(key, revision)
        if last is None or not last.lease or key in self.unclear:
            return None
        deleted = any(
            in_interval(key, first, end)
            for at, intervals in self.range_deletions.items()
            if last.revision < at <= revision
            for first, end in intervals
        )
        if deleted or any(
            unknown.call_ns < by_ns and in_interval(key, unknown.key, unknown.range_end)
            for unknown in self.unknown_deletions
        ):
            return None
        return last

    def last_attachment(self, key: str, revision: int) -> Attachment | None:
        """Return the last known put of `key` up to `revision`; None if there was none."""
        known = self.attachments.get(key, [])
        place = bisect_right(known, revision, key=lambda attachment: attachment.revision)
        return known[place - 1] if place else None


class _Put(msgspec.Struct, gc=False):
    key: str
    lease: int = NO_LEASE
    ignore_lease: bool = False


class _Interval(msgspec.Struct, gc=False):
    key: str
    range_end: str | None = None
    revision: int = 0
    serializable: bool = False
    limit: int = 0


class _Step(msgspec.Struct, gc=False):
    put: _Put | None = None
    delete: _Interval | None = None
    range: _Interval | None = None
    txn: "_Txn | None" = None


class _Txn(msgspec.Struct, gc=False):
    success: tuple[_Step, ...] = ()
    failure: tuple[_Step, ...] = ()


class _Kv(msgspec.Struct, gc=False):
    key: str
    lease: int = NO_LEASE


class _StepAnswer(msgspec.Struct, gc=False):
    txn: "_TxnAnswer | None" = None


class _TxnAnswer(msgspec.Struct, gc=False):
    succeeded: bool
    responses: tuple[_StepAnswer, ...] = ()


class _Answer(msgspec.Struct, gc=False):
    revision: int
    kvs: tuple[_Kv, ...] = ()
    succeeded: bool = False
    responses: tuple[_StepAnswer, ...] = ()


_WRITES: Final = frozenset({"put", "delete", "txn"})
_READS: Final = frozenset({"get", "range"})


def key_history(history: History) -> KeyHistory:
    """Return what `history` tells of keys; raise `msgspec.ValidationError` if it is not etcd's."""
    keys = KeyHistory()
    for operation in history.operations():
        if operation.f in _WRITES and operation.outcome is not OpType.FAIL:
            _read_write(operation, keys)
        elif operation.f in _READS and operation.outcome is OpType.OK:
            _read_read(operation, keys)
    for attachments in keys.attachments.values():
        attachments.sort(key=lambda attachment: attachment.revision)
    for kept in keys.kept:
        _sight_kept(kept, keys)
    return keys


def _sight_kept(kept: _Kept, keys: KeyHistory) -> None:
    """Note that the lease was there whose key a put found and left on it.

    The key was there, so it was on the lease that it was last put with, unless a put of unknown
    outcome came between.
    """
    last = keys.last_attachment(kept.key, kept.revision)
    if last is not None and last.lease and kept.key not in keys.unclear:
        keys.present.append(
            _sighting(kept.operation, kept.key, last.lease, kept.revision, "put, and kept on it")
        )


def _read_write(operation: Operation, keys: KeyHistory) -> None:
    step = msgspec.convert({operation.f: operation.value}, _Step)
    if operation.outcome is OpType.INFO:
        for inner in _every_step(step):
            if inner.put is not None:
                keys.unclear.add(inner.put.key)
            elif inner.delete is not None:
                deletion = inner.delete
                keys.unknown_deletions.append(
                    _UnknownDeletion(deletion.key, deletion.range_end, operation.invoke.time)
                )
        return
    answer = msgspec.convert(operation.result, _Answer)
    for done in _steps_done(step, answer):
        if done.put is not None:
            _attach(operation, answer.revision, done.put, keys)
        elif done.delete is not None:
            interval = (done.delete.key, done.delete.range_end)
            keys.range_deletions.setdefault(answer.revision, []).append(interval)


def _attach(operation: Operation, revision: int, put: _Put, keys: KeyHistory) -> None:
    if put.ignore_lease:
        keys.kept.append(_Kept(revision, put.key, operation))
        return
    attachment = Attachment(revision, put.lease, operation.call, operation.invoke.time)
    keys.attachments.setdefault(put.key, []).append(attachment)
    if put.lease:
        keys.present.append(
            _sighting(operation, put.key, put.lease, revision, "put with the lease")
        )


def _read_read(operation: Operation, keys: KeyHistory) -> None:
    """Take what a read of the latest state found; older and stale ones prove nothing here."""
    request = msgspec.convert(operation.value, _Interval)
    if request.revision or request.serializable:
        return
    answer = msgspec.convert(operation.result, _Answer)
    for kv in answer.kvs:
        if kv.lease:
            keys.present.append(_sighting(operation, kv.key, kv.lease, answer.revision, "read"))
    if not request.range_end and not answer.kvs:
        keys.absent.append(
            _sighting(operation, request.key, NO_LEASE, answer.revision, "not found")
        )
    elif request.range_end and not request.limit:
        found = {kv.key: kv.lease for kv in answer.kvs}
        keys.together.append((operation, answer.revision, found))


def _sighting(operation: Operation, key: str, lease: int, revision: int, how: str) -> Sighting:
    completion = operation.completion
    assert completion is not None, "only what was answered was seen"
    return Sighting(
        key, lease, revision, operation.invoke.time, completion.time, operation.call, how
    )


def _every_step(step: _Step) -> Iterator[_Step]:
    yield step
    if step.txn is not None:
        for inner in (*step.txn.success, *step.txn.failure):
            yield from _every_step(inner)


def _steps_done(step: _Step, answer: _Answer) -> Iterator[_Step]:
    if step.txn is None:
        yield step
    else:
        yield from _steps_done_in(step.txn, _TxnAnswer(answer.succeeded, answer.responses))


def _steps_done_in(txn: _Txn, answer: _TxnAnswer) -> Iterator[_Step]:
    branch = txn.success if answer.succeeded else txn.failure
    for place, step in enumerate(branch):
        inner = answer.responses[place].txn if place < len(answer.responses) else None
        if step.txn is None:
            yield step
        elif inner is not None:
            yield from _steps_done_in(step.txn, inner)
