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
        "calls_and_returns",
        "coded",
        "consumed_until",
        "crashed_count",
        "escaped_until",
        "intervals",
        "moment_shift",
        "value_count",
    )

    def __init__(self, intervals: Sequence[Interval[object]], initial: Hashable) -> None:
        self.intervals: Final = intervals
        self.coded: Final[list[Coded]] = []
        self.calls_and_returns: Final[list[int]] = []
        """Of the operations that prove something, in order: each one int, with its moment above
        `moment_shift` bits. These hold the place of what is called; the count of all and the place
        of what returns; or twice that and the place of what is called and never returns. Small ints
        are sorted fastest."""
        self.moment_shift: Final = (3 * len(intervals)).bit_length()
        self.consumed_until: Final[dict[int, int]] = {}
        """By value, the last moment at which a read or cas may consume it."""
        self.escaped_until = NEVER
        """The last moment at which a mismatch may need another value."""
        self.crashed_count = 0
        """Writes and `cas` of unknown outcome."""
        self.value_count: Final = self._number(intervals, {initial: 0})
        self.calls_and_returns.sort()

    @property
    def active(self) -> list[int]:
        """Return the places of the operations that prove something, by call."""
        mask, count = (1 << self.moment_shift) - 1, len(self.coded)
        events = [event & mask for event in self.calls_and_returns]
        return [event % count for event in events if not count <= event < 2 * count]

    def _number(  # noqa: C901, PLR0912 - one loop, for it takes a fifth of the time of a short search
        self, intervals: Sequence[Interval[object]], numbers: dict[Hashable, int]
    ) -> int:
        """Fill in all that is by place; return how many values there are."""
        add, happens = self.coded.append, self.calls_and_returns.append
        consumed_until, number = self.consumed_until, numbers.setdefault
        shift, count = self.moment_shift, len(intervals)
        for place, (operation, call, ret, _) in enumerate(intervals):
            if type(operation) is Write:
                add((WRITE, number(operation.value, len(numbers)), 0))
            elif type(operation) is CasMismatch:
                add((MISMATCH, number(operation.expected, len(numbers)), 0))
                if ret is None:
                    continue
                self.escaped_until = max(self.escaped_until, ret)
            else:
                until = ret
                if type(operation) is Read:
                    value = number(operation.value, len(numbers))
                    add((READ, value, 0))
                else:
                    assert type(operation) is Cas, "not an operation of a register"
                    value = number(operation.expected, len(numbers))
                    new = number(operation.new, len(numbers))
                    if value != new:
                        until = FOR_EVER if ret is None else ret
                    add((CAS, value, new) if value != new else (READ, value, 0))
                if until is None:
                    continue
                if consumed_until.get(value, NEVER) < until:
                    consumed_until[value] = until
            if ret is None:
                self.crashed_count += 1
                happens(call << shift | 2 * count + place)
            else:
                happens(call << shift | place)
                happens(ret << shift | count + place)
        return len(numbers)

    def consumable(self, value: int, moment: int) -> bool:
        """Return whether anything at `moment` or later can tell that `value` was written."""
        return self.escaped_until >= moment or self.consumed_until.get(value, NEVER) >= moment
