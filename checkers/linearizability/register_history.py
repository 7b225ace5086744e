"""A history of one register with its values numbered: what `register_moves` goes by.

Here a `cas` from v to v has become a read of v; and unknown reads and mismatches, which prove
nothing, are no longer active.
"""

from collections.abc import Hashable, Sequence
from typing import Final

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


class RegisterHistory:
    """The operations of a `Register` or `CasRegister`, by place."""

    __slots__ = (
        "active",
        "calls",
        "consumed_until",
        "crashed_count",
        "escaped_until",
        "expected",
        "kinds",
        "new",
        "value_count",
    )

    def __init__(self, intervals: Sequence[Interval[object]], initial: Hashable) -> None:
        self.kinds: Final[list[int]] = []
        self.expected: Final[list[int]] = []
        """The number of the value that an operation reads, expects or writes; 0 is the initial."""
        self.new: Final[list[int]] = []
        """The number of the value that a cas then writes."""
        self.calls: Final[list[int]] = []
        self.active: Final[list[int]] = []
        """The places of the operations that prove something."""
        self.consumed_until: Final[dict[int, int]] = {}
        """By value, the last moment at which a read or cas may consume it."""
        self.escaped_until = NEVER
        """The last moment at which a mismatch may need another value."""
        self.crashed_count: Final = sum(interval.ret is None for interval in intervals)

        numbers = {initial: 0}
        for place, (operation, call, ret, _) in enumerate(intervals):
            kind, expected, new = _numbered(operation, numbers)
            self.kinds.append(kind)
            self.expected.append(expected)
            self.new.append(new)
            self.calls.append(call)
            if ret is not None or kind in (WRITE, CAS):
                self.active.append(place)
                if kind != WRITE:
                    self._consume(kind, expected, FOR_EVER if ret is None else ret)
        self.value_count: Final = len(numbers)

    def _consume(self, kind: int, value: int, until: int) -> None:
        if kind == MISMATCH:
            self.escaped_until = max(self.escaped_until, until)
        else:
            self.consumed_until[value] = max(until, self.consumed_until.get(value, NEVER))


def _numbered(operation: object, numbers: dict[Hashable, int]) -> tuple[int, int, int]:
    """Return the kind of `operation` and its two values, numbering those that are new."""
    match operation:
        case Read():
            return READ, numbers.setdefault(operation.value, len(numbers)), 0
        case Write():
            return WRITE, numbers.setdefault(operation.value, len(numbers)), 0
        case Cas():
            expected = numbers.setdefault(operation.expected, len(numbers))
            new = numbers.setdefault(operation.new, len(numbers))
            return (READ if expected == new else CAS), expected, new
        case CasMismatch():
            return MISMATCH, numbers.setdefault(operation.expected, len(numbers)), 0
        case _:
            raise AssertionError(f"{operation!r} is not an operation of a register")
