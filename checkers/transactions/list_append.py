"""Transactions over lists: every read tells the whole order of appends before it.

Elements are unique, so the longest list read of a key is the order of its versions, and every
other read must be a prefix of it. From there (Kingsbury & Alvaro 2020, section 4.2):

- `WW` from the writer of each element to the writer of the next;
- `WR` from the writer of the last element read to the reader;
- `RW` from the reader to the writer of the first element it did not read.

An append that nobody read came after all that were read: `WW` from the last one, `RW` from all who
read the full list. That goes for committed transactions, and for those of unknown outcome of which
something else was read: they happened. What is left has no place, and proves nothing.

This is complete: if there is no cycle and no finding, any topological order of the dependencies is
an order in which a single copy would have answered every read as it was.

What failed is not there: its elements are passed over, and reading one is G1a.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from checkers.history import Operation
from checkers.models.model import ModelError, hashable
from checkers.transactions.anomalies import Finding
from checkers.transactions.appended_list import NOBODY, AppendedList, Elements
from checkers.transactions.cycles import Step
from checkers.transactions.graph import RW, WR, WW, Dependencies, cyclic_part
from checkers.transactions.list_findings import findings_of
from checkers.transactions.transactions import SCALARS, MicroOp, Transactions, shown


class ListAppend:
    """See the module; an `Inference`."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions: Final = transactions
        self.dependencies: Final = Dependencies(
            transactions.call, transactions.ret, transactions.process
        )
        self.findings: Final[list[Finding]] = []
        self.ambiguous: Final[list[str]] = []
        self._lists: Final[dict[Hashable, AppendedList]] = {}
        for operation, micro_ops in transactions.failed:
            self._collect_failed(operation, micro_ops)
        for number, micro_ops in enumerate(transactions.micro_ops):
            self._collect(number, micro_ops)
        clear = [each for each in self._lists.values() if not each.is_ambiguous]
        for appended in clear:
            appended.put_in_order()
        happened = self._happened()
        for appended in clear:
            appended.find_unread(happened)
            self._relate(appended)
            self.findings.extend(findings_of(appended, transactions))
        self.cyclic: Final = cyclic_part(self.dependencies)

    @property
    def keys_count(self) -> int:
        """See `Inference`."""
        return len(self._lists)

    def because(self, step: Step, names: Mapping[int, str]) -> str:
        """See `Inference`."""
        before, after = names[step.before], names[step.after]
        if step.kind & RW:
            appended, elements, missed = next(
                (appended, elements, missed)
                for appended, elements in self._reads_of(step.before)
                for missed in appended.missed(elements, step.after)
            )
            return (
                f"{before} read {shown(appended.key)} as {shown(elements)}, "
                f"without {after}'s append of {shown(missed)}"
            )
        if step.kind & WR:
            appended, last = next(
                (appended, last)
                for appended, elements in self._reads_of(step.after)
                for last in appended.last_of(elements, step.before)
            )
            return f"{after} read {before}'s append of {shown(last)} to {shown(appended.key)}"
        assert step.kind & WW, "there is no other dependency"
        appended, first, second = self._overwritten(step.before, step.after)
        return (
            f"{after} appended {shown(second)} to {shown(appended.key)} "
            f"after {before} had appended {shown(first)}"
        )

    def _list(self, key: Hashable) -> AppendedList:
        appended = self._lists.get(key)
        if appended is None:
            appended = self._lists[key] = AppendedList(key)
        return appended

    def _collect_failed(self, operation: Operation, micro_ops: Sequence[MicroOp]) -> None:
        for f, key, value in micro_ops:
            if f == "append":
                self._list(key).failed[_element(value)] = operation

    def _collect(self, number: int, micro_ops: Sequence[MicroOp]) -> None:
        """Note who appended and read what."""
        keys = [key for _, key, _ in micro_ops]
        if len(keys) > 1 and len(frozenset(keys)) < len(keys):
            self._collect_with_repeats(number, micro_ops)
            return
        for f, key, value in micro_ops:
            appended = self._lists.get(key) or self._list(key)
            if f == "append":
                self._note_append(appended, number, _element(value))
            else:
                elements = self._elements(number, value)
                appended.reads.append((number, elements))
                if len(elements) > len(appended.longest):
                    appended.longest = elements

    def _collect_with_repeats(self, number: int, micro_ops: Sequence[MicroOp]) -> None:
        """Note the same of a transaction that comes back to a key, and what it got wrong there."""
        seen: dict[Hashable, _Seen] = {}
        for f, key, value in micro_ops:
            appended, state = self._list(key), seen.setdefault(key, _Seen())
            if f == "append":
                element = _element(value)
                self._note_append(appended, number, element)
                self._append_again(appended, number, state, element)
                continue
            elements = self._elements(number, value)
            self._read_again(appended, number, state, elements)
            if len(elements) > len(appended.longest):
                appended.longest = elements
            reads = appended.inner_reads if state.appended else appended.reads
            reads.append((number, elements))
            state.read, state.since = elements, []

    def _note_append(self, appended: AppendedList, number: int, element: Hashable) -> None:
        other = appended.writer.setdefault(element, number)
        if other != number or element in appended.failed:
            self._note_ambiguity(appended, element, other, number)

    def _note_ambiguity(
        self, appended: AppendedList, element: Hashable, one: int, other: int
    ) -> None:
        if not appended.is_ambiguous:
            appended.is_ambiguous = True
            failed = appended.failed.get(element)
            first = self.transactions.call[one] if failed is None else failed.call
            self.ambiguous.append(
                f"{shown(element)} is appended to {shown(appended.key)} by op {first} and by"
                f" op {self.transactions.call[other]}: reads do not tell which"
            )

    def _append_again(
        self, appended: AppendedList, number: int, state: "_Seen", element: Hashable
    ) -> None:
        if state.appended:
            appended.intermediate[state.appended[-1]] = number
        elif state.read is not None:
            appended.updates.append((number, state.read))
        state.appended.append(element)
        state.since.append(element)

    def _read_again(
        self, appended: AppendedList, number: int, state: "_Seen", elements: Elements
    ) -> None:
        """See whether `elements` is what the transaction itself left there (Cerone's INT)."""
        since = state.since
        if state.read is not None:
            if elements != state.read + since:
                expected = shown(state.read + since)
                self._find_internal(appended, number, elements, expected)
        elif since and elements[-len(since) :] != since:
            self._find_internal(appended, number, elements, f"a list that ends in {shown(since)}")

    def _find_internal(
        self, appended: AppendedList, number: int, elements: Elements, expected: str
    ) -> None:
        self._find("internal", number, (
            f"read {shown(appended.key)} as {shown(elements)}; after what it had done itself"
            f" this must have been {expected}"
        ))  # fmt: skip

    def _find(self, anomaly: str, number: int, what: str) -> None:
        op = self.transactions.call[number]
        self.findings.append(Finding(anomaly, (number,), f"op {op} {what}"))

    def _elements(self, number: int, value: object) -> Elements:
        if value is None:
            return []
        if type(value) is not list:
            raise ModelError(
                f"op {self.transactions.call[number]}: a read of a list answers a list,"
                f" not {shown(value)}"
            )
        if value and type(value[-1]) not in SCALARS:
            return [hashable(element) for element in value]
        return value

    def _happened(self) -> bytearray:
        """Return for each transaction whether it took effect for certain."""
        transactions = self.transactions
        happened = bytearray(map(transactions.is_ok, range(len(transactions.operations))))
        if all(happened):
            return happened
        for appended in self._lists.values():
            seen = [appended.order, *(elements for _, elements in appended.misfits)]
            for elements in seen if not appended.is_ambiguous else ():
                for element in elements:
                    number = appended.writer.get(element)
                    if number is not None:
                        happened[number] = True
        return happened

    def _relate(self, appended: AppendedList) -> None:
        """Add the dependencies that one list tells."""
        add = self.dependencies.add
        for earlier, later in pairwise(appended.before):
            if earlier != NOBODY:
                add(earlier, later, WW)
        last = appended.before[-1]
        if last != NOBODY:
            for number in appended.unread:
                add(last, number, WW)
        of_all = list(dict.fromkeys(self._relate_reads(appended)))
        self.dependencies.add_all(of_all, appended.unread, RW)

    def _relate_reads(self, appended: AppendedList) -> Iterator[int]:
        """Add what reads tell; yield who read everything."""
        add = self.dependencies.add
        before, after = appended.before, appended.after
        for number, elements in appended.misfits:
            # Of a list that fits nowhere, it is only certain that its last element was there.
            writer = appended.writer.get(elements[-1])
            if writer is not None:
                add(writer, number, WR)
        for number, elements in appended.reads:
            size = len(elements)
            place = appended.counts[size] if appended.counts else size
            if before[place] != NOBODY:
                add(before[place], number, WR)
            if after[place] != NOBODY:
                add(number, after[place], RW)
            else:
                yield number

    def _lists_of(self, number: int) -> Iterator[AppendedList]:
        for key in dict.fromkeys(key for _, key, _ in self.transactions.micro_ops[number]):
            yield self._lists[key]

    def _reads_of(self, number: int) -> Iterator[tuple[AppendedList, Elements]]:
        for appended in self._lists_of(number):
            for reader, elements in (*appended.misfits, *appended.reads):
                if reader == number:
                    yield appended, elements

    def _overwritten(self, before: int, after: int) -> tuple[AppendedList, Hashable, Hashable]:
        """Return the list in which `after` appended an element to one of `before`, and both."""
        for appended in self._lists_of(after):
            for element in [e for e, n in appended.writer.items() if n == after]:
                for earlier in appended.preceding(element):
                    if appended.writer[earlier] == before:
                        return appended, earlier, element
        raise AssertionError("a WW is between two elements of one list")


@dataclass(slots=True)
class _Seen:
    """What one transaction has seen and done to one key so far."""

    read: Elements | None = None
    """The last list it read."""
    since: Elements = field(default_factory=list)
    """What it appended since."""
    appended: Elements = field(default_factory=list)
    """All that it appended."""


def _element(value: object) -> Hashable:
    return value if type(value) in SCALARS else hashable(value)
