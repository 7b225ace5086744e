"""A generator of exactly these operations: each at its time, by its thread, at its node.

What another generator drew once can so be asked for again, without some of it. A thread that is
still busy when its next operation is due begins it as soon as it is free; no thread ever changes
the order of its own.
"""

from collections.abc import Sequence
from typing import final

import msgspec

from checkers.history import Op, OpType
from harness.generator.generator import Context, Generator, Invocation, Next, Pending
from nodeimpl.ids import Instant


class ListedOperation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation and its moment."""

    at_ns: int
    """From the start of the trial; later if the thread is busy."""
    thread: int
    node: str | None = None
    """The node to ask; None leaves the choice to the interpreter."""
    f: str
    key: str | None = None
    value: object = None

    def invocation(self) -> Invocation:
        """Return what to start."""
        return Invocation(self.f, self.key, self.value, self.thread, self.node)


@final
class Listed(msgspec.Struct, frozen=True):
    """`operations`, which are in the order of their times."""

    operations: Sequence[ListedOperation]
    place: int = 0
    """Of the next operation that has not been due yet."""
    late: tuple[ListedOperation, ...] = ()
    """Those that were due while their thread was busy, in order."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        operations, place, late = self.operations, self.place, list(self.late)
        while place < len(operations) and operations[place].at_ns <= context.now:
            late.append(operations[place])
            place += 1
        busy: list[int] = []
        for position, operation in enumerate(late):
            if operation.thread in context.free and operation.thread not in busy:
                del late[position]
                return Next(operation.invocation(), Listed(operations, place, tuple(late)))
            busy.append(operation.thread)
        left = Listed(operations, place, tuple(late))
        if place < len(operations):
            return Next(Pending(Instant(operations[place].at_ns), is_firm=not late), left)
        return Next(Pending() if late else None, left)

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - all is decided
        """See `Generator`."""
        return self


def listed(history: Sequence[Op], *, concurrency: int, until_ns: int) -> list[ListedOperation]:
    """Return what clients asked for in `history` before `until_ns`, to be asked for again."""
    return [
        ListedOperation(
            at_ns=op.time,
            thread=op.process % concurrency,
            node=op.node,
            f=op.f,
            key=op.key,
            value=op.value,
        )
        for op in history
        if op.type is OpType.INVOKE and isinstance(op.process, int) and op.time < until_ns
    ]
