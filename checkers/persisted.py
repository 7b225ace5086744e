"""What clients were told about their puts, compared with what the store wrote into its log.

A history cannot say what became of an operation that was never answered; the log can. And a put
that was acknowledged and is in no log was never durable, whether or not a read has missed it yet.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from checkers.history import History, Op, Operation, OpType
from checkers.verdict import Evidence, Verdict, invalid, valid

NAME: Final = "persisted"

_SHOWN_MAX: Final = 10

Put: TypeAlias = tuple[str, str]
"""Key and value, as a history has them."""


class _Fate(msgspec.Struct, gc=False):
    """What clients were told of the puts of one value to one key."""

    acknowledged: list[Operation] = msgspec.field(default_factory=list)
    unanswered: list[Operation] = msgspec.field(default_factory=list)


def judge_persisted(history: History, puts: Mapping[Put, int]) -> Verdict | None:
    """Judge that every acknowledged put is in the log.

    One that was refused may be there, too: much is refused only when its entry is applied, such as
    a put for a lease that has ended.

    `puts` says how often each is in the log that is left when the run has ended, which begins with
    the first entry of all. None if nobody put anything: there is nothing to compare.
    """
    fates = _fates(history)
    if not fates:
        return None
    unanswered = [
        (put, puts.get(put, 0) - len(fate.acknowledged), len(fate.unanswered))
        for put, fate in fates.items()
        if fate.unanswered
    ]
    found = sum(min(count, max(0, left)) for _, left, count in unanswered)
    details: dict[str, object] = {
        "acknowledged": sum(len(fate.acknowledged) for fate in fates.values()),
        "unanswered": sum(count for *_, count in unanswered),
        "of these in the log": found,
    }
    for put, fate in fates.items():
        times = puts.get(put, 0)
        if times < len(fate.acknowledged):
            return _conviction(put, times, fate, details)
    return valid(NAME, details)


def resolved(history: History, puts: Mapping[Put, int]) -> History:
    """Return the history in which unanswered puts that are in no log have failed.

    `puts` is as in `judge_persisted`. Nothing else changes, as the log does not tell what an answer
    would have said.
    """
    never = {
        operation.completion.index
        for put, fate in _fates(history).items()
        if put not in puts
        for operation in fate.unanswered
        if operation.completion is not None
    }
    return History([_failed(op) if op.index in never else op for op in history.ops])


def _failed(op: Op) -> Op:
    return msgspec.structs.replace(op, type=OpType.FAIL, error="in no node's log")


def _fates(history: History) -> dict[Put, _Fate]:
    fates: dict[Put, _Fate] = {}
    for operation in history.operations():
        put = _put_of(operation)
        if put is None:
            continue
        fate = fates.setdefault(put, _Fate())
        match operation.outcome:
            case OpType.OK:
                fate.acknowledged.append(operation)
            case OpType.INFO:
                fate.unanswered.append(operation)
            case _:
                continue
    return fates


def _put_of(operation: Operation) -> Put | None:
    if operation.f != "put":
        return None
    match operation.value:
        case {"key": str(key), "value": str(value)}:
            return key, value
        case _:
            return None


def _conviction(put: Put, times: int, fate: _Fate, details: dict[str, object]) -> Verdict:
    key, value = put
    count = len(fate.acknowledged)
    story = (
        f"putting {value!r} to {key!r} was acknowledged {count} times, and the nodes' logs hold it"
        f" {times} times"
    )
    evidence = Evidence(
        operations=tuple(sorted(operation.call for operation in fate.acknowledged[:_SHOWN_MAX])),
        story=story,
        facts={"kind": "acknowledged-and-lost", "key": key, "value": value, "times": times},
    )
    return invalid(NAME, story, evidence, details)
