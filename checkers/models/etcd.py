"""etcd's key-value store as a sequential specification, small enough to check against etcd's docs.

The state keeps every revision, because reads may ask for old ones. Nothing here is fast; it is the
judge of the judges: `checkers/linearizability/revisions` must agree with it on every small history,
and shares no code with it but the names of the messages.

Semantics (etcd KV API reference; `server/etcdserver/txn`, `server/storage/mvcc`):

- An empty store has revision 1. A request that writes anything takes the next revision, all its
  writes share it; a request that writes nothing leaves the revision alone.
- A put sets `mod_revision`, counts `version` up, and keeps `create_revision` unless the key was
  absent, in which case the key is created: `create_revision` is this one, `version` is 1.
- A delete of an absent key is no write. The next put creates the key anew.
- In a txn, steps see what earlier steps of it wrote. A compare with the value of an absent key
  never holds; the other targets of an absent key are 0. All compares, those of txns within it
  included, look at the store before the first step (compareToPath).
- A range is filtered, then sorted, then cut; `count` is of all there are. Of equal keys the lower
  comes first, or last if they descend; etcd leaves that open.
- A put hangs its key on the lease it names, or on none. With a lease go all keys that hang on it.
- A put may keep the key's value, or its lease, or both. A request that holds one for a key that was
  absent before it is refused as a whole (etcd ErrKeyNotFound).
"""

from typing import Final, TypeAlias, TypeVar, assert_never

import msgspec

from checkers.models.etcd_api import (
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Order,
    Put,
    PutResult,
    Read,
    ReadResult,
    Relation,
    Request,
    Response,
    Result,
    Revoke,
    RevokeResult,
    Selection,
    Simple,
    SimpleResult,
    StepResult,
    Target,
    Txn,
    TxnResult,
    has_effect,
    in_interval,
)

Comparable = TypeVar("Comparable", str, int)
Keys: TypeAlias = tuple[KeyValue, ...]
"""What the store holds at one revision, by rising key."""


class State(msgspec.Struct, frozen=True):
    """The store at every revision so far: `revisions[r - 1]` is what it held at revision `r`."""

    revisions: tuple[Keys, ...]

    @property
    def revision(self) -> int:
        """The current revision."""
        return len(self.revisions)

    @property
    def keys(self) -> Keys:
        """What the store holds now."""
        return self.revisions[-1]


EMPTY: Final = State(revisions=((),))
"""A store that was never written."""


class FutureRevisionError(Exception):
    """A read asked for a revision that does not exist yet (etcd ErrFutureRev)."""


class KeyNotFoundError(Exception):
    """A put was to keep what an absent key holds (etcd ErrKeyNotFound)."""


def step(state: State, request: Request) -> tuple[State, Response]:
    """Return the store after `request`, and what it answers.

    Raises `FutureRevisionError` and `KeyNotFoundError` as etcd refuses such requests. A
    serializable read is answered as a linearizable one would be: by a node that has everything.
    """
    next_revision = state.revision + 1
    keys, result = _execute(state, state.keys, request, next_revision)
    # Not only whether `keys` differ: a txn may delete what it put, and end where it began.
    if has_effect(result) or keys != state.keys:
        state = State(revisions=(*state.revisions, keys))
    return state, Response(state.revision, result)


def accepts(state: State, request: Request, response: Response) -> State | None:
    """Return the store after `request` if it may answer `response`; None if it may not.

    A serializable read may be answered by a node that lags: as of any revision up to now.
    """
    try:
        if isinstance(request, Read) and request.serializable:
            lagging = State(revisions=state.revisions[: max(response.revision, 1)])
            return state if step(lagging, request)[1] == response else None
        after, expected = step(state, request)
    except (FutureRevisionError, KeyNotFoundError):
        return None
    return after if expected == response else None


def _execute(state: State, keys: Keys, request: Request, revision: int) -> tuple[Keys, Result]:
    match request:
        case Put() | Read() | Delete():
            return _execute_step(state, keys, request, revision)
        case Txn():
            return _execute_txn(state, keys, request, revision)
        case Revoke(lease):
            return tuple(kv for kv in keys if kv.lease != lease), RevokeResult()
        case _:
            assert_never(request)


def _execute_txn(state: State, keys: Keys, txn: Txn, revision: int) -> tuple[Keys, TxnResult]:
    succeeded = all(_holds(state.keys, compare) for compare in txn.compare)
    responses: list[StepResult] = []
    for each in txn.success if succeeded else txn.failure:
        result: StepResult
        if isinstance(each, Txn):
            keys, result = _execute_txn(state, keys, each, revision)
        else:
            keys, result = _execute_step(state, keys, each, revision)
        responses.append(result)
    return keys, TxnResult(succeeded, tuple(responses))


def _execute_step(
    state: State, keys: Keys, request: Simple, revision: int
) -> tuple[Keys, SimpleResult]:
    match request:
        case Put():
            if request.keeps and _find(state.keys, request.key) is None:
                raise KeyNotFoundError
            prev = _find(keys, request.key) if request.prev_kv else None
            return _put(keys, request, revision), PutResult(prev)
        case Read():
            if request.revision > state.revision:
                raise FutureRevisionError
            seen = state.revisions[request.revision - 1] if request.revision > 0 else keys
            return keys, _read(seen, request)
        case Delete(key, range_end):
            rest = tuple(kv for kv in keys if not in_interval(kv.key, key, range_end))
            gone = tuple(kv for kv in keys if kv not in rest)
            answer = DeleteResult(len(gone), gone if request.prev_kv else ())
            return rest if gone else keys, answer
        case _:
            assert_never(request)


def _put(keys: Keys, put: Put, revision: int) -> Keys:
    key, value, lease = put.key, put.value, put.lease
    old = _find(keys, key)
    if old is not None:
        value = old.value if put.ignore_value else value
        lease = old.lease if put.ignore_lease else lease
    if old is None:
        new = KeyValue(key, value, revision, revision, version=1, lease=lease)
    else:
        new = KeyValue(key, value, old.create_revision, revision, old.version + 1, lease)
    others = [kv for kv in keys if kv.key != key]
    return tuple(sorted([*others, new], key=lambda kv: kv.key))


def _read(keys: Keys, request: Read) -> ReadResult:
    found = [kv for kv in keys if in_interval(kv.key, request.key, request.range_end)]
    count = len(found)
    if request.selection is not None:
        if request.selection.count_only:
            return ReadResult((), count, more=False)
        found = _select(found, request.limit, request.selection)
    shown = found[: request.limit] if request.limit > 0 else found
    return ReadResult(tuple(shown), count, more=len(shown) < len(found))


def _select(found: list[KeyValue], limit: int, selection: Selection) -> list[KeyValue]:
    """Return what the selection leaves of `found`, in its order, not yet cut to `limit`."""
    if selection.sort_order is Order.NONE and limit > 0 and not selection.is_bounded:
        found = found[: limit + 1]  # only so many are looked at
    found = [kv for kv in found if selection.within_bounds(kv)]
    target = selection.sort_target
    if target is Target.VALUE:
        found.sort(key=lambda kv: kv.value)
    elif target is not Target.KEY:
        found.sort(key=lambda kv: _number(kv, target))
    if selection.sort_order is Order.DESCEND:
        found.reverse()
    if selection.keys_only:
        found = [msgspec.structs.replace(kv, value="") for kv in found]
    return found


def _holds(keys: Keys, compare: Compare) -> bool:
    found = [kv for kv in keys if in_interval(kv.key, compare.key, compare.range_end)]
    if not found:
        return _holds_of(None, compare)
    return all(_holds_of(kv, compare) for kv in found)


def _holds_of(kv: KeyValue | None, compare: Compare) -> bool:
    if compare.target is Target.VALUE:
        return kv is not None and _related(kv.value, compare.result, str(compare.value))
    return _related(_number(kv, compare.target), compare.result, int(compare.value))


def _number(kv: KeyValue | None, target: Target) -> int:
    if kv is None:
        return 0
    match target:
        case Target.VERSION:
            return kv.version
        case Target.CREATE:
            return kv.create_revision
        case Target.MOD:
            return kv.mod_revision
        case Target.LEASE:
            return kv.lease
        case Target.VALUE | Target.KEY:
            raise AssertionError(f"a {target} is no number")
        case _:
            assert_never(target)


def _related(left: Comparable, relation: Relation, right: Comparable) -> bool:
    """Return whether `left` relates so to `right`; strings by code point, as UTF-8 bytes do."""
    match relation:
        case Relation.EQUAL:
            return left == right
        case Relation.NOT_EQUAL:
            return left != right
        case Relation.LESS:
            return left < right
        case Relation.GREATER:
            return left > right
        case _:
            assert_never(relation)


def _find(keys: Keys, key: str) -> KeyValue | None:
    return next((kv for kv in keys if kv.key == key), None)
