"""The checker of transactions: a history, the consistency expected of it, a verdict.

INVALID is sound: it rests on what was read, on what must follow from it, and on nothing that any
store of the expected consistency could have done. Over lists it is complete as well (see
`list_append`); over registers, whose reads do not tell the order of writes, it is not.

Details of a verdict: `model`; `transactions` and `keys`, how many were judged; `expected`, the
consistency model; `holds`, the strongest models that nothing contradicts; `violates`, the weakest
that are ruled out; `anomalies`, by name how many were told apart; `undecided`, anomalies whose
search ran out of steps. A step is one dependency looked at in the search for one kind of cycle.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from checkers.checker import Budget, Checker
from checkers.collector import rare_collections
from checkers.history import History
from checkers.models.model import ModelError, hashable
from checkers.models.registry import value_of
from checkers.transactions.anomalies import Cycle, Cycles, Finding, find_cycles
from checkers.transactions.consistency import (
    STRICT_SERIALIZABLE,
    Boundary,
    boundary,
    implied,
    model_names,
)
from checkers.transactions.inference import Inference
from checkers.transactions.list_append import ListAppend
from checkers.transactions.rw_register import RwRegister
from checkers.transactions.story import cycle_lines, kind_in_words, names_of, reason, wrapped
from checkers.transactions.transactions import transactions_of
from checkers.verdict import Evidence, Verdict, invalid, unknown, valid

LIST_APPEND: Final = "list-append"
RW_REGISTER: Final = "rw-register"

KINDS: Final = (LIST_APPEND, RW_REGISTER)
"""What transactions may be over."""

_STORIES_MAX: Final = 6
"""Anomalies that a story tells; the others are named."""

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "conflict-serializable": "serializable",
        "strong-serializable": STRICT_SERIALIZABLE,
        "strong-session-PL-1": "strong-session-read-uncommitted",
        "strong-session-PL-2": "strong-session-read-committed",
        "PL-1": "read-uncommitted",
        "PL-2": "read-committed",
        "PL-CS": "cursor-stability",
        "PL-2L": "monotonic-view",
        "PL-MSR": "monotonic-snapshot-read",
        "PL-2+": "consistent-view",
        "PL-FCV": "forward-consistent-view",
        "PL-2.99": "repeatable-read",
        "PL-SI": "snapshot-isolation",
        "PL-3U": "update-serializable",
        "PL-3": "serializable",
        "PL-SS": STRICT_SERIALIZABLE,
        "ROLA": "update-atomic",
        "causal-cerone": "causal",
    }
)
"""Adya's and Elle's other names for consistency models."""


def transactional(
    kind: str, expected: str = STRICT_SERIALIZABLE, initial: str | None = None
) -> Checker:
    """Return a checker for transactions over `kind`, of which `expected` is asked.

    `initial`, JSON or a bare word, is what every register holds at first. Raises `ModelError` if
    there is no such consistency model, and if lists are to start as anything but empty.
    """
    assert kind in KINDS, f"transactions are over one of {KINDS}"
    name = ALIASES.get(expected, expected)
    if name not in model_names():
        raise ModelError(
            f"no consistency model is called {expected!r} (known: {', '.join(model_names())})"
        )
    if initial in {None, "nil"} or (kind == LIST_APPEND and initial == "[]"):
        return Isolation(kind, name)
    if kind == LIST_APPEND:
        raise ModelError(f"lists start empty, not as {initial!r}")
    return Isolation(kind, name, hashable(value_of(str(initial))))


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whether transactions saw what `expected` allows; a `Checker`."""

    kind: str
    expected: str = STRICT_SERIALIZABLE
    initial: Hashable = None
    """What every register holds at first, besides nil; of no use to lists."""

    @property
    def name(self) -> str:
        """See `Checker`."""
        return self.kind

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict on `history`.

        Raises `ModelError`, naming the operation, if one is no transaction of this kind.
        """
        with rare_collections():
            inference = self._infer(history)
            cycles = find_cycles(inference.dependencies, inference.cyclic, budget.steps_max)
            return _Judgement(self, inference, cycles).verdict()

    def _infer(self, history: History) -> Inference:
        if self.kind == LIST_APPEND:
            return ListAppend(transactions_of(history, writes="append"))
        return RwRegister(transactions_of(history, writes="w"), self.initial)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What was found in one history."""

    checker: Isolation
    inference: Inference
    cycles: Cycles

    def verdict(self) -> Verdict:
        """Return what it means for the consistency model expected."""
        names = self._anomalies()
        if not names:
            return self._without_anomalies()
        limits = boundary(names)
        details = self._details(limits, names)
        if self.checker.expected in limits.violated:
            reason = f"{', '.join(names)}: not {', not '.join(limits.weakest_violated)}"
            return invalid(self.checker.name, reason, self._evidence(limits), details)
        return self._passed(details)

    def _without_anomalies(self) -> Verdict:
        strongest = self.checker.expected if self._doubts() else STRICT_SERIALIZABLE
        limits = Boundary(weakest_violated=(), strongest_left=(strongest,), violated=())
        return self._passed(self._details(limits, []))

    def _passed(self, details: dict[str, object]) -> Verdict:
        doubts = self._doubts()
        if doubts:
            return unknown(self.checker.name, "; ".join(doubts), details)
        return valid(self.checker.name, details)

    def _doubts(self) -> list[str]:
        """Return why a history without a conviction does not pass all the same."""
        transactions = self.inference.transactions
        if not any(map(transactions.is_ok, range(len(transactions.operations)))):
            return ["no transaction was ever answered"]
        doubts = list(self.inference.ambiguous[:3])
        return doubts + [
            f"the search for {anomaly} ran out of steps"
            for anomaly in self.cycles.given_up
            if self.checker.expected in boundary([anomaly]).violated
        ]

    def _anomalies(self) -> list[str]:
        names = [finding.anomaly for finding in self.inference.findings]
        return list(dict.fromkeys([*names, *(cycle.anomaly for cycle in self.cycles.found)]))

    def _details(self, limits: Boundary, names: Sequence[str]) -> dict[str, object]:
        details: dict[str, object] = {
            "model": self.checker.kind,
            "transactions": len(self.inference.transactions.operations),
            "keys": self.inference.keys_count,
            "expected": self.checker.expected,
            "holds": ", ".join(limits.strongest_left),
        }
        if limits.weakest_violated:
            details["violates"] = ", ".join(limits.weakest_violated)
        if names:
            found = [finding.anomaly for finding in self.inference.findings]
            found += [cycle.anomaly for cycle in self.cycles.found]
            details["anomalies"] = {name: found.count(name) for name in names}
        if self.cycles.given_up:
            details["undecided"] = list(self.cycles.given_up)
        return details

    def _evidence(self, limits: Boundary) -> Evidence:
        """Return the worst of each kind.

        Facts: `anomalies`, each with its `anomaly`, `operations` (indices of invokes) and either a
        `story` or the `cycle`: for each step the ops `before` and `after`, the `kind` of
        dependency and the reason, `because`; `weakest_violated` and `strongest_left`, models.
        """
        told = self._convicting()
        lines: list[str] = []
        for anomaly in told[:_STORIES_MAX]:
            lines += [*self._story(anomaly), ""]
        if len(told) > _STORIES_MAX:
            others = dict.fromkeys(anomaly.anomaly for anomaly in told[_STORIES_MAX:])
            lines += [f"And also: {', '.join(others)}.", ""]
        violated, left = ", ".join(limits.weakest_violated), ", ".join(limits.strongest_left)
        lines += wrapped(f"Ruled out: {violated}, and all that is stronger.")
        lines += wrapped(f"The strongest that is left: {left or 'nothing'}.")
        return Evidence(
            operations=self._core(told),
            story="\n".join(lines),
            facts={
                "anomalies": [self._facts(anomaly) for anomaly in told],
                "weakest_violated": list(limits.weakest_violated),
                "strongest_left": list(limits.strongest_left),
            },
        )

    def _convicting(self) -> list[Finding | Cycle]:
        """Return one anomaly of each name that rules out what is expected; the others follow."""
        by_name: dict[str, Finding | Cycle] = {}
        every: list[Finding | Cycle] = [*self.inference.findings, *self.cycles.found]
        for anomaly in every:
            by_name.setdefault(anomaly.anomaly, anomaly)
        expected = self.checker.expected
        return sorted(
            by_name.values(), key=lambda each: expected not in boundary([each.anomaly]).violated
        )

    def _core(self, told: Sequence[Finding | Cycle]) -> tuple[int, ...]:
        """Return the fewest operations that convict."""
        cores = [
            self._operations([anomaly])
            for anomaly in told
            if self.checker.expected in boundary([anomaly.anomaly]).violated
        ]
        return min(cores, key=len)

    def _story(self, anomaly: Finding | Cycle) -> list[str]:
        if isinstance(anomaly, Finding):
            return wrapped(f"{anomaly.anomaly}: {anomaly.story}.")
        return [f"{anomaly.anomaly}:", *cycle_lines(anomaly, self.inference)]

    def _operations(self, anomalies: Sequence[Finding | Cycle]) -> tuple[int, ...]:
        call = self.inference.transactions.call
        numbers: list[int] = []
        for anomaly in anomalies:
            if isinstance(anomaly, Finding):
                numbers += anomaly.numbers
            else:
                numbers += [step.before for step in anomaly.steps]
        return tuple(sorted({call[number] for number in numbers}))

    def _facts(self, anomaly: Finding | Cycle) -> dict[str, object]:
        facts: dict[str, object] = {
            "anomaly": anomaly.anomaly,
            "operations": list(self._operations([anomaly])),
            "implies": list(implied(anomaly.anomaly)[1:]),
        }
        if isinstance(anomaly, Finding):
            return facts | {"story": anomaly.story}
        call = self.inference.transactions.call
        names = names_of(anomaly.steps)
        return facts | {
            "cycle": [
                {
                    "before": call[step.before],
                    "after": call[step.after],
                    "kind": kind_in_words(step.kind),
                    "because": reason(step, names, self.inference),
                }
                for step in anomaly.steps
            ]
        }
