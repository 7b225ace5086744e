"""Transactions: choose the branches, see that nothing can fail, then carry out (etcd, txn.go).

Every compare, those of nested transactions too, is judged against the state before the
transaction. Operations are then carried out in order, all at one revision; a read sees the writes
before it. An error shows before the first write, so a transaction happens entirely or not at all.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias, assert_never

import msgspec

from nodeimpl.api.errors import COMPACTED, FUTURE_REVISION, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import (
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    ResponseOp,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.mvcc.key_ranges import key_range
from nodeimpl.mvcc.ranges import fill_range
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.writing import (
    Writer,
    begin,
    carry_out_delete_range,
    carry_out_put,
    lease_error,
    previous_error,
)


class Branch(msgspec.Struct, frozen=True):
    """The side of a transaction that its compares chose."""

    succeeded: bool
    steps: "list[Step]"
    """The operations in order; in the place of a nested transaction stands its own branch."""


Operation: TypeAlias = RangeRequest | PutRequest | DeleteRangeRequest
Step: TypeAlias = Operation | Branch


def is_read_only(request: TxnRequest) -> bool:
    """Whether neither branch can write, so that no log entry is needed.

    A nested transaction counts as writing, whatever it holds (as etcd).
    """
    for ops in (request.success[:], request.failure[:]):
        for op in ops:
            if not op.HasField("request_range"):
                return False
    return True


def is_serializable(request: TxnRequest) -> bool:
    """Whether every operation is a serializable range, so that the node need ask nobody."""
    return all(
        op.WhichOneof("request") == "request_range" and op.request_range.serializable
        for ops in (request.success, request.failure)
        for op in ops
    )


def apply_txn(state: StoreState, request: TxnRequest) -> TxnResponse | ApiError:
    """Carry out a transaction that passed validation, or say why it cannot be."""
    branch = choose(state, request)
    error = branch_error(state, branch)
    if error is not None:
        return error
    state.tally.txns += 1
    writer, response = begin(state), TxnResponse()
    _carry_out(writer, branch, response)
    writer.finish()
    response.header.revision = state.revision
    return response


def choose(state: StoreState, request: TxnRequest) -> Branch:
    """Return the branch that the compares choose in the present state."""
    for compare in request.compare[:]:
        if not compare_holds(state, compare):
            return Branch(succeeded=False, steps=_steps(state, request.failure[:]))
    return Branch(succeeded=True, steps=_steps(state, request.success[:]))


def _steps(state: StoreState, ops: Sequence[RequestOp]) -> list[Step]:
    return [_step(state, op) for op in ops]


def _step(state: StoreState, op: RequestOp) -> Step:
    match op.WhichOneof("request"):
        case "request_range":
            return op.request_range
        case "request_put":
            return op.request_put
        case "request_delete_range":
            return op.request_delete_range
        case "request_txn":
            return choose(state, op.request_txn)
        case other:
            raise AssertionError(f"validation let an operation {other!r} through")


def branch_error(state: StoreState, branch: Branch) -> ApiError | None:
    """Return the first error that carrying out the branch would meet; None if there is none.

    All puts are looked at before the first range, those of nested transactions too (etcd,
    txn.go: checkRequests is called for puts, then for ranges).
    """
    steps = list(_flat(branch))
    for kind in (PutRequest, RangeRequest):
        for step in steps:
            error = _step_error(state, step) if isinstance(step, kind) else None
            if error is not None:
                return error
    return None


def _flat(branch: Branch) -> Iterator[Operation]:
    """Yield the operations in order, in the place of a nested branch its own."""
    for step in branch.steps:
        if isinstance(step, Branch):
            yield from _flat(step)
        else:
            yield step


def _step_error(state: StoreState, step: Operation) -> ApiError | None:
    match step:
        case PutRequest():
            return previous_error(state, step) or lease_error(state, step)  # In etcd's order.
        case RangeRequest():
            return _range_error(state, step)
        case DeleteRangeRequest():
            return None
        case _:
            assert_never(step)


def _range_error(state: StoreState, request: RangeRequest) -> ApiError | None:
    """Return why a range in a transaction cannot be read (etcd, txn.go: checkRange).

    It is judged by the revision before the transaction, and only 0 means now: a negative revision,
    which means now elsewhere, is here one that was compacted.
    """
    if request.revision == 0:
        return None
    if request.revision > state.revision:
        return FUTURE_REVISION
    if request.revision < state.compaction.revision:
        return COMPACTED
    return None


def _carry_out(writer: Writer, branch: Branch, response: TxnResponse) -> None:
    """Carry out a branch that has no error, and fill its empty response, all but the revision."""
    response.header.SetInParent()  # It stays empty in a nested answer (as etcd).
    response.succeeded = branch.succeeded
    for step in branch.steps:
        _carry_out_step(writer, step, response.responses.add())


def _carry_out_step(writer: Writer, step: Step, response: ResponseOp) -> None:
    match step:
        case PutRequest():
            carry_out_put(writer, step, response.response_put)
        case RangeRequest():
            fill_range(writer.state, step, writer.present, response.response_range)
        case DeleteRangeRequest():
            carry_out_delete_range(writer, step, response.response_delete_range)
        case Branch():
            _carry_out(writer, step, response.response_txn)
        case _:
            assert_never(step)


def compare_holds(state: StoreState, compare: Compare) -> bool:
    """Whether the condition holds for its key, or for every key of its range.

    A key that does not exist has version, revisions and lease 0, but no value: no condition on
    its value holds, not even NOT_EQUAL (etcd, txn.go: applyCompare). So too a range without keys.
    """
    if not compare.range_end:
        found = state.index.find(compare.key, state.revision)
        if found is not None:
            return _relation_holds(compare, KeyValue.FromString(state.record(found)))
        return _holds_for_nothing(compare)
    keys = key_range(compare.key, compare.range_end)
    matches = [found for _, found in state.index.scan(keys, state.revision)]
    if not matches:
        return _holds_for_nothing(compare)
    return all(
        _relation_holds(compare, KeyValue.FromString(state.record(found))) for found in matches
    )


def _holds_for_nothing(compare: Compare) -> bool:
    return compare.target != Compare.VALUE and _relation_holds(compare, KeyValue())


def _relation_holds(compare: Compare, kv: KeyValue) -> bool:
    order = _order(compare, kv)
    match compare.result:
        case Compare.EQUAL:
            return order == 0
        case Compare.NOT_EQUAL:
            return order != 0
        case Compare.GREATER:
            return order > 0
        case Compare.LESS:
            return order < 0
        case _:
            return True  # A relation nobody has named holds always (as etcd).


def _order(compare: Compare, kv: KeyValue) -> int:
    """Return how the key's side compares to the other: negative, 0 or positive.

    What the request leaves out is 0 or empty, and so is a target nobody has named (as etcd).
    """
    match compare.target:
        case Compare.VALUE:
            return (kv.value > compare.value) - (kv.value < compare.value)
        case Compare.MOD:
            return kv.mod_revision - compare.mod_revision
        case Compare.VERSION:
            return kv.version - compare.version
        case Compare.CREATE:
            return kv.create_revision - compare.create_revision
        case Compare.LEASE:
            return kv.lease - compare.lease
        case _:
            return 0
