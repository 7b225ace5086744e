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


class ErrorRate(msgspec.Struct, frozen=True, kw_only=True):
    """How operations ended that were answered within one stretch of time."""

    start_ns: int
    end_ns: int
    ok_count: int
    fail_count: int
    info_count: int

    @property
    def error_share(self) -> float:
        """The share that was not ok, from 0 to 1; 0 where nothing ended."""
        count = self.ok_count + self.fail_count + self.info_count
        return (self.fail_count + self.info_count) / count if count else 0.0


def error_rates(history: History, bucket_ns: int) -> tuple[ErrorRate, ...]:
    """Return how operations ended, for each `bucket_ns` from the start to the last completion."""
    assert bucket_ns > 0, "time goes on"
    counts: list[dict[OpType, int]] = []
    for op in history.client_ops():
        if op.type is OpType.INVOKE:
            continue
        bucket = op.time // bucket_ns
        counts.extend(dict.fromkeys(OpType, 0) for _ in range(bucket + 1 - len(counts)))
        counts[bucket][op.type] += 1
    return tuple(
        ErrorRate(
            start_ns=place * bucket_ns,
            end_ns=(place + 1) * bucket_ns,
            ok_count=count[OpType.OK],
            fail_count=count[OpType.FAIL],
            info_count=count[OpType.INFO],
        )
        for place, count in enumerate(counts)
    )


def gaps(history: History, at_least_ns: int) -> tuple[Gap, ...]:
    """Return every time of at least `at_least_ns` without an ok, in order."""
    ops = history.client_ops()
    if not ops:
        return ()
    moments = [ops[0].time, *_ok_times(ops), ops[-1].time]
    return tuple(
        Gap(start_ns=start, end_ns=end)
        for start, end in itertools.pairwise(moments)
        if end - start >= at_least_ns
    )


def _ok_times(ops: Collection[Op]) -> list[int]:
    return [op.time for op in ops if op.type is OpType.OK]
