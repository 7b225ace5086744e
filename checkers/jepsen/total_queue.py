"""What goes in must come out (Jepsen's total-queue): nothing lost, nothing from nowhere.

Order does not matter here; the models of queues judge that. Loss can only be told once the queue
was emptied: by a `drain`, or a `dequeue` that found nothing, with nothing dequeued unanswered.
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.jepsen.answers import (
    UnreadableError,
    answered,
    conviction,
    elements_of,
    hashable,
    in_words,
    listed,
)
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "total-queue"


@dataclass(frozen=True, slots=True)
class TotalQueue:
    """Judges histories of `enqueue`, `dequeue` and `drain`. It takes no steps."""

    twice_allowed: bool = False
    """Whether the queue may hand out an element more often than it was put in."""
    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if something is missing that may still be in the queue."""
        del budget
        try:
            outs = _dequeued(history)
        except UnreadableError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        asked = [
            operation
            for operation in history.operations()
            if operation.f == "enqueue" and operation.outcome is not OpType.FAIL
        ]
        if not asked:
            return unknown(self.name, "nothing was ever enqueued")
        attempts = Counter(hashable(operation.value) for operation in asked)
        taken = Counter(value for value, _ in outs)
        acknowledged = [each for each in asked if each.outcome is OpType.OK]
        missing = Counter(hashable(each.value) for each in acknowledged) - taken
        extra = taken - attempts
        details: dict[str, object] = {
            "attempts": attempts.total(),
            "acknowledged": len(acknowledged),
            "dequeued": taken.total(),
            "missing": missing.total(),
            "unexpected": sum(count for value, count in extra.items() if value not in attempts),
            "duplicated": sum(count for value, count in extra.items() if value in attempts),
            "recovered": ((attempts - Counter(_values(acknowledged))) & taken).total(),
        }
        return self._extra(extra, attempts, outs, details) or self._missing(
            history, taken, acknowledged, details
        )

    def _extra(
        self,
        extra: Counter[Hashable],
        attempts: Counter[Hashable],
        outs: list[tuple[Hashable, Operation]],
        details: dict[str, object],
    ) -> Verdict | None:
        for value, operation in outs:
            if value not in extra or (value in attempts and self.twice_allowed):
                continue
            if value in attempts:
                story = f"{value!r} was dequeued more often than it was enqueued"
                takers = [taker for other, taker in outs if other == value]
                return conviction(self.name, "dequeued-twice", story, takers, details)
            story = f"{in_words(operation)} returned {value!r}, which nobody enqueued"
            return conviction(self.name, "never-enqueued", story, [operation], details)
        return None

    def _missing(
        self,
        history: History,
        taken: Counter[Hashable],
        acknowledged: list[Operation],
        details: dict[str, object],
    ) -> Verdict:
        """Say what is lost: acknowledged, and not there when the queue was empty afterwards.

        Each dequeue of unknown outcome may have taken one of them, and a drain all.
        """
        if not details["missing"]:
            return valid(self.name, details)
        emptied = _last_emptied(history)
        lost = [] if emptied is None else _gone(acknowledged, taken, emptied)
        unanswered = [
            operation
            for operation in history.operations()
            if operation.f in {"dequeue", "drain"} and operation.outcome is OpType.INFO
        ]
        drained = any(operation.f == "drain" for operation in unanswered)
        if emptied is None or drained or len(lost) <= len(unanswered):
            words = (
                f"{details['missing']} elements are missing, but may be in the queue or taken by"
            )
            return unknown(self.name, f"{words} who was not answered", details)
        story = (
            f"{len(lost)} elements were enqueued, and gone when the queue was emptied:"
            f" {listed(_values(lost))}; {len(unanswered)} dequeues were not answered"
        )
        return conviction(self.name, "element-lost", story, [*lost[:20], emptied], details)


def _gone(
    acknowledged: list[Operation], taken: Counter[Hashable], emptied: Operation
) -> list[Operation]:
    """Return whose elements were in the queue before `emptied`, and never came out.

    Of equal elements, as many are gone as there were more of them before `emptied` than ever came
    out: whichever were put in later may be in the queue still.
    """
    left = taken.copy()
    gone = []
    for operation in acknowledged:
        if operation.ret is not None and operation.ret < emptied.call:
            value = hashable(operation.value)
            if left[value]:
                left[value] -= 1
            else:
                gone.append(operation)
    return gone


def _values(operations: list[Operation]) -> list[Hashable]:
    return [hashable(operation.value) for operation in operations]


def _dequeued(history: History) -> list[tuple[Hashable, Operation]]:
    """Return what came out, and by whom."""
    outs = [
        (hashable(operation.result), operation)
        for operation in answered(history, "dequeue")
        if operation.result is not None
    ]
    for operation in answered(history, "drain"):
        outs.extend((value, operation) for value in elements_of(operation))
    return outs


def _last_emptied(history: History) -> Operation | None:
    """Return the last operation that left the queue empty, by its call."""
    emptied = [
        operation
        for operation in history.operations()
        if operation.outcome is OpType.OK
        and (operation.f == "drain" or (operation.f == "dequeue" and operation.result is None))
    ]
    return emptied[-1] if emptied else None
