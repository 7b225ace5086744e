"""The words of a kv history: etcd's key-value requests and responses, parsed and typed.

The shapes are those of docs/HISTORY_FORMAT.md: what an invoke of `put`, `get`, `range`, `delete`,
`txn` or `lease-revoke` carries, and what its `ok` completion answers. Field names are etcd's
(`etcdserverpb`, `mvccpb`). What is parsed here is trusted everywhere else.
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
    lease: int = 0
    """The lease it hangs on; 0 for none."""


class Put(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Write one key. Always takes a revision, even if the value stays the same."""

    key: str
    value: str
    lease: int = 0
    """The lease that the key hangs on from now on; 0 for none."""
    prev_kv: bool = False
    """Whether to answer what the key held before."""
    ignore_value: bool = False
    """Keep the value that the key has; `value` is empty. Refused if there is no such key."""
    ignore_lease: bool = False
    """Keep the lease that the key hangs on; `lease` is 0. Refused if there is no such key."""

    def __post_init__(self) -> None:
        if (self.ignore_value and self.value) or (self.ignore_lease and self.lease):
            raise ValueError("a put names what it says to ignore")  # etcd: value, lease provided

    @property
    def keeps(self) -> bool:
        """Return whether it keeps a part of what the key held, and so needs the key to be there."""
        return self.ignore_value or self.ignore_lease


class Order(enum.StrEnum):
    """How a range is sorted (etcd RangeRequest.SortOrder)."""

    NONE = "none"
    ASCEND = "ascend"
    DESCEND = "descend"


class Target(enum.StrEnum):
    """Which part of a key a compare or a sort looks at; `key` for sorts, `lease` for compares."""

    KEY = "key"
    VALUE = "value"
    VERSION = "version"
    CREATE = "create"
    MOD = "mod"
    LEASE = "lease"


class Selection(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a read shows of the keys it finds, and in which order (etcd RangeRequest)."""

    sort_order: Order = Order.NONE
    """With none, a target other than the key sorts ascending, after the limit."""
    sort_target: Target = Target.KEY
    keys_only: bool = False
    """Leave values out."""
    count_only: bool = False
    """Only count."""
    min_mod_revision: int = 0
    """Leave out keys written before; 0 for no bound, and so are the others."""
    max_mod_revision: int = 0
    min_create_revision: int = 0
    max_create_revision: int = 0

    @property
    def is_bounded(self) -> bool:
        """Return whether keys are left out by their revisions."""
        return any(
            (
                self.min_mod_revision,
                self.max_mod_revision,
                self.min_create_revision,
                self.max_create_revision,
            )
        )

    def within_bounds(self, kv: KeyValue) -> bool:
        """Return whether the bounds, which are inclusive, let `kv` through."""
        return (
            self.min_mod_revision <= kv.mod_revision
            and self.min_create_revision <= kv.create_revision
            and (not self.max_mod_revision or kv.mod_revision <= self.max_mod_revision)
            and (not self.max_create_revision or kv.create_revision <= self.max_create_revision)
        )


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
    selection: Selection | None = None
    """None: show all, whole, by rising key."""


class Delete(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Delete one key, or all in an interval. Takes a revision only if it deletes something."""

    key: str
    range_end: str | None = None
    prev_kv: bool = False
    """Whether to answer what the keys held before."""


class Relation(enum.StrEnum):
    """How a compare's two sides must relate for it to hold."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    GREATER = ">"


class Compare(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A condition of a txn: the key's `target`, in `result` relation to `value`.

    `value` is a string exactly if `target` is `VALUE`. With `range_end`, every key in the interval
    must be so; if there is none, an absent key must (etcd applyCompare).
    """

    key: str
    target: Target
    result: Relation
    value: str | int
    range_end: str | None = None

    def __post_init__(self) -> None:
        if self.target is Target.KEY:
            raise ValueError("a compare cannot look at the key itself")
        if isinstance(self.value, str) is not (self.target is Target.VALUE):
            raise ValueError(f"compare of {self.target} with {self.value!r}: wrong type")


class Txn(msgspec.Struct, frozen=True, gc=False):
    """If every compare holds, do `success`, otherwise `failure`, all in one revision.

    The compares of txns within it, too, look at the store as it was before anything was done.
    """

    compare: tuple[Compare, ...]
    success: "tuple[Step, ...]"
    failure: "tuple[Step, ...]"


class Revoke(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """End a lease: all keys that hang on it are deleted, in one revision, if there are any."""

    id: int


Simple: TypeAlias = Put | Read | Delete
"""A step without steps of its own."""
Step: TypeAlias = Simple | Txn
"""What a txn's branch is made of."""
Write: TypeAlias = Put | Delete | Txn | Revoke
"""What may take a revision."""
Request: TypeAlias = Put | Read | Delete | Txn | Revoke


class PutResult(msgspec.Struct, frozen=True, gc=False):
    """A put says nothing beyond that it happened, unless asked."""

    prev_kv: KeyValue | None = None
    """What the key held before; None if nothing, or if that was not asked for."""


class ReadResult(msgspec.Struct, frozen=True, gc=False):
    """What a read found."""

    kvs: tuple[KeyValue, ...]
    """By rising key, or as the request asked; the first `limit` of them, if there was a limit."""
    count: int
    """How many there are, beyond any limit."""
    more: bool = False
    """True if the limit left some out."""


class DeleteResult(msgspec.Struct, frozen=True, gc=False):
    """How many keys there were to delete."""

    deleted: int
    prev_kvs: tuple[KeyValue, ...] = ()
    """What they held, by rising key, if that was asked for."""


class RevokeResult(msgspec.Struct, frozen=True, gc=False):
    """The lease is gone; whether keys went with it is not said."""


class TxnResult(msgspec.Struct, frozen=True, gc=False):
    """The branch that was taken, and what each of its steps answered."""

    succeeded: bool
    responses: "tuple[StepResult, ...]"


SimpleResult: TypeAlias = PutResult | ReadResult | DeleteResult
StepResult: TypeAlias = SimpleResult | TxnResult
Result: TypeAlias = StepResult | RevokeResult


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
            return _read(value)
        case "delete":
            return msgspec.convert(value, Delete)
        case "txn":
            return _txn(msgspec.convert(value, _TxnRequestWire))
        case "lease-revoke":
            return msgspec.convert(value, Revoke)
        case _:
            raise msgspec.ValidationError(f"{f!r} is not an operation of etcd's key-value API")


def parse_response(request: Request, value: object) -> Response:
    """Return the response that the `ok` completion of `request` carries.

    Raises `msgspec.ValidationError` if it is none, or not one to such a request.
    """
    result: Result
    match request:
        case Put():
            put = msgspec.convert(value, _PutWire)
            revision = put.revision
            result = _PUT_RESULT if put.prev_kv is None else PutResult(put.prev_kv)
        case Read():
            read = msgspec.convert(value, _ReadWire)
            revision = read.revision
            result = _read_result(request, read)
        case Delete():
            delete = msgspec.convert(value, _DeleteWire)
            revision = delete.revision
            result = DeleteResult(delete.deleted, delete.prev_kvs)
        case Revoke():
            revision = msgspec.convert(value, _RevokeWire).revision
            result = RevokeResult()
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
    lease = f", lease {kv.lease}" if kv.lease else ""
    return (
        f"{kv.key} = {kv.value!r} (create_revision {kv.create_revision},"
        f" mod_revision {kv.mod_revision}, version {kv.version}{lease})"
    )


def taken_branch(request: Txn, result: TxnResult) -> tuple[Step, ...]:
    """Return the branch that the answer says was taken."""
    return request.success if result.succeeded else request.failure


def has_effect(result: Result) -> bool:
    """Return whether who got this answer surely took a revision: whether anything was written.

    The answer to a revocation does not tell.
    """
    match result:
        case PutResult():
            return True
        case ReadResult() | RevokeResult():
            return False
        case DeleteResult():
            return result.deleted > 0
        case TxnResult():
            return any(map(has_effect, result.responses))


_PUT_RESULT: Final = PutResult()


_MISFIT: Final = "the answers of a txn do not fit the branch it says it took"
_PLAIN_READ: Final = frozenset({"key", "range_end", "limit", "revision", "serializable"})


class _SelectiveReadWire(Selection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read with its selection, as it is written: side by side."""

    key: str
    range_end: str | None = None
    limit: int = 0
    revision: int = 0
    serializable: bool = False


class _StepWire(msgspec.Struct, forbid_unknown_fields=True):
    """A step as it is written: exactly one of the four."""

    put: Put | None = None
    range: object = None
    delete: Delete | None = None
    txn: "_TxnRequestWire | None" = None


class _TxnRequestWire(msgspec.Struct, forbid_unknown_fields=True):
    compare: tuple[Compare, ...] = ()
    success: tuple[_StepWire, ...] = ()
    failure: tuple[_StepWire, ...] = ()


class _PutWire(msgspec.Struct):
    revision: int
    prev_kv: KeyValue | None = None


class _RevokeWire(msgspec.Struct):
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
    prev_kvs: tuple[KeyValue, ...] = ()


class _StepResultWire(msgspec.Struct):
    put: PutResult | None = None
    range: _RangeWire | None = None
    delete: DeleteResult | None = None
    txn: "_TxnResultWire | None" = None


class _TxnResultWire(msgspec.Struct):
    succeeded: bool
    responses: tuple[_StepResultWire, ...]


class _TxnResponseWire(msgspec.Struct):
    revision: int
    succeeded: bool
    responses: tuple[_StepResultWire, ...]


def _read(value: object) -> Read:
    if isinstance(value, dict) and value.keys() <= _PLAIN_READ:  # nearly all
        return msgspec.convert(value, Read)
    wire = msgspec.convert(value, _SelectiveReadWire)
    if wire.sort_target is Target.LEASE:
        raise msgspec.ValidationError("a range cannot be sorted by lease")
    selection = Selection(
        sort_order=wire.sort_order,
        sort_target=wire.sort_target,
        keys_only=wire.keys_only,
        count_only=wire.count_only,
        min_mod_revision=wire.min_mod_revision,
        max_mod_revision=wire.max_mod_revision,
        min_create_revision=wire.min_create_revision,
        max_create_revision=wire.max_create_revision,
    )
    return Read(
        wire.key,
        wire.range_end,
        wire.limit,
        wire.revision,
        wire.serializable,
        None if selection == Selection() else selection,
    )


def _txn(wire: _TxnRequestWire) -> Txn:
    return Txn(
        compare=wire.compare,
        success=tuple(map(_step, wire.success)),
        failure=tuple(map(_step, wire.failure)),
    )


def _step(wire: _StepWire) -> Step:
    read = None if wire.range is None else _read(wire.range)
    inner = None if wire.txn is None else _txn(wire.txn)
    steps = [step for step in (wire.put, read, wire.delete, inner) if step is not None]
    if len(steps) != 1:
        raise msgspec.ValidationError("a step of a txn is exactly one of put, range, delete, txn")
    return steps[0]


def _read_result(request: Read, wire: _ReadWire | _RangeWire) -> ReadResult:
    more = wire.more
    if more is None:
        if request.selection is not None and request.limit > 0:
            raise msgspec.ValidationError("whether there is more does not follow from the count")
        more = request.selection is None and len(wire.kvs) < wire.count
    return ReadResult(wire.kvs, wire.count, more)


def _step_result(step: Step, wire: _StepResultWire) -> StepResult:
    """Return the answer to `step`; raise unless it is one of its kind, and no other."""
    given = [each for each in (wire.put, wire.range, wire.delete, wire.txn) if each is not None]
    match step, given:
        case Put(), [PutResult() as put]:
            return put
        case Read(), [_RangeWire() as read]:
            return _read_result(step, read)
        case Delete(), [DeleteResult() as delete]:
            return delete
        case Txn(), [_TxnResultWire() as txn]:
            return _txn_result(step, txn)
        case _:
            raise msgspec.ValidationError(_MISFIT)


def _txn_result(request: Txn, wire: _TxnResponseWire | _TxnResultWire) -> TxnResult:
    """Return the answer; raise unless each step of the taken branch has an answer of its kind."""
    branch = request.success if wire.succeeded else request.failure
    if len(branch) != len(wire.responses):
        raise msgspec.ValidationError(_MISFIT)
    return TxnResult(wire.succeeded, tuple(map(_step_result, branch, wire.responses)))
