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
from checkers.linearizability.windows import starts_of
from checkers.linearizability.witness import Attempt, try_all
from checkers.models.cas_register import Cas
from checkers.models.model import Described, Model, OperationT, Pure, StateT, text
from checkers.models.register import Read, Write
from checkers.timeline import Span, draw
from checkers.verdict import Answer, Evidence

_STEPS_MAX: Final = 1_000_000
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
    `optional`, `supporting` and `since` as in `Core`, by index; `states`, what the others could
    have left behind: each a `state` in words and an `order` of indices that leads there, `from` a
    state in words. `states` is absent if there are too many operations.
    """
    core = _core(case)
    page = _Page(case, core, _ways(case, core))
    return Evidence(
        operations=tuple(interval.invoke for interval in core.required),
        story="\n".join(page.lines()),
        facts=page.facts(),
    )


def _core(case: Case[StateT, OperationT]) -> Core[OperationT]:
    model = case.model
    steps = _STEPS_MAX
    lucky = model  # where an order began last: variants of a history are much alike

    def judge(intervals: Sequence[Interval[OperationT]], *, from_anywhere: bool) -> Answer:
        nonlocal steps, lucky
        starts = starts_of(model, intervals) if from_anywhere else [model]
        for start in sorted(starts, key=lambda start: start.initial != lucky.initial):
            steps -= len(intervals)
            if steps <= 0:
                return Answer.UNKNOWN
            outcome = decide(intervals, start, steps_max=steps)
            steps -= outcome.steps
            if outcome.answer is not Answer.INVALID:
                lucky = start
                return outcome.answer
        return Answer.INVALID if starts else Answer.UNKNOWN

    def is_pure(operation: OperationT) -> bool:
        return isinstance(model, Pure) and model.pure(operation)

    return find_core(case.intervals, case.outcome, is_pure=is_pure, judge=judge)


@dataclass(frozen=True, slots=True)
class _Way(Generic[StateT]):
    """How things may have gone up to the last return."""

    start: StateT
    attempt: Attempt[StateT]


def _ways(
    case: Case[StateT, OperationT], core: Core[OperationT]
) -> tuple[_Way[StateT], ...] | None:
    """Return what the core could have left behind before its last return; None if too large."""
    intervals = (*core.required, *core.optional, *core.supporting)
    if len(intervals) > _WITNESS_OPERATIONS_MAX:
        return None
    ways: dict[StateT, _Way[StateT]] = {}
    for start in [case.model] if core.since is None else starts_of(case.model, intervals):
        search = try_all(intervals, start, steps_max=_WITNESS_STEPS_MAX)
        if search is None:
            return None
        assert search.order is None, "two searches that share nothing must agree on the core"
        for attempt in search.attempts:
            ways.setdefault(attempt.state, _Way(start.initial, attempt))
    return tuple(ways.values())


class _Page(Generic[StateT, OperationT]):
    """Everything that is said about one conviction."""

    __slots__ = ("_case", "_core", "_operation_at", "_shown", "_support", "_ways")

    def __init__(
        self,
        case: Case[StateT, OperationT],
        core: Core[OperationT],
        ways: tuple[_Way[StateT], ...] | None,
    ) -> None:
        self._case: Final = case
        self._core: Final = core
        self._ways: Final = ways
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
            "since": core.since,
        }
        if self._ways is not None:
            facts["states"] = [
                {
                    "from": self._describe_state(way.start),
                    "order": [self._shown[place].invoke for place in way.attempt.order],
                    "state": self._describe_state(way.attempt.state),
                }
                for way in self._ways
            ]
        return facts

    def lines(self) -> Iterator[str]:
        """Yield the page, line by line."""
        core, case = self._core, self._case
        where = "" if case.key is None else f" on key {case.key!s}"
        count = len(self._shown)
        these = "this one is" if count == 1 else f"these {count} are"
        yield f"Of {len(case.intervals)} operations{where}, {these} enough to show that no order is"
        yield "possible" + (
            ":" if core.since is None else f", whatever the state was before op {core.since}:"
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
        ways = self._ways
        if ways is None:
            yield "  the others are too many to list all their orders."
            return
        if not ways:
            yield "  the others have no order even without it."
            return
        yield "  in whatever order the others took effect, it would have found"
        for way in ways[:_LINES_MAX]:
            found = self._describe_state(way.attempt.state)
            yield f"  - {found}, after {self._describe_order(way)}"
        if len(ways) > _LINES_MAX:
            yield f"  - or one of {len(ways) - _LINES_MAX} more states; it fits none"

    def _name(self, interval: Interval[OperationT]) -> str:
        operation = self._operation_at[interval.invoke]
        return f"{self._describe(interval)} of process {operation.process} (op {interval.invoke})"

    def _describe(self, interval: Interval[OperationT]) -> str:
        model = self._case.model
        operation = interval.operation
        return model.describe(operation) if isinstance(model, Described) else str(operation)

    def _describe_order(self, way: _Way[StateT]) -> str:
        names = [self._describe(self._shown[place]) for place in way.attempt.order]
        if not names:
            return "nothing" if self._core.since is None else f"op {self._core.since} began"
        elided = ["..."] if len(names) > _ORDER_MAX else []
        return ", ".join([*elided, *names[-_ORDER_MAX:]])

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
    since = core.since
    if since is not None and all(
        writer.ret is not None and writer.ret < since for writer in in_time
    ):
        yield f"No write of {shown} was in flight at op {since} or later."


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
