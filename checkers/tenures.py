"""Who held what, when: locks and elections, as clients tell of them (docs/HISTORY_FORMAT.md).

A *tenure* is one holding of a lock, or one leadership, from `acquire` or `campaign` on. Its `token`
is the create_revision of the key that stands for it: later tenures have higher ones, which is what
lets a store refuse a former holder (fencing). Every answer that shows whose tenure it was at some
revision is a *sighting*.
"""

from collections.abc import Iterator

import msgspec

from checkers.history import History, Operation, OpType


class UnreadableTenureError(ValueError):
    """An operation is not in the shape of docs/HISTORY_FORMAT.md, "Locks", "Elections"."""


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """At `revision`, the tenure of `token` was in force."""

    name: str
    """Of the lock or election."""
    token: int
    revision: int
    operation: Operation
    words: str


class Tenure(msgspec.Struct, frozen=True, gc=False):
    """One holding of a lock, from who got it."""

    lock: str
    key: str
    token: int
    revision: int
    """The store's when it was granted: nobody before it holds the lock any more."""
    granted: Operation
    release: Operation | None
    """None if the holder never asked to release it."""
    last_call: int
    """The last moment at which the holder surely still thought so: when it asked for the release,
    or for its last operation under the lock."""


class Write(msgspec.Struct, frozen=True, gc=False):
    """A write under a lock that took effect."""

    lock: str
    token: int
    revision: int
    guarded: bool
    """Whether it would have failed had the token not been in force."""
    operation: Operation


class _LockRequest(msgspec.Struct, gc=False):
    lock: str
    key: str = ""
    token: int = 0


class _Granted(msgspec.Struct, gc=False):
    revision: int
    key: str
    token: int


class _Revision(msgspec.Struct, gc=False):
    revision: int


def tenures_of(history: History) -> list[Tenure]:
    """Return every lock's tenures, in the order of the calls that got them.

    Those of unknown outcome are left out: nobody thinks to hold what was not answered.
    """
    try:
        return list(_tenures(history))
    except msgspec.ValidationError as error:
        raise UnreadableTenureError(str(error)) from error


def _tenures(history: History) -> Iterator[Tenure]:
    by_process: dict[object, list[Operation]] = {}
    for operation in history.operations():
        by_process.setdefault(operation.process, []).append(operation)
    found = []
    for operations in by_process.values():
        for place, operation in enumerate(operations):
            if operation.f == "acquire" and operation.outcome is OpType.OK:
                found.append(_tenure(operation, operations[place + 1 :]))
    yield from sorted(found, key=lambda tenure: tenure.granted.call)


def _tenure(granted: Operation, later: list[Operation]) -> Tenure:
    lock = msgspec.convert(granted.value, _LockRequest).lock
    answer = msgspec.convert(granted.result, _Granted)
    assert granted.ret is not None, "it was answered"
    release: Operation | None = None
    last_call = granted.ret
    for operation in later:
        if operation.f == "acquire":
            break
        if operation.f in {"release", "guarded", "unguarded"}:
            last_call = operation.call
        if operation.f == "release":
            release = operation
            break
    return Tenure(lock, answer.key, answer.token, answer.revision, granted, release, last_call)


def writes_under_locks(history: History) -> list[Write]:
    """Return the writes under locks that took effect, by rising revision."""
    writes = []
    try:
        for operation in history.operations():
            if operation.f in {"guarded", "unguarded"} and operation.outcome is OpType.OK:
                request = msgspec.convert(operation.value, _LockRequest)
                revision = msgspec.convert(operation.result, _Revision).revision
                guarded = operation.f == "guarded"
                writes.append(Write(request.lock, request.token, revision, guarded, operation))
    except msgspec.ValidationError as error:
        raise UnreadableTenureError(str(error)) from error
    return sorted(writes, key=lambda write: write.revision)


def revision_of(operation: Operation) -> int:
    """Return the header's revision of an `ok` answer."""
    try:
        return msgspec.convert(operation.result, _Revision).revision
    except msgspec.ValidationError as error:
        raise UnreadableTenureError(str(error)) from error


def in_words(operation: Operation) -> str:
    """Return who did what, for people."""
    return f"process {operation.process}'s {operation.f} (op {operation.call})"


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One promise about tenures, broken once."""

    kind: str
    story: str
    operations: tuple[Operation, ...]
    """At least one that shows it."""
