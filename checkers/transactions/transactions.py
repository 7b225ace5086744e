"""Transactions as histories hold them: lists of micro-operations, done in order and at once.

`txn` is given and answers a list of `["append", key, element]`, `["w", key, value]` and
`["r", key, value]` (`"write"` and `"read"` are the same); what is read is null until it is
answered. Keys and elements are any JSON values; lists among them become tuples.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from checkers.history import History, Operation, OpType
from checkers.models.model import ModelError, hashable, text
from checkers.transactions.graph import NEVER

TRANSACTION: Final = "txn"

_NAMES: Final = {
    "append": {"append": "append", "r": "r", "read": "r"},
    "w": {"w": "w", "write": "w", "r": "r", "read": "r"},
}

SCALARS: Final = frozenset({str, int})
"""Types of keys and elements that are used as they are; others are made hashable first."""

MicroOp: TypeAlias = tuple[str, Hashable, object]
"""`append`, `r` or `w`; the key; the element or value, of a read what it answered. A plain tuple:
there are hundreds of thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """What happened, or may have, by call; and what did not happen.

    A transaction of unknown outcome is known by what it was asked to write; its reads are None.
    """

    operations: Sequence[Operation]
    micro_ops: Sequence[Sequence[MicroOp]]
    call: Sequence[int]
    ret: Sequence[int]
    """`NEVER` for those of unknown outcome."""
    process: Sequence[int | str]
    failed: Sequence[tuple[Operation, Sequence[MicroOp]]]

    def is_ok(self, number: int) -> bool:
        """Say whether the outcome of a transaction is known."""
        return self.ret[number] < NEVER


def transactions_of(history: History, *, writes: str) -> Transactions:
    """Return the transactions of `history`, which read and write by `writes`: `append` or `w`.

    Raises `ModelError`, naming the op, if one is something else.
    """
    operations: list[Operation] = []
    micro_ops: list[Sequence[MicroOp]] = []
    failed: list[tuple[Operation, Sequence[MicroOp]]] = []
    for operation in history.operations():
        if operation.f != TRANSACTION:
            raise ModelError(
                f"op {operation.call}: {operation.f!r} is no transaction; expected {TRANSACTION!r}"
            )
        outcome = operation.outcome
        is_ok = outcome is OpType.OK
        parsed = _micro_ops(operation, operation.result if is_ok else operation.value, writes)
        if outcome is OpType.FAIL:
            failed.append((operation, parsed))
        else:
            operations.append(operation)
            micro_ops.append(parsed if is_ok else _without_reads(parsed))
    return Transactions(
        operations=operations,
        micro_ops=micro_ops,
        call=[operation.call for operation in operations],
        ret=[NEVER if (ret := operation.ret) is None else ret for operation in operations],
        process=[operation.process for operation in operations],
        failed=failed,
    )


def _micro_ops(operation: Operation, value: object, writes: str) -> list[MicroOp]:
    if type(value) is not list:
        raise ModelError(
            f"op {operation.call}: a transaction is a list of micro-operations, not {text(value)}"
        )
    names = _NAMES[writes]
    parsed: list[MicroOp] = []
    for step in value:
        try:
            f, key, argument = step
            name = names[f]
        except (TypeError, ValueError, KeyError) as error:
            raise ModelError(
                f'op {operation.call}: a micro-operation here is ["r", key, value] or'
                f' ["{writes}", key, value], not {text(step)}'
            ) from error
        parsed.append((name, key if type(key) in SCALARS else hashable(key), argument))
    return parsed


def _without_reads(micro_ops: Sequence[MicroOp]) -> list[MicroOp]:
    return [step for step in micro_ops if step[0] != "r"]


def described(micro_ops: Sequence[MicroOp]) -> str:
    """Return `append x 1, read y -> [2 3]`: a transaction in words, long lists abridged."""
    return ", ".join(map(_step_in_words, micro_ops)) or "nothing"


def _step_in_words(step: MicroOp) -> str:
    f, key, value = step
    if f == "r":
        return f"read {shown(key)} -> {shown(value)}"
    return f"{'append' if f == 'append' else 'write'} {shown(key)} {shown(value)}"


def shown(value: object) -> str:
    """Return a key, an element or a list as a story shows it: the end of a long list only."""
    if isinstance(value, list):
        elements = [shown(element) for element in value]
        if len(elements) > 8:
            elements = [f"... {len(elements) - 6} more ...", *elements[-6:]]
        return f"[{' '.join(elements)}]"
    if isinstance(value, str):
        return value if value.isalnum() else text(value)
    return text(value)
