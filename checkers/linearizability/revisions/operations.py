"""The edge: a kv history parsed into what is known to have happened and what may have."""

from collections.abc import Iterator
from typing import Final

import msgspec

from checkers.history import History, Op, Operation, OpType, Process
from checkers.models.etcd_api import (
    Delete,
    Put,
    Read,
    ReadResult,
    Request,
    Result,
    Txn,
    TxnResult,
    has_effect,
    parse_request,
    parse_response,
    taken_branch,
)


class Known(msgspec.Struct, frozen=True, gc=False):
    """An operation that happened and said so."""

    call: int
    """The moment of its call: the `Op.index` of its invoke, which also names it."""
    ret: int
    """The moment of its return."""
    process: Process
    revision: int
    """The store's revision when it happened; if it wrote, the revision it made."""
    slot: int
    """The revision whose content it saw: an old one, if it asked for that."""
    wrote: bool
    """Whether it took a revision."""
    request: Request
    result: Result


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A write whose outcome nobody knows: it happened at some moment after its call, or never."""

    call: int
    request: Put | Delete | Txn


class Parsed(msgspec.Struct, frozen=True):
    """A history as the checker reads it."""

    known: list[Known]
    unknown: list[Unknown]
    old_reads: list[Known]
    """Reads at old revisions inside txns, as operations of their own: they see another slot."""
    others: list[Operation]
    """What is no request to the key-value API, but tells of revisions: compactions and hashes."""
    refused: list[Operation]
    """Reads that failed as asking for a revision that is compacted, or that does not exist yet."""


COMPACTED: Final = "compacted"
"""The `error` of a read or compaction below the compacted revision."""

FUTURE_REVISION: Final = "future revision"
"""The `error` of a read or compaction above the current revision."""

OTHERS: Final = frozenset({"compact", "hash-kv"})
"""Operations that leave every key, and the revision, as it was, and tell of revisions."""

_SILENT: Final = frozenset({"lease-keep-alive", "lease-time-to-live", "leases"})
"""Operations on leases that write no key."""


class UnreadableOperationError(ValueError):
    """The operation invoked at `call` is not in the shape of a kv history."""

    def __init__(self, call: int, message: str) -> None:
        super().__init__(f"operation {call}: {message}")
        self.call = call


def parse(history: History) -> Parsed:
    """Return the operations of `history`, without those that failed and reads nobody answered.

    Raises `UnreadableOperationError` at the first that is not etcd's.
    """
    parsed = Parsed([], [], [], [], [])
    for operation in history.operations():
        completion = operation.completion
        if operation.f in _SILENT:
            continue
        if operation.f in OTHERS:
            parsed.others.append(operation)
        elif completion is not None and completion.type is OpType.FAIL:
            if completion.error in {COMPACTED, FUTURE_REVISION}:
                parsed.refused.append(operation)
        else:
            try:
                _parse_operation(operation.invoke, completion, parsed)
            except msgspec.ValidationError as error:
                raise UnreadableOperationError(operation.call, str(error)) from error
    return parsed


def _parse_operation(invoke: Op, completion: Op | None, parsed: Parsed) -> None:
    request = parse_request(invoke.f, invoke.value)
    if completion is None or completion.type is not OpType.OK:
        if not isinstance(request, Read):
            parsed.unknown.append(Unknown(invoke.index, request))
        return
    response = parse_response(request, completion.value)
    revision, result = response.revision, response.result
    slot = request.revision if isinstance(request, Read) and request.revision > 0 else revision
    wrote = has_effect(result)
    known = Known(
        invoke.index, completion.index, invoke.process, revision, slot, wrote, request, result
    )
    parsed.known.append(known)
    if isinstance(request, Txn):
        parsed.old_reads.extend(_old_reads(known))


def steps_of(txn: Known) -> Iterator[tuple[Put | Read | Delete, Result]]:
    """Yield what a txn did, each step with its answer."""
    assert isinstance(txn.request, Txn), "only a txn has steps"
    assert isinstance(txn.result, TxnResult), "a txn has the result of a txn"
    yield from zip(taken_branch(txn.request, txn.result), txn.result.responses, strict=True)


def seen_by(txn: Known, step: Read, result: ReadResult, slot: int) -> Known:
    """Return the read `step` of `txn` as an operation of its own, which saw `slot`."""
    before = txn.revision - 1 if txn.wrote else txn.revision
    return Known(
        txn.call, txn.ret, txn.process, before, slot, wrote=False, request=step, result=result
    )


def _old_reads(txn: Known) -> Iterator[Known]:
    for step, result in steps_of(txn):
        if isinstance(step, Read) and isinstance(result, ReadResult) and step.revision > 0:
            yield seen_by(txn, step, result, step.revision)
