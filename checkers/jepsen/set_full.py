"""What became of every element that was added to a set (Jepsen's set-full).

An element is *known* from the moment its addition was answered, or a read that saw it. Reads that
began after that must see it. If the last such read missed it, it is **lost**; if one missed it and
a later one saw it, it was **stale**; if all saw it from some time on, it is **stable**. Elements
whose addition was never answered and that were seen all the same are **recovered**.

Operations with a `key` are on the set of that name; those without are all on one.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.jepsen.answers import (
    SHOWN_MAX,
    UnreadableError,
    answered,
    conviction,
    elements_of,
    hashable,
    listed,
)
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "set-full"
_QUANTILES: Final = (0.0, 0.5, 0.95, 0.99, 1.0)


_Name: TypeAlias = tuple[str | None, Hashable]
"""Of an element: its set, and what it is."""


@dataclass(slots=True)
class _Element:
    """What is known of one element."""

    addition: Operation
    known_index: int | None = None
    known_ns: int = 0
    present: Operation | None = None
    """The read that was asked last of those that saw it."""
    absent: Operation | None = None
    """The read that was asked last of those that missed it after it was known."""

    @property
    def is_stable(self) -> bool:
        return self.present is not None and (
            self.absent is None or self.absent.call < self.present.call
        )

    @property
    def is_lost(self) -> bool:
        return self.absent is not None and not self.is_stable

    @property
    def stale_ns(self) -> int:
        """Return how long after it was known reads still missed it; 0 if none did."""
        return 0 if self.absent is None else max(0, self.absent.invoke.time - self.known_ns)


@dataclass(frozen=True, slots=True)
class SetFull:
    """Judges histories of `add` and `read` on a set. It takes no steps.

    `UNKNOWN` if nothing was read after it was added.
    """

    stale_allowed: bool = False
    """Whether a read may miss, for a while, what was known before it began."""
    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; its details count elements by what became of them."""
        del budget
        try:
            reads = [
                (read, [(read.key, value) for value in elements_of(read)])
                for read in answered(history, "read")
            ]
        except UnreadableError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        elements = _elements(history, reads)
        details = _details(elements, history)
        return (
            _never_added(self.name, elements, reads, details)
            or _twice(self.name, reads, details)
            or _lost(self.name, elements, details)
            or (None if self.stale_allowed else _stale(self.name, elements, details))
            or self._unproven(elements, details)
        )

    def _unproven(self, elements: dict[_Name, _Element], details: dict[str, object]) -> Verdict:
        if any(element.is_stable for element in elements.values()):
            return valid(self.name, details)
        return unknown(self.name, "no element was read after it was added", details)


def _elements(
    history: History, reads: Sequence[tuple[Operation, list[_Name]]]
) -> dict[_Name, _Element]:
    """Return every element that an operation tried to add, with what reads saw of it."""
    elements: dict[_Name, _Element] = {}
    for operation in history.operations():
        if operation.f == "add" and operation.outcome is not OpType.FAIL:
            name = (operation.key, hashable(operation.value))
            element = elements.setdefault(name, _Element(operation))
            if operation.outcome is OpType.OK:
                _learn(element, operation)
    for read, seen in reads:
        for value in seen:
            if value in elements:
                _learn(elements[value], read)
    of_set = _by_set(elements)
    for read, seen in reads:  # in the order of calls, so the last one stays
        _look(of_set.get(read.key, {}), read, set(seen))
    return elements


def _by_set(elements: Mapping[_Name, _Element]) -> dict[str | None, dict[_Name, _Element]]:
    of_set: dict[str | None, dict[_Name, _Element]] = {}
    for name, element in elements.items():
        of_set.setdefault(name[0], {})[name] = element
    return of_set


def _look(elements: Mapping[_Name, _Element], read: Operation, seen: set[_Name]) -> None:
    """Note which elements `read` saw, and which it missed though they were known before."""
    for value, element in elements.items():
        if value in seen:
            element.present = read
        elif element.known_index is not None and element.known_index < read.call:
            element.absent = read


def _learn(element: _Element, operation: Operation) -> None:
    """Note that the answer of `operation` tells that the element is in the set."""
    completion = operation.completion
    assert completion is not None, "only what was answered tells"
    if element.known_index is None or completion.index < element.known_index:
        element.known_index, element.known_ns = completion.index, completion.time


def _details(elements: dict[_Name, _Element], history: History) -> dict[str, object]:
    every = elements.values()
    stale_ns = sorted(each.stale_ns for each in every if each.is_stable and each.stale_ns)
    lost_ns = sorted(each.stale_ns for each in every if each.is_lost)
    details: dict[str, object] = {
        "attempts": sum(operation.f == "add" for operation in history.operations()),
        "acknowledged": sum(each.addition.outcome is OpType.OK for each in every),
        "stable": sum(each.is_stable for each in every),
        "stale": len(stale_ns),
        "lost": len(lost_ns),
        "recovered": sum(
            each.addition.outcome is OpType.INFO and each.present is not None for each in every
        ),
        "never read": sum(not each.is_stable and not each.is_lost for each in every),
    }
    for name, times in (("stale ms", stale_ns), ("lost ms", lost_ns)):
        if times:
            details[name] = {
                f"{quantile:g}": times[min(len(times) - 1, int(quantile * len(times)))] / 1e6
                for quantile in _QUANTILES
            }
    return details


def _never_added(
    name: str,
    elements: dict[_Name, _Element],
    reads: Sequence[tuple[Operation, list[_Name]]],
    details: dict[str, object],
) -> Verdict | None:
    for read, seen in reads:
        strange = [value for value in seen if value not in elements]
        if strange:
            story = f"a read saw {listed(_values(strange))}, which nobody added, or only in vain"
            return conviction(name, "never-added", story, [read], details)
    return None


def _twice(
    name: str,
    reads: Sequence[tuple[Operation, list[_Name]]],
    details: dict[str, object],
) -> Verdict | None:
    for read, seen in reads:
        if len(set(seen)) < len(seen):
            repeated = [value for place, value in enumerate(seen) if value in seen[:place]]
            story = f"a read of the set saw {listed(_values(repeated))} more than once"
            return conviction(name, "element-twice", story, [read], details)
    return None


def _lost(name: str, elements: dict[_Name, _Element], details: dict[str, object]) -> Verdict | None:
    lost = {value: element for value, element in elements.items() if element.is_lost}
    if not lost:
        return None
    shown = listed(_values(lost))
    story = f"{len(lost)} elements were known to be in the set, and then were gone: {shown}"
    return conviction(name, "element-lost", story, _shown(list(lost.values())), details)


def _stale(
    name: str, elements: dict[_Name, _Element], details: dict[str, object]
) -> Verdict | None:
    stale = {value: each for value, each in elements.items() if each.is_stable and each.absent}
    if not stale:
        return None
    story = (
        f"{len(stale)} elements were missed by a read that began after they were known to be in the"
        f" set, and seen later: {listed(_values(stale))}"
    )
    return conviction(name, "element-stale", story, _shown(list(stale.values())), details)


def _values(names: Iterable[_Name]) -> list[Hashable]:
    return [value for _, value in names]


def _shown(elements: Sequence[_Element]) -> list[Operation]:
    shown: list[Operation] = []
    for element in elements[:SHOWN_MAX]:
        shown.append(element.addition)
        if element.absent is not None:
            shown.append(element.absent)
    return shown
