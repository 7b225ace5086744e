"""A linearization: an order of the operations that explains everything clients saw.

Of histories with revisions the order is the revisions'; `quorate` has checked that it is one. Of
registers it is searched for again, key by key, by Wing & Gong's depth-first search with a memory of
what was tried (Lowe 2017), since the checker keeps none.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.history import Operation, OpType
from checkers.linearizability.interval import intervals
from checkers.linearizability.order import order_of_all
from checkers.linearizability.split import split
from checkers.models.cas_register import CasRegister
from harness.report.recorded import Recorded
from harness.report.wording import answered, asked, revision_of

STEPS_MAX: Final = 100_000
"""Of all searches together."""

OPERATIONS_MAX: Final = 20_000
"""In longer histories of registers no order is searched for."""

SHOWN_MAX: Final = 2_000
"""Operations that are written out."""

_REGISTER: Final = "register"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order, by key where keys are objects of their own."""

    words: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]


def order_of(run: Recorded) -> Order | None:
    """Return an order for a run that is VALID; None if its workload is not about one."""
    if run.plan.workload.name == _REGISTER:
        is_short = len(run.history.operations()) <= OPERATIONS_MAX
        return _register_order(run) if is_short else None
    by_revision = [
        (revision, operation)
        for operation in run.history.operations()
        if (revision := revision_of(operation)) is not None
    ]
    return _revision_order(by_revision) if by_revision else None


def _revision_order(found: Sequence[tuple[int, Operation]]) -> Order:
    ordered = sorted(found, key=_by_revision)
    shown = [f"{revision}: {asked(operation)}" for revision, operation in ordered[:SHOWN_MAX]]
    left_out = len(ordered) - len(shown)
    more = f" The first {SHOWN_MAX} are shown." if left_out else ""
    return Order(
        words=f"The revisions order the {len(ordered):,} operations that were answered: at each "
        f"revision first what wrote it, then what saw it.{more}",
        parts=(("by revision", tuple(shown)),),
    )


def _by_revision(found: tuple[int, Operation]) -> tuple[int, bool, int]:
    revision, operation = found
    is_read = operation.f in ("get", "range", "leases", "lease-time-to-live", "hash-kv")
    return revision, is_read, operation.call


def _register_order(run: Recorded) -> Order | None:
    steps = STEPS_MAX
    model = CasRegister()
    parts: list[tuple[str, tuple[str, ...]]] = []
    count = shown = 0
    for part in split(run.history.operations(), model):
        found = order_of_all(intervals(part.operations, model), model, steps_max=steps)
        if found is None:
            return None
        steps -= found.steps
        count += len(found.order)
        by_call = {operation.call: operation for operation in part.operations}
        words = [_words(by_call[call]) for call in found.order][: max(0, SHOWN_MAX - shown)]
        shown += len(words)
        if words:
            parts.append((f"key {part.key}", tuple(words)))
    more = f" The first {SHOWN_MAX:,} are shown." if count > shown else ""
    return Order(
        words=f"Of each key one order of its operations that a single register could have carried "
        f"out, {count:,} in all.{more}",
        parts=tuple(parts),
    )


def _words(operation: Operation) -> str:
    if operation.outcome is OpType.OK and operation.f == "read":
        return f"read {answered(operation)}"
    return asked(operation) if operation.outcome is OpType.OK else f"{asked(operation)} (refused)"
