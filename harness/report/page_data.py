"""All that a report's page draws, as one value that becomes JSON.

Times are whole microseconds from the start of the trial, as in `columns`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from checkers.history import History, Operation
from checkers.verdict import Verdict
from checkers.watch_history import Break, Canceled, Create, Delivery, Progress, WatchRecord
from harness.conviction import story_of
from harness.report.columns import MICROSECOND, Columns, columns_of
from harness.report.effects import Effects
from harness.report.recorded import Recorded, conviction_ns, convictions_of
from harness.report.wording import answered, asked, revision_of

CORE_OPERATIONS_MAX: Final = 40
"""Operations of a conviction that are drawn; the last ones, where it has more."""

WATCH_POINTS_MAX: Final = 60_000
"""Responses to watchers that are drawn."""


class RoleBar(msgspec.Struct, frozen=True):
    """A node had a role for a time."""

    start: int
    end: int
    role: str
    term: int


class FaultBar(msgspec.Struct, frozen=True):
    """A fault was in force for a time."""

    id: int
    start: int
    end: int
    what: str
    felt: str


class CoreOperation(msgspec.Struct, frozen=True, kw_only=True):
    """One of the operations that contradict one another."""

    index: int
    process: str
    node: str
    asked: str
    answered: str
    revision: int | None
    call: int
    end: int | None
    """None: nobody ever heard of its outcome."""
    part: str
    """`dies`: it cannot be explained; `required`; `optional` and `supporting`: it may have
    happened, or it does not matter when."""


class Attempt(msgspec.Struct, frozen=True):
    """A way things may have gone, and where it ends."""

    order: tuple[str, ...]
    state: str


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """One conviction."""

    checker: str
    reason: str
    story: str
    """Empty if it says no more than the reason."""
    at: int | None
    revision: int | None
    operations: tuple[CoreOperation, ...]
    left_out: int
    """Operations in conflict that are not among `operations`."""
    attempts: tuple[Attempt, ...]
    watchers: tuple[int, ...]


class WatchPoint(msgspec.Struct, frozen=True, array_like=True):
    """A watcher was told something."""

    at: int
    watcher: int
    kind: str
    """`create`, `events`, `progress`, `canceled`, `break`."""
    revision: int
    text: str


class PageData(msgspec.Struct, frozen=True, kw_only=True):
    """See the module."""

    end: int
    load_end: int
    operations: Columns
    nodes: Mapping[str, Sequence[RoleBar]]
    faults: Sequence[FaultBar]
    conflicts: Sequence[Conflict]
    watch: Sequence[WatchPoint]
    watch_left_out: int


def page_data(run: Recorded, effects: Effects) -> PageData:
    """Return what is drawn of `run`."""
    end_ns = run.end_ns
    nodes: dict[str, list[RoleBar]] = {}
    for span in run.roles:
        bar = RoleBar(_us(span.start_ns), _us(span.end_ns), span.role, span.term)
        nodes.setdefault(span.node, []).append(bar)
    points = _watch_points(run.watched)
    return PageData(
        end=_us(end_ns),
        load_end=round(run.plan.workload.time_limit_s * 1e6),
        operations=columns_of(run.history, end_ns),
        nodes=nodes,
        faults=[
            FaultBar(
                effect.id,
                _us(effect.begin_ns),
                _us(effect.over_ns),
                effect.what,
                effect.felt.value,
            )
            for effect in effects.each
            if effect.outcome == "done"
        ],
        conflicts=[_conflict(run.history, leaf) for leaf in convictions_of(run.verdict)],
        watch=points[:WATCH_POINTS_MAX],
        watch_left_out=max(0, len(points) - WATCH_POINTS_MAX),
    )


def _us(time_ns: int) -> int:
    return time_ns // MICROSECOND


# ---------------------------------------------------------------- what contradicts
def _conflict(history: History, leaf: Verdict) -> Conflict:
    evidence = leaf.evidence
    assert evidence is not None, "whoever convicts has evidence"
    facts = evidence.facts
    parts: dict[int, str] = dict.fromkeys(evidence.operations, "required")
    parts |= dict.fromkeys(_numbers(facts.get("optional")), "optional")
    parts |= dict.fromkeys(_numbers(facts.get("supporting")), "supporting")
    parts |= dict.fromkeys(_numbers([facts.get("dies")]), "dies")
    core = {
        operation.call: operation for operation in history.operations() if operation.call in parts
    }
    shown = sorted(core)[-CORE_OPERATIONS_MAX:]
    at_ns = conviction_ns(history, leaf)
    revision = facts.get("revision")
    return Conflict(
        checker=leaf.checker,
        reason=leaf.reason,
        story="\n".join(story_of(leaf)),
        at=None if at_ns is None else _us(at_ns),
        revision=revision if isinstance(revision, int) else None,
        operations=tuple(_core_operation(core[call], parts[call]) for call in shown),
        left_out=len(core) - len(shown),
        attempts=tuple(_attempts(facts.get("states"), core)),
        watchers=tuple(_numbers(facts.get("watchers"))),
    )


def _core_operation(operation: Operation, part: str) -> CoreOperation:
    completion = operation.completion
    return CoreOperation(
        index=operation.call,
        process=str(operation.process),
        node=operation.invoke.node or "",
        asked=asked(operation),
        answered=answered(operation),
        revision=revision_of(operation),
        call=_us(operation.invoke.time),
        end=None if completion is None or operation.ret is None else _us(completion.time),
        part=part,
    )


def _numbers(value: object) -> list[int]:
    """Return the whole numbers in a list of a checker's facts, which may be absent."""
    return (
        [each for each in value if isinstance(each, int)] if isinstance(value, list | tuple) else []
    )


def _attempts(states: object, core: Mapping[int, Operation]) -> list[Attempt]:
    """Return the ways that the linearizability checker says there were (`explain`)."""
    found: list[Attempt] = []
    for state in states if isinstance(states, list | tuple) else ():
        if isinstance(state, dict):
            order = [core[call] for call in _numbers(state.get("order")) if call in core]
            words = tuple(f"{asked(each)} (op {each.call})" for each in order)
            found.append(Attempt(words, str(state.get("state"))))
    return found


# ---------------------------------------------------------------- watches
def _watch_points(records: Sequence[WatchRecord]) -> list[WatchPoint]:
    open_on: dict[int, list[int]] = {}
    points: list[WatchPoint] = []
    for record in records:
        match record:
            case Create(watcher=watcher):
                open_on.setdefault(record.stream, []).append(watcher)
                text = f"watches {_watched(record)} at {record.node or 'some node'}"
                points.append(
                    WatchPoint(_us(record.time), watcher, "create", record.start_revision, text)
                )
            case Delivery(watcher=watcher):
                for event in record.events:
                    value = f" = {event.value}" if event.kind == "put" else ""
                    text = f"{event.kind} {event.key}{value}"
                    revision = event.mod_revision
                    points.append(WatchPoint(_us(record.time), watcher, "events", revision, text))
            case Progress(watcher=watcher):
                points.append(
                    WatchPoint(_us(record.time), watcher, "progress", record.revision, "")
                )
            case Canceled(watcher=watcher):
                text = record.reason or "canceled by the store"
                points.append(
                    WatchPoint(_us(record.time), watcher, "canceled", record.revision, text)
                )
            case Break(stream=stream):
                points += [
                    WatchPoint(_us(record.time), watcher, "break", 0, record.error)
                    for watcher in open_on.pop(stream, [])
                ]
            case _:
                continue
    return points


def _watched(record: Create) -> str:
    keys = record.key if record.range_end is None else f"[{record.key}, {record.range_end!r})"
    since = f" from revision {record.start_revision}" if record.start_revision else ""
    return keys + since
