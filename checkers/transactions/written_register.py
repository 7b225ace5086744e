"""One register: who wrote what, who read what, and which version came before which."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from checkers.history import Operation
from checkers.transactions.graph import NEVER, PROCESS
from checkers.transactions.transactions import Transactions

Version: TypeAlias = Hashable
"""A value: each is written once. None is the first version, which nobody wrote."""


class Touch(NamedTuple):
    """What one transaction saw first of a register, and what it left there."""

    number: int
    first: Version
    last: Version


@dataclass(slots=True)
class WrittenRegister:
    """What is known of one key."""

    key: Hashable
    writer: dict[Version, int] = field(default_factory=dict)
    """By value: the transaction that wrote it, which may have happened."""
    failed: dict[Version, Operation] = field(default_factory=dict)
    """By value: the transaction that wrote it and did not happen."""
    intermediate: dict[Version, int] = field(default_factory=dict)
    """Values that their own writer overwrote."""
    readers: dict[Version, list[int]] = field(default_factory=dict)
    """By value: who read it before writing the key themselves; each once."""
    updates: dict[Version, list[int]] = field(default_factory=dict)
    """By value: those of its readers that then wrote the key."""
    touches: list[Touch] = field(default_factory=list)
    """By call."""
    is_ambiguous: bool = False
    """Whether a value was written twice, so that reads do not tell whose they saw."""

    overwritten: dict[int, dict[Version, list[int]]] = field(default_factory=dict)
    """By `PROCESS` or `REALTIME`, then by value: who wrote a version that, by that, came later."""

    def find_overwritten(self, transactions: Transactions, mark: int) -> None:
        """Fill `overwritten` at `mark`, from what one left and a later one saw first."""
        order = _in_turn if mark == PROCESS else _one_after_the_other
        writer, later = self.writer, self.overwritten.setdefault(mark, {})
        pairs = {(one.last, other.first): None for one, other in order(self.touches, transactions)}
        for before, after in pairs:
            number = writer.get(after)
            if number is not None and number != writer.get(before, number):
                later.setdefault(before, []).append(number)

    def versions_after(self, version: Version, mark: int) -> Iterator[int]:
        """Yield who wrote a version known to be later than `version`, not by time unless marked."""
        yield from self.updates.get(version, ())
        if mark:
            yield from self.overwritten.get(mark, {}).get(version, ())


def _in_turn(touches: Sequence[Touch], transactions: Transactions) -> Iterator[tuple[Touch, Touch]]:
    """Yield each touch with the next of the same process."""
    latest: dict[int | str, Touch] = {}
    for touch in touches:
        process = transactions.process[touch.number]
        if process in latest:
            yield latest[process], touch
        latest[process] = touch


def _one_after_the_other(
    touches: Sequence[Touch], transactions: Transactions
) -> Iterator[tuple[Touch, Touch]]:
    """Yield each touch with those that returned before it began, but for whatever is between.

    At most as many are left for each touch as there were in flight at once.
    """
    call, ret = transactions.call, transactions.ret
    by_return = sorted(
        (touch for touch in touches if ret[touch.number] < NEVER),
        key=lambda touch: ret[touch.number],
    )
    recent: list[Touch] = []
    returned = 0
    for touch in touches:
        while returned < len(by_return) and ret[by_return[returned].number] < call[touch.number]:
            done = by_return[returned]
            recent = [other for other in recent if ret[other.number] > call[done.number]]
            recent.append(done)
            returned += 1
        for other in recent:
            yield other, touch
