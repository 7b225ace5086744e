"""When the store answered: the longest silence, and how soon it recovered from faults.

Figures, not verdicts: a store may be unavailable as long as it likes and still be correct.
All times are nanoseconds of the history's clock.
"""

import itertools
from collections.abc import Collection

import msgspec

from checkers.history import NEMESIS, History, Op, OpType


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which no operation was answered with ok."""

    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """How long it lasted."""
        return self.end_ns - self.start_ns


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What followed the undoing of one fault."""

    index: int
    """The op in which the nemesis noted the undoing."""
    f: str
    undone_ns: int
    first_ok_ns: int | None
    """When the first ok after it came; None if none ever did."""

    @property
    def duration_ns(self) -> int | None:
        """How long clients still waited; None if they waited in vain."""
        return None if self.first_ok_ns is None else self.first_ok_ns - self.undone_ns


def longest_gap(history: History) -> Gap | None:
    """Return the longest time without an ok, the earliest of equals; None without client ops.

    It is sought between the first and the last op of any client, so a store that never answered,
    or stopped answering for good, has a gap to show for it.
    """
    ops = history.client_ops()
    if not ops:
        return None
    moments = [ops[0].time, *_ok_times(ops), ops[-1].time]
    gaps = [Gap(start_ns=start, end_ns=end) for start, end in itertools.pairwise(moments)]
    return max(gaps, key=lambda gap: gap.duration_ns)


def recoveries(history: History, undoings: Collection[str]) -> tuple[Recovery, ...]:
    """Return what followed every nemesis op whose `f` is among `undoings`, in order.

    Which ops undo a fault the caller knows: a heal, a restart, a resumption. Ops that share a
    time are told apart by their order.
    """
    backwards: list[Recovery] = []
    first_ok_ns: int | None = None
    for op in reversed(history.ops):
        if op.process != NEMESIS:
            first_ok_ns = op.time if op.type is OpType.OK else first_ok_ns
        elif op.f in undoings:
            backwards.append(
                Recovery(index=op.index, f=op.f, undone_ns=op.time, first_ok_ns=first_ok_ns)
            )
    return tuple(reversed(backwards))


def _ok_times(ops: Collection[Op]) -> list[int]:
    return [op.time for op in ops if op.type is OpType.OK]
