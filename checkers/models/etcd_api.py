"""The words of a kv history: etcd's key-value requests and responses, parsed and typed.

The shapes are those of docs/HISTORY_FORMAT.md: what an invoke of `put`, `get`, `range`, `delete`
or `txn` carries, and what its `ok` completion answers. Field names are etcd's (`etcdserverpb`,
`mvccpb`). What is parsed here is trusted everywhere else.
"""

import enum
from typing import Final, TypeAlias

import msgspec

UNBOUNDED: Final = "\0"
"""The `range_end` that means every key from `key` on (etcd RangeRequest)."""


class KeyValue(msgspec.Struct, frozen=True, gc=False):
    """One key as the store holds it (etcd mvccpb.KeyValue)."""

    key: str
    value: str
    create_revision: int
    """The revision that created the key, since its last deletion."""
    mod_revision: int
    """The revision that last wrote it."""
    version: int
    """How often it was written since its creation, that write included."""


class Put(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Write one key. Always takes a revision, even if the value stays the same."""

    key: str
    value: str


class Read(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Read one key (`get`), or all in an interval (`range`), now or at an old revision."""

    key: str
    range_end: str | None = None
    """None or empty: `key` alone; `UNBOUNDED`: from `key` on; else up to here, exclusive."""
    limit: int = 0
    """Return so many keys at most; 0 for all."""
    revision: int = 0
    """Read the store as of then; 0 for now."""
    serializable: bool = False
    """Any node may answer from what it has: the answer may be old, but never wrong."""


class Delete(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Delete one key, or all in an interval. Takes a revision only if it deletes something."""

    key: str
    range_end: str | None = None


class Target(enum.StrEnum):
    """Which part of a key a compare looks at."""

    VALUE = "value"
    VERSION = "version"
    CREATE = "create"
    MOD = "mod"


class Relation(enum.StrEnum):
    """How a compare's two sides must relate for it to hold."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    GREATER = ">"


class Compare(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A condition of a txn: the key's `target`, in `result` relation to `value`.

    `value` is a string exactly if `target` is `VALUE`.
    """

    key: str
    target: Target
    result: Relation
    value: str | int

    def __post_init__(self) -> None:
        if isinstance(self.value, str) is not (self.target is Target.VALUE):
            raise ValueError(f"compare of {self.target} with {self.value!r}: wrong type")


Step: TypeAlias = Put | Read | Delete
"""What a txn's branch is made of."""


class Txn(msgspec.Struct, frozen=True, gc=False):
    """If every compare holds, do `success`, otherwise `failure`, all in one revision."""

    compare: tuple[Compare, ...]
    success: tuple[Step, ...]
    failure: tuple[Step, ...]


Request: TypeAlias = Put | Read | Delete | Txn


class PutResult(msgspec.Struct, frozen=True, gc=False):
    """A put says nothing beyond that it happened."""


class ReadResult(msgspec.Struct, frozen=True, gc=False):
    """What a read found."""

    kvs: tuple[KeyValue, ...]
    """By rising key; the first `limit` of them, if there was a limit."""
    count: int
    """How many there are, beyond any limit."""
    more: bool = False
    """True if the limit left some out."""


class DeleteResult(msgspec.Struct, frozen=True, gc=False):
    """How many keys there were to delete."""

    deleted: int


class TxnResult(msgspec.Struct, frozen=True, gc=False):
    """The branch that was taken, and what each of its steps answered."""

    succeeded: bool
    responses: "tuple[StepResult, ...]"


StepResult: TypeAlias = PutResult | ReadResult | DeleteResult
Result: TypeAlias = PutResult | ReadResult | DeleteResult | TxnResult


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer: the store's revision when it was given (the header's), and the result."""

    revision: int
    result: Result


def parse_request(f: str, value: object) -> Request:
    """Return the request that an invoke of `f` carries.

    Raises `msgspec.ValidationError` if it is none: an unknown `f` or field, a wrong type. Options
    we do not know are refused rather than overlooked, for they may change what is right.
    """
    match f:
        case "put":
            return msgspec.convert(value, Put)
        case "get" | "range":
            return msgspec.convert(value, Read)
        case "delete":
            return msgspec.convert(value, Delete)
        case "txn":
            wire = msgspec.convert(value, _TxnRequestWire)
            return Txn(
                compare=wire.compare,
                success=tuple(map(_step, wire.success)),
                failure=tuple(map(_step, wire.failure)),
            )
        case _:
            raise msgspec.ValidationError(f"{f!r} is not an operation of etcd's key-value API")


def parse_response(request: Request, value: object) -> Response:
    """Return the response that the `ok` completion of `request` carries.

    Raises `msgspec.ValidationError` if it is none, or not one to such a request.
    """
    result: Result
    match request:
        case Put():
            revision = msgspec.convert(value, _PutWire).revision
            result = _PUT_RESULT
        case Read():
            read = msgspec.convert(value, _ReadWire)
            revision = read.revision
            result = _read_result(read)
        case Delete():
            delete = msgspec.convert(value, _DeleteWire)
            revision = delete.revision
            result = DeleteResult(delete.deleted)
        case _:
            txn = msgspec.convert(value, _TxnResponseWire)
            revision = txn.revision
            result = _txn_result(request, txn)
    return Response(revision, result)


def in_interval(key: str, first: str, range_end: str | None) -> bool:
    """Return whether `key` is one that a request for `first` and `range_end` concerns."""
    if not range_end:
        return key == first
    return key >= first and (range_end == UNBOUNDED or key < range_end)


def in_words(kv: KeyValue) -> str:
    """Return `kv` for a human."""
    return (
        f"{kv.key} = {kv.value!r} (create_revision {kv.create_revision},"
        f" mod_revision {kv.mod_revision}, version {kv.version})"
    )


def taken_branch(request: Txn, result: TxnResult) -> tuple[Step, ...]:
    """Return the branch that the answer says was taken."""
    return request.success if result.succeeded else request.failure


def has_effect(result: Result) -> bool:
    """Return whether who got this answer took a revision: whether anything was written."""
    match result:
        case PutResult():
            return True
        case ReadResult():
            return False
        case DeleteResult():
            return result.deleted > 0
        case TxnResult():
            return any(map(has_effect, result.responses))


_PUT_RESULT: Final = PutResult()


class _StepWire(msgspec.Struct, forbid_unknown_fields=True):
    """A step as it is written: exactly one of the three."""

    put: Put | None = None
    range: Read | None = None
    delete: Delete | None = None


class _TxnRequestWire(msgspec.Struct, forbid_unknown_fields=True):
    compare: tuple[Compare, ...] = ()
    success: tuple[_StepWire, ...] = ()
    failure: tuple[_StepWire, ...] = ()


class _PutWire(msgspec.Struct):
    revision: int


class _RangeWire(msgspec.Struct):
    kvs: tuple[KeyValue, ...]
    count: int
    more: bool | None = None
    """None where it was not recorded: then it follows from the count."""


class _ReadWire(msgspec.Struct):
    revision: int
    kvs: tuple[KeyValue, ...]
    count: int
    more: bool | None = None


class _DeleteWire(msgspec.Struct):
    revision: int
    deleted: int


class _StepResultWire(msgspec.Struct):
    put: PutResult | None = None
    range: _RangeWire | None = None
    delete: DeleteResult | None = None


class _TxnResponseWire(msgspec.Struct):
    revision: int
    succeeded: bool
    responses: tuple[_StepResultWire, ...]


def _step(wire: _StepWire) -> Step:
    steps = [step for step in (wire.put, wire.range, wire.delete) if step is not None]
    if len(steps) != 1:
        raise msgspec.ValidationError("a step of a txn is exactly one of put, range, delete")
    return steps[0]


def _read_result(wire: _ReadWire | _RangeWire) -> ReadResult:
    more = wire.more if wire.more is not None else len(wire.kvs) < wire.count
    return ReadResult(wire.kvs, wire.count, more)


def _step_result(wire: _StepResultWire) -> StepResult:
    read = None if wire.range is None else _read_result(wire.range)
    results = [result for result in (wire.put, read, wire.delete) if result is not None]
    if len(results) != 1:
        raise msgspec.ValidationError("an answer in a txn is exactly one of put, range, delete")
    return results[0]


def _txn_result(request: Txn, wire: _TxnResponseWire) -> TxnResult:
    """Return the answer; raise unless each step of the taken branch has an answer of its kind."""
    result = TxnResult(wire.succeeded, tuple(map(_step_result, wire.responses)))
    kinds = {Put: PutResult, Read: ReadResult, Delete: DeleteResult}
    expected = [kinds[type(step)] for step in taken_branch(request, result)]
    if [type(answer) for answer in result.responses] != expected:
        raise msgspec.ValidationError("the answers of a txn do not fit the branch it says it took")
    return result
