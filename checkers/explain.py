"""From a conviction to a page a human believes, and the same for programs.

What the page says, in this order: which few operations cannot go together; a drawing of when they
were in flight; the one whose answer cannot be explained; what the others could have left behind,
each possibility with an order of operations that leads to it; and, for values read, what became of
the writes of that value. The possibilities come from a search that shares nothing with the one
that convicted (`witness`), so the page is also a second opinion.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic

from checkers.history import Operation
from checkers.linearizability.core import Core, find_core
from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.linearizability.sweep import Outcome
from checkers.linearizability.witness import Attempt, try_all
from checkers.models.cas_register import Cas
from checkers.models.model import Described, Model, OperationT, Pure, StateT, text
from checkers.models.register import Read, Write
from checkers.timeline import Span, draw
from checkers.verdict import Answer, Evidence

_STEPS_MAX: Final = 2_000_000
"""What finding the core may cost, counting a step for each operation in each attempt."""

_WITNESS_OPERATIONS_MAX: Final = 24
_WITNESS_STEPS_MAX: Final = 50_000

_ORDER_MAX: Final = 6
"""How many operations of an order are named: its last."""

_LINES_MAX: Final = 12
"""How many operations, and how many possibilities, are spelt out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Generic[StateT, OperationT]):
    """What was judged, and how."""

    model: Model[StateT, OperationT]
    key: Hashable
    """The object judged; None if the history has but one."""
    operations: Sequence[Operation]
    """All on that object, by call."""
    intervals: Sequence[Interval[OperationT]]
    """What the model makes of them."""
    outcome: Outcome
    """The conviction."""


def explain(case: Case[StateT, OperationT]) -> Evidence:
    """Return the evidence for `case`, whose outcome is `INVALID`.

    Facts: `key`; `dies`, the index of the operation that cannot be explained; `required`,
    `optional` and `supporting` as in `Core`, by index; `states`, what the others could have left
    behind: each a `state` in words and an `order` of indices that leads there. `states` is absent
    if there are too many operations.
    """
    core = _core(case)
    page = _Page(case, core, _attempts(case, core))
    return Evidence(
        operations=tuple(interval.invoke for interval in core.required),
        story="\n".join(page.lines()),
        facts=page.facts(),
    )


def _core(case: Case[StateT, OperationT]) -> Core[OperationT]:
    model = case.model
    steps = _STEPS_MAX

    def judge(intervals: Sequence[Interval[OperationT]]) -> Answer:
        nonlocal steps
        steps -= len(intervals)
        if steps <= 0:
            return Answer.UNKNOWN
        outcome = decide(intervals, model, steps_max=steps)
        steps -= outcome.steps
        return outcome.answer

    def is_pure(operation: OperationT) -> bool:
        return isinstance(model, Pure) and model.pure(operation)

    return find_core(case.intervals, case.outcome, is_pure=is_pure, judge=judge)


def _attempts(
    case: Case[StateT, OperationT], core: Core[OperationT]
) -> tuple[Attempt[StateT], ...] | None:
    """Return what the core could have left behind before its last return; None if too large."""
    intervals = (*core.required, *core.optional, *core.supporting)
    if len(intervals) > _WITNESS_OPERATIONS_MAX:
        return None
    search = try_all(intervals, case.model, steps_max=_WITNESS_STEPS_MAX)
    if search is None:
        return None
    assert search.order is None, "two searches that share nothing must agree on the core"
    return search.attempts


class _Page(Generic[StateT, OperationT]):
    """Everything that is said about one conviction."""

    __slots__ = ("_attempts", "_case", "_core", "_operation_at", "_shown", "_support")

    def __init__(
        self,
        case: Case[StateT, OperationT],
        core: Core[OperationT],
        attempts: tuple[Attempt[StateT], ...] | None,
    ) -> None:
        self._case: Final = case
        self._core: Final = core
        self._attempts: Final = attempts
        self._operation_at: Final[Mapping[int, Operation]] = {
            operation.call: operation for operation in case.operations
        }
        self._shown: Final = (*core.required, *core.optional, *core.supporting)
        self._support: Final = frozenset(interval.invoke for interval in core.supporting)

    def facts(self) -> dict[str, object]:
        """Return the page for programs; see `explain`."""
        core = self._core
        facts: dict[str, object] = {
            "key": None if self._case.key is None else str(self._case.key),
            "dies": core.dying.invoke,
            "required": [interval.invoke for interval in core.required],
            "optional": [interval.invoke for interval in core.optional],
            "supporting": [interval.invoke for interval in core.supporting],
        }
        if self._attempts is not None:
            facts["states"] = [
                {
                    "state": self._describe_state(attempt.state),
                    "order": [self._shown[place].invoke for place in attempt.order],
                }
                for attempt in self._attempts
            ]
        return facts

    def lines(self) -> Iterator[str]:
        """Yield the page, line by line."""
        core, case = self._core, self._case
        where = "" if case.key is None else f" on key {case.key!s}"
        count = len(self._shown)
        yield (
            f"Of {len(case.intervals)} operations{where}, "
            + ("this one is" if count == 1 else f"these {count} are")
            + " enough to show that no order is possible:"
        )
        yield from self._operations()
        yield ""
        yield self._timeline()
        yield ""
        yield f"{self._name(core.dying)} cannot be explained:"
        yield from self._possibilities()
        yield from _fate_of_writes(case, core, self._name)

    def _operations(self) -> Iterator[str]:
        shown = sorted(self._shown, key=_invoke)
        if len(shown) > _LINES_MAX:
            yield f"  ... {len(shown) - _LINES_MAX} earlier ones ..."
        for interval in shown[-_LINES_MAX:]:
            operation = self._operation_at[interval.invoke]
            if operation.ret is None:
                when = f"from op {interval.invoke}, outcome unknown"
            else:
                when = f"ops {interval.invoke} to {operation.ret}"
            if interval.invoke in self._support:
                when += "; it does not matter when"
            yield f"  process {operation.process}: {self._describe(interval)} ({when})"

    def _timeline(self) -> str:
        spans = []
        for interval in self._shown:
            operation = self._operation_at[interval.invoke]
            spans.append(
                Span(
                    process=f"process {operation.process}",
                    label=self._describe(interval),
                    call=operation.call,
                    ret=operation.ret,
                    short=f"op {operation.call}",
                )
            )
        return draw(spans)

    def _possibilities(self) -> Iterator[str]:
        attempts = self._attempts
        if attempts is None:
            yield "  the others are too many to list all their orders."
            return
        if not attempts:
            yield "  the others have no order even without it."
            return
        yield "  in whatever order the others took effect, it would have found"
        for attempt in attempts[:_LINES_MAX]:
            found, after = self._describe_state(attempt.state), self._describe_order(attempt)
            yield f"  - {found}, after {after}"
        if len(attempts) > _LINES_MAX:
            yield f"  - or one of {len(attempts) - _LINES_MAX} more states; it fits none"

    def _name(self, interval: Interval[OperationT]) -> str:
        operation = self._operation_at[interval.invoke]
        return f"{self._describe(interval)} of process {operation.process} (op {interval.invoke})"

    def _describe(self, interval: Interval[OperationT]) -> str:
        model = self._case.model
        operation = interval.operation
        return model.describe(operation) if isinstance(model, Described) else str(operation)

    def _describe_order(self, attempt: Attempt[StateT]) -> str:
        names = [self._describe(self._shown[place]) for place in attempt.order]
        elided = ["..."] if len(names) > _ORDER_MAX else []
        return ", ".join([*elided, *names[-_ORDER_MAX:]]) or "nothing"

    def _describe_state(self, state: StateT) -> str:
        model = self._case.model
        return model.describe_state(state) if isinstance(model, Described) else str(state)


def _fate_of_writes(
    case: Case[StateT, OperationT],
    core: Core[OperationT],
    name: Callable[[Interval[OperationT]], str],
) -> Iterator[str]:
    """Yield what became of the value that the dying operation found in a register, if it did."""
    match core.dying.operation:
        case Read(value) | Cas(value, _):
            pass
        case _:
            return
    dying = core.dying
    assert dying.ret is not None, "what dies has returned"
    shown = text(value)
    at_first = case.model.initial == (value,)
    writers = [interval for interval in case.intervals if _writes(interval.operation, value)]
    in_time = [writer for writer in writers if writer.call < dying.ret]
    if not at_first and not in_time:
        yield (
            f"{shown} was first written by {name(writers[0])}, which began only after that."
            if writers
            else f"Nobody ever wrote {shown}."
        )
        return
    for other in core.required:
        if _overwrites(other, value, dying) and all(
            writer.ret is not None and writer.ret < other.call for writer in in_time
        ):
            yield (
                f"Every write of {shown} had returned before {name(other)} began,"
                if in_time
                else f"{shown} was there at first, but {name(other)} replaced it,"
            )
            yield f"and that returned before {name(dying)} began."
            return


def _writes(operation: object, value: Hashable) -> bool:
    match operation:
        case Write(written) | Cas(_, written):
            return written == value
        case _:
            return False


def _overwrites(other: Interval[object], value: Hashable, dying: Interval[object]) -> bool:
    """Return whether `other` certainly wrote another value than `value` before `dying` began."""
    match other.operation:
        case Write(written) | Cas(_, written):
            return written != value and other.ret is not None and other.ret < dying.call
        case _:
            return False


def _invoke(interval: Interval[object]) -> int:
    return interval.invoke
