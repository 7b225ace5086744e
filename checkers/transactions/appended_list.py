"""One list: who appended what, who read what, and the order that follows from the longest read."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from checkers.history import Operation
from checkers.models.model import hashable

NOBODY: Final = -1

Elements: TypeAlias = list[Hashable]


@dataclass(slots=True)
class AppendedList:
    """What is known of one key. The fields below `order` are there after `put_in_order`."""

    key: Hashable
    writer: dict[Hashable, int] = field(default_factory=dict)
    """By element: the transaction that appended it, which may have happened."""
    failed: dict[Hashable, Operation] = field(default_factory=dict)
    """By element: the transaction that appended it and did not happen."""
    intermediate: dict[Hashable, int] = field(default_factory=dict)
    """Elements to which their own writer appended another one."""
    reads: list[tuple[int, Elements]] = field(default_factory=list)
    """By transaction: what it read before it appended anything itself."""
    inner_reads: list[tuple[int, Elements]] = field(default_factory=list)
    """By transaction: what it read after it had appended something itself."""
    updates: list[tuple[int, Elements]] = field(default_factory=list)
    """By transaction: what it had read when it appended for the first time."""
    longest: Elements = field(default_factory=list)
    is_ambiguous: bool = False
    """Whether an element was appended twice, so that reads do not tell whose they saw."""

    order: Elements = field(default_factory=list)
    """The longest list read, each element once."""
    before: list[int] = field(default_factory=list)
    """By the number of elements in a prefix of `order`: who wrote its last; `NOBODY` if empty."""
    after: list[int] = field(default_factory=list)
    """By the number of elements in a prefix of `order`: who wrote the next, or `NOBODY`."""
    unread: list[int] = field(default_factory=list)
    """Who appended, for certain, what nobody read."""
    counts: list[int] = field(default_factory=list)
    """By the length of a prefix of `longest`: its distinct elements; empty if all are."""
    misfits: list[tuple[int, Elements]] = field(default_factory=list)
    """The reads that are no prefix of the longest, inner ones included; taken out of the others."""

    def all_reads(self) -> Iterator[tuple[int, Elements]]:
        """Yield every read, those that do not fit first."""
        yield from self.misfits
        yield from self.reads
        yield from self.inner_reads

    def is_prefix(self, elements: Elements) -> bool:
        """Say whether the longest list begins so."""
        return elements == self.longest[: len(elements)]

    def place(self, elements: Elements) -> int:
        """Return how many elements of `order` a prefix has."""
        return self.counts[len(elements)] if self.counts else len(elements)

    def put_in_order(self) -> None:
        """Work out the order of elements, and who wrote what was before and after each prefix."""
        try:
            self.order = list(dict.fromkeys(self.longest))
        except TypeError:  # a list among plain elements: nobody appended that, but it was read
            self._make_hashable()
            self.order = list(dict.fromkeys(self.longest))
        self._set_misfits_apart()
        writers = [self.writer.get(element, NOBODY) for element in self.order]
        self.before, self.after = _latest(writers), _latest(writers[::-1])[::-1]
        if len(self.order) < len(self.longest):
            self.counts = [
                len(dict.fromkeys(self.longest[:n])) for n in range(len(self.longest) + 1)
            ]

    def find_unread(self, happened: bytearray) -> None:
        """Note who appended what is not in `order`, of those that `happened`."""
        unread = self.writer.keys() - dict.fromkeys(self.order).keys()
        if unread:
            numbers = [n for e, n in self.writer.items() if e in unread and happened[n]]
            self.unread = list(dict.fromkeys(numbers))

    def missed(self, elements: Elements, writer: int) -> Elements:
        """Return what `writer` appended right after `elements` was read, in a list; else none."""
        if not self.is_prefix(elements):
            return []
        place = self.place(elements)
        if self.after[place] == writer:
            return [next(e for e in self.order[place:] if self.writer.get(e) == writer)]
        if self.after[place] == NOBODY and writer in self.unread:
            return [e for e, n in self.writer.items() if n == writer and e not in self.order][:1]
        return []

    def last_of(self, elements: Elements, writer: int) -> Elements:
        """Return the last of `elements` that counts, in a list, if `writer` appended it."""
        if self.is_prefix(elements):
            last = [e for e in self.order[: self.place(elements)] if e in self.writer][-1:]
        else:
            last = elements[-1:]
        return last if last and self.writer.get(last[0]) == writer else []

    def preceding(self, element: Hashable) -> Elements:
        """Return, in a list, the last element known to be before `element` that did not fail."""
        place = self.order.index(element) if element in self.order else len(self.order)
        return [e for e in self.order[:place] if e in self.writer][-1:]

    def _set_misfits_apart(self) -> None:
        longest = self.longest
        for reads in (self.reads, self.inner_reads):
            misfits = [read for read in reads if read[1] != longest[: len(read[1])]]
            if misfits:
                self.misfits += misfits
                reads[:] = [read for read in reads if read[1] == longest[: len(read[1])]]

    def _make_hashable(self) -> None:
        self.longest = _hashable(self.longest)
        self.reads = [(number, _hashable(elements)) for number, elements in self.reads]
        self.inner_reads = [(number, _hashable(elements)) for number, elements in self.inner_reads]


def _hashable(elements: Elements) -> Elements:
    return [hashable(element) for element in elements]


def _latest(writers: list[int]) -> list[int]:
    """Return for each number of writers from the start the last that is somebody."""
    latest = [NOBODY]
    for number in writers:
        latest.append(latest[-1] if number == NOBODY else number)
    return latest
