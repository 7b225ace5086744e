"""Two reads must not see two writes in opposite orders (Jepsen's long-fork).

Every key is written once. A read of several keys has seen some of their writes; of two reads of the
same keys, one must have seen all that the other saw. Parallel snapshot isolation allows the
contrary, snapshot isolation and everything above it do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import msgspec

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.jepsen.answers import UnreadableError, conviction, hashable, in_words
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "long-fork"
_Read = tuple[Operation, dict[object, object]]


@dataclass(frozen=True, slots=True)
class LongFork:
    """Judges histories of `txn`s that write one key or read several. It takes no steps."""

    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if no two reads were of the same keys."""
        del budget
        try:
            groups, writes = _groups(history)
        except (UnreadableError, msgspec.ValidationError) as error:
            return unknown(self.name, f"cannot read the history: {error}")
        compared = 0
        for reads in groups:
            compared += len(reads) - 1
            found = self._fork(reads) or self._unwritten(reads, writes)
            if found is not None:
                return found
        if not compared:
            return unknown(self.name, "no two reads were of the same keys")
        return valid(self.name, {"groups": len(groups), "writes": len(writes)})

    def _fork(self, reads: Sequence[_Read]) -> Verdict | None:
        """Say which two reads saw what the other did not.

        Sorted by how much they saw, each must have seen all that the one before it saw.
        """
        by_count = sorted(reads, key=lambda read: len(_seen(read[1])))
        for (one, first), (other, second) in pairwise(by_count):
            only_first = [key for key in _seen(first) if second.get(key) is None]
            if only_first:
                only_second = [key for key in _seen(second) if first.get(key) is None]
                story = (
                    f"{in_words(one)} saw {only_first[0]!r} but not {only_second[0]!r},"
                    f" {in_words(other)} the other way round"
                )
                return conviction(self.name, "long-fork", story, [one, other])
        return None

    def _unwritten(
        self, reads: Sequence[_Read], writes: dict[object, set[object]]
    ) -> Verdict | None:
        for operation, values in reads:
            for key, value in values.items():
                if value is not None and value not in writes.get(key, set()):
                    story = f"{in_words(operation)} saw {value!r} at {key!r}, which nobody wrote"
                    return conviction(self.name, "never-written", story, [operation])
        return None


def _seen(values: dict[object, object]) -> list[object]:
    return [key for key, value in values.items() if value is not None]


def _groups(history: History) -> tuple[list[list[_Read]], dict[object, set[object]]]:
    """Return the reads by the keys they read, and the values that may have been written by key."""
    groups: dict[tuple[object, ...], list[_Read]] = {}
    writes: dict[object, set[object]] = {}
    for operation in history.operations():
        if operation.f != "txn" or operation.outcome is OpType.FAIL:
            continue
        happened = operation.outcome is OpType.OK
        steps = msgspec.convert(
            operation.result if happened else operation.value, list[tuple[str, object, object]]
        )
        read: dict[object, object] = {}
        for f, key, value in steps:
            if f == "w":
                if writes.get(hashable(key)):
                    raise UnreadableError(f"operation {operation.call}: {key!r} is written again")
                writes.setdefault(hashable(key), set()).add(hashable(value))
            else:
                read[hashable(key)] = hashable(value)
        if read and happened:
            groups.setdefault(tuple(sorted(read, key=repr)), []).append((operation, read))
    return list(groups.values()), writes
