"""What was added to sets by the holders of locks: whether it is all there.

A holder reads the set and puts it back one element longer. Two of them at once, and one addition is
lost: that is how a lock that did not exclude shows in what it guards (Jepsen, etcd: lock-set). With
a fence, an addition that comes too late does not take effect, and nothing may ever be lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from checkers.checker import Budget
from checkers.history import History, Op
from checkers.jepsen.set_full import SetFull
from checkers.verdict import Verdict, unknown


class _Addition(msgspec.Struct, gc=False):
    set: str
    value: object


@dataclass(frozen=True, slots=True)
class GuardedSet:
    """Judges additions with a fence (`guarded`), or those without one, by `SetFull`."""

    name: str
    is_fenced: bool

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict of `SetFull` on sets that only such additions went to."""
        try:
            additions = History(self._additions(history))
        except msgspec.ValidationError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        return SetFull(name=self.name).check(additions, budget)

    def _additions(self, history: History) -> Iterator[Op]:
        """Yield additions in the shape of `add`, and reads of the same sets, at their places."""
        asked = "guarded" if self.is_fenced else "unguarded"
        sets: dict[object, str] = {}
        calls: dict[int, str] = {}
        for operation in history.operations():
            if operation.f == asked:
                name = msgspec.convert(operation.value, _Addition).set
                sets[name] = name
                calls[operation.call] = name
        in_flight: dict[object, str] = {}
        for op in history.client_ops():
            if op.index in calls:
                addition = msgspec.convert(op.value, _Addition)
                in_flight[op.process] = addition.set
                yield msgspec.structs.replace(op, f="add", key=addition.set, value=addition.value)
            elif op.f == asked and op.process in in_flight:
                yield msgspec.structs.replace(op, f="add", key=in_flight[op.process], value=None)
            elif op.f == "read" and op.key in sets:
                yield op
