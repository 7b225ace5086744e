"""What is known to have happened, and what may have; `parsing` makes it from a history."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from checkers.history import Operation, Process
from checkers.models.etcd_api import (
    Compare,
    Read,
    ReadResult,
    Request,
    Result,
    Simple,
    SimpleResult,
    Txn,
    TxnResult,
    Write,
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
    request: Write
    only_at: int | None = None
    """The one revision that it may have made, if it made any; None if that is not known."""


class Parsed(msgspec.Struct, frozen=True):
    """A history as the checker reads it."""

    known: list[Known]
    unknown: list[Unknown]
    old_reads: list[Known]
    """Reads at old revisions inside txns, as operations of their own: they see another slot."""
    others: list[Operation]
    """What is no request to the key-value API, but tells of revisions: compactions and hashes."""
    refused: list[Operation]
    """Reads and compactions that failed as asking for a revision that is compacted, or that does
    not exist yet."""
    leased: dict[int, list[str]]
    """By lease, the keys, rising, that were put on it, or may have been."""


COMPACTED: Final = "compacted"
"""The `error` of a read or compaction below the compacted revision."""

FUTURE_REVISION: Final = "future revision"
"""The `error` of a read or compaction above the current revision."""

OTHERS: Final = frozenset({"compact", "hash-kv"})
"""Operations that leave every key, and the revision, as it was, and tell of revisions."""


def steps_of(txn: Known) -> Iterator[tuple[Simple, SimpleResult]]:
    """Yield what a txn did, those within it included, each step with its answer."""
    assert isinstance(txn.request, Txn), "only a txn has steps"
    assert isinstance(txn.result, TxnResult), "a txn has the result of a txn"
    return _steps(txn.request, txn.result)


def _steps(request: Txn, result: TxnResult) -> Iterator[tuple[Simple, SimpleResult]]:
    for step, answer in zip(taken_branch(request, result), result.responses, strict=True):
        if isinstance(step, Txn):
            assert isinstance(answer, TxnResult), "parsed together"
            yield from _steps(step, answer)
        else:
            assert not isinstance(answer, TxnResult), "parsed together"
            yield step, answer


def decisions_of(request: Txn, result: TxnResult) -> Iterator[tuple[Sequence[Compare], bool]]:
    """Yield which compares, of the txn and those within it, are said to have held, all or not all.

    All of them look at the store as it was before the txn (etcd compareToPath).
    """
    yield request.compare, result.succeeded
    for step, answer in zip(taken_branch(request, result), result.responses, strict=True):
        if isinstance(step, Txn):
            assert isinstance(answer, TxnResult), "parsed together"
            yield from decisions_of(step, answer)


def steps_in(request: Txn) -> Iterator[Simple]:
    """Yield every step of every branch."""
    for step in (*request.success, *request.failure):
        if isinstance(step, Txn):
            yield from steps_in(step)
        else:
            yield step


def compares_in(request: Txn) -> Iterator[Compare]:
    """Yield every compare, those of txns within it included."""
    yield from request.compare
    for step in (*request.success, *request.failure):
        if isinstance(step, Txn):
            yield from compares_in(step)


def seen_by(txn: Known, step: Read, result: ReadResult, slot: int) -> Known:
    """Return the read `step` of `txn` as an operation of its own, which saw `slot`."""
    before = txn.revision - 1 if txn.wrote else txn.revision
    return Known(
        txn.call, txn.ret, txn.process, before, slot, wrote=False, request=step, result=result
    )
