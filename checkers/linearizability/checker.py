"""The linearizability checker: a history, a model, a verdict.

The history is split by object (`split`), each object is decided by the method that fits (`search`),
and the first object that cannot be is explained (`explain`). The budget is shared evenly
first, so that one hard object does not keep the others from being judged; what is left over goes
to the hard ones. A step is one configuration looked at.

Details of a verdict: `model`; `operations` and `keys`, how many were judged; `steps`; `methods`,
how many keys each decided; `keys_invalid`, a list, and `keys_unknown`, by key how far the search
got, if there are any.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, assert_never

import msgspec

from checkers.checker import Budget, Checker
from checkers.history import History
from checkers.linearizability.explain import Case, explain
from checkers.linearizability.interval import Interval, intervals
from checkers.linearizability.search import decide
from checkers.linearizability.split import Part, split
from checkers.linearizability.sweep import Outcome
from checkers.models.cas_register import CasRegister, RegisterOperation
from checkers.models.kv import Kv, KvOperation
from checkers.models.model import Model, OperationT, StateT
from checkers.models.multi_register import MultiRegister, Registers, Txn
from checkers.models.mutex import Holding, Mutex, MutexOperation, OwnerMutex, OwnerStep
from checkers.models.queue import Bag, FifoQueue, QueueOperation, UnorderedQueue, Waiting
from checkers.models.register import Held, Read, Register, Write
from checkers.models.registry import model_named
from checkers.models.set import Elements, ElementSet, SetOperation
from checkers.verdict import Answer, Verdict, invalid, unknown, valid

NAME: Final = "linearizability"


def linearizable(  # noqa: C901, PLR0911 - one case for each model
    model_name: str, initial: str | None = None
) -> Checker:
    """Return a checker for the model called `model_name`, which starts from `initial`.

    Raises `ModelError` if there is no such model, or no such start (see `models.registry`).
    """
    model = model_named(model_name, initial)
    match model:
        case Register():
            return Linearizability[Held, Read | Write](model)
        case CasRegister():
            return Linearizability[Held, RegisterOperation](model)
        case MultiRegister():
            return Linearizability[Registers, Txn](model)
        case Kv():
            return Linearizability[str, KvOperation](model)
        case Mutex():
            return Linearizability[bool, MutexOperation](model)
        case OwnerMutex():
            return Linearizability[Holding, OwnerStep](model)
        case FifoQueue():
            return Linearizability[Waiting, QueueOperation](model)
        case UnorderedQueue():
            return Linearizability[Bag, QueueOperation](model)
        case ElementSet():
            return Linearizability[Elements, SetOperation](model)
        case _:
            assert_never(model)


@dataclass(frozen=True)  # no slots: Python 3.11 cannot make `Linearizability[X, Y]` with both
class Linearizability(Generic[StateT, OperationT]):
    """Whether clients saw what one copy of `model` would have shown them; a `Checker`."""

    model: Model[StateT, OperationT]
    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict on `history`.

        Raises `ModelError`, naming the operation, if one is not the model's.
        """
        judged = [
            _Judged(part, intervals(part.operations, self.model))
            for part in split(history.operations(), self.model)
        ]
        outcomes = self._outcomes([part.intervals for part in judged], budget)
        return self._verdict(judged, outcomes, budget)

    def _outcomes(
        self, parts: Sequence[Sequence[Interval[OperationT]]], budget: Budget
    ) -> list[Outcome]:
        """Return the outcome of each part."""
        left = budget.steps_max
        share = max(1, left // max(1, len(parts)))
        outcomes = []
        for part in parts:
            outcome = self._decide(part, budget, share)
            left -= outcome.steps
            outcomes.append(outcome)
        if len(parts) == 1:
            return outcomes
        for place, outcome in enumerate(outcomes):
            if outcome.answer is Answer.UNKNOWN and left > share:
                outcomes[place] = self._decide(parts[place], budget, left)
                left -= outcomes[place].steps
        return outcomes

    def _decide(
        self, part: Sequence[Interval[OperationT]], budget: Budget, steps_max: int
    ) -> Outcome:
        return decide(
            part, self.model, steps_max=steps_max, remembered_max=budget.configurations_max
        )

    def _verdict(
        self, judged: Sequence["_Judged[OperationT]"], outcomes: Sequence[Outcome], budget: Budget
    ) -> Verdict:
        pairs = list(zip(judged, outcomes, strict=True))
        wrong = [pair for pair in pairs if pair[1].answer is Answer.INVALID]
        unsure = [pair for pair in pairs if pair[1].answer is Answer.UNKNOWN]
        details: dict[str, object] = {
            "model": self.model.name,
            "operations": sum(len(part.intervals) for part in judged),
            "keys": len(judged),
            "steps": sum(outcome.steps for outcome in outcomes),
            "methods": _methods(outcomes),
        }
        if wrong:
            details["keys_invalid"] = [_key(part) for part, _ in wrong]
        if unsure:
            details["keys_unknown"] = {
                str(_key(part)): _progress(part, outcome) for part, outcome in unsure
            }
        if wrong:
            return self._conviction(*wrong[0], details)
        if unsure:
            reason = "; ".join(_unknown_reasons(unsure, budget))
            return unknown(self.name, reason, details)
        return valid(self.name, details)

    def _conviction(
        self, judged: "_Judged[OperationT]", outcome: Outcome, details: dict[str, object]
    ) -> Verdict:
        part = judged.part
        evidence = explain(
            Case(
                model=self.model,
                key=part.key,
                operations=part.operations,
                intervals=judged.intervals,
                outcome=outcome,
            )
        )
        where = "" if part.key is None else f"key {part.key!s}: "
        count = len(evidence.operations)
        dies = evidence.facts["dies"]
        reason = f"{where}op {dies} cannot be explained ({count} operations show it)"
        return invalid(self.name, reason, evidence, details)


class _Judged(msgspec.Struct, Generic[OperationT], frozen=True):
    """A part and what the model makes of it."""

    part: Part
    intervals: Sequence[Interval[OperationT]]


def _key(judged: _Judged[OperationT]) -> str | None:
    return None if judged.part.key is None else str(judged.part.key)


def _methods(outcomes: Sequence[Outcome]) -> dict[str, int]:
    methods: dict[str, int] = {}
    for outcome in outcomes:
        methods[outcome.method] = methods.get(outcome.method, 0) + 1
    return dict(sorted(methods.items()))


def _progress(judged: _Judged[OperationT], outcome: Outcome) -> dict[str, object]:
    """Return how far the search got: the op it reached and the operations left, as JSON."""
    reached = None if outcome.place is None else judged.intervals[outcome.place]
    moment = -1 if reached is None or reached.ret is None else reached.ret
    left = [
        interval.invoke
        for interval in judged.intervals
        if interval.ret is not None and interval.ret >= moment
    ]
    return {"reached": moment, "operations": len(judged.intervals), "left": left}


def _unknown_reasons(
    unsure: Sequence[tuple[_Judged[OperationT], Outcome]], budget: Budget
) -> Iterator[str]:
    if any(outcome.is_out_of_memory for _, outcome in unsure):
        yield f"{budget.memory_mb_max} MB were not enough to remember what was tried"
    else:
        yield f"{budget.steps_max} steps were not enough"
    for judged, outcome in unsure[:3]:
        progress = _progress(judged, outcome)
        where = "" if judged.part.key is None else f"key {judged.part.key!s} "
        left = progress["left"]
        assert isinstance(left, list), "a list of indices"
        yield f"{where}up to op {progress['reached']}, {len(left)} of {progress['operations']} left"
    if len(unsure) > 3:
        yield f"and {len(unsure) - 3} more keys"
