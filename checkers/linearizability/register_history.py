"""A history of one register with its values numbered: what the searches for registers go by.

Here a `cas` from v to v has become a read of v; and unknown reads and mismatches, which prove
nothing, are no longer active.
"""

from collections.abc import Hashable, Sequence
from typing import Final, TypeAlias

from checkers.linearizability.interval import Interval
from checkers.models.cas_register import Cas, CasMismatch
from checkers.models.register import Read, Write

# Kinds of operations: plain ints, for the search compares them at every call and return.
READ: Final = 0
WRITE: Final = 1
CAS: Final = 2
MISMATCH: Final = 3

NEVER: Final = -(1 << 62)
FOR_EVER: Final = 1 << 62


Coded: TypeAlias = tuple[int, int, int]
"""An operation: its kind; the number of the value that it reads, expects or writes; and of the one
that a `cas` then writes. The initial value has number 0."""


class RegisterHistory:
    """The operations of a `Register` or `CasRegister`, by place."""

    __slots__ = (
        "active",
        "calls",
        "coded",
        "consumed_until",
        "crashed_count",
        "escaped_until",
        "rets",
        "value_count",
    )

    def __init__(self, intervals: Sequence[Interval[object]], initial: Hashable) -> None:
        self.coded: Final[list[Coded]] = []
        self.calls: Final[list[int]] = [interval[1] for interval in intervals]
        self.rets: Final[list[int | None]] = [interval[2] for interval in intervals]
        self.active: Final[list[int]] = []
        """The places of the operations that prove something."""
        self.consumed_until: Final[dict[int, int]] = {}
        """By value, the last moment at which a read or cas may consume it."""
        self.escaped_until = NEVER
        """The last moment at which a mismatch may need another value."""
        self.crashed_count: Final = self.rets.count(None)
        self.value_count: Final = self._number(intervals, {initial: 0})

    def _number(  # noqa: C901 - one loop, for it takes a fifth of the time of a short search
        self, intervals: Sequence[Interval[object]], numbers: dict[Hashable, int]
    ) -> int:
        """Fill in all that is by place; return how many values there are."""
        add, activate, consumed_until = self.coded.append, self.active.append, self.consumed_until
        number = numbers.setdefault
        for place, (operation, _, ret, _) in enumerate(intervals):
            until = ret
            if isinstance(operation, Write):
                add((WRITE, number(operation.value, len(numbers)), 0))
                activate(place)
                continue
            if isinstance(operation, Read):
                value = number(operation.value, len(numbers))
                add((READ, value, 0))
            elif isinstance(operation, Cas):
                value = number(operation.expected, len(numbers))
                new = number(operation.new, len(numbers))
                if value == new:
                    add((READ, value, 0))
                else:
                    add((CAS, value, new))
                    until = FOR_EVER if ret is None else ret
            else:
                assert isinstance(operation, CasMismatch), "not an operation of a register"
                add((MISMATCH, number(operation.expected, len(numbers)), 0))
                if ret is not None:
                    activate(place)
                    self.escaped_until = max(self.escaped_until, ret)
                continue
            if until is not None:
                activate(place)
                if consumed_until.get(value, NEVER) < until:
                    consumed_until[value] = until
        return len(numbers)

    def consumable(self, value: int, moment: int) -> bool:
        """Return whether anything at `moment` or later can tell that `value` was written."""
        return self.escaped_until >= moment or self.consumed_until.get(value, NEVER) >= moment
