"""Generator, processes and recorder put together, without I/O; shared by every driver.

The driver asks `step` for operations until it is told to wait, starts each at its node, and hands
back every outcome with `complete`. The interpreter numbers the ops, stamps them, keeps the rules
of a history, and gives a thread whose operation ended with `info` a new process.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

import msgspec

from checkers.history import NEMESIS, Op, OpType
from harness.client import Completion
from harness.errors import GeneratorError
from harness.generator.generator import Context, Generator, Invocation, Pending
from nodeimpl.ids import Instant

MOVE: Final = "move_clients"
"""What an op of the nemesis says when the clients of a node are sent to another one."""


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """Start this operation now."""

    op: Op
    """The invoke, already recorded."""
    thread: int
    """To hand back with the completion."""
    node: str


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Nothing to start. Ask again at `until`, and whenever an operation has completed.

    None: only a completion can change anything.
    """

    until: Instant | None


class Exhausted(msgspec.Struct, frozen=True, gc=False):
    """The generator is done and no operation is open."""


Step: TypeAlias = Dispatch | Wait | Exhausted


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """The interpreter's streams of chance, one per concern."""

    generator: Random
    """For the generators."""
    rove: Random
    """For the choice of nodes."""


class Interpreter:
    """Runs one generator after another on `concurrency` threads.

    The process of a thread starts as the thread's own number and rises by `concurrency` whenever
    an operation ends with `info`; no number is used twice. A process asks its home node, or, for a
    share `rove` of its operations, any node: clients that stay where they are hide stale reads.

    `record` is given every op, in the order of the history.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        nodes: Sequence[str],
        rove: float,
        streams: Streams,
        record: Callable[[Op], None],
    ) -> None:
        assert concurrency >= 1, "somebody must do the work"
        assert nodes, "somebody must be asked"
        self._threads = tuple(range(concurrency))
        self._processes = list(self._threads)
        self._open: list[Op | None] = [None] * concurrency
        self._free = self._threads
        self._nodes = tuple(nodes)
        self._rove = rove
        self._streams = streams
        self._record = record
        self._generator: Generator | None = None
        self._firm_until: Instant | None = None
        """Nothing comes before then, so the generator need not be asked; None if it must be."""
        self._op_count = 0
        self._time = Instant(0)
        self._keys: dict[str, None] = {}

    @property
    def open_count(self) -> int:
        """How many operations are in flight."""
        return len(self._threads) - len(self._free)

    @property
    def keys(self) -> Sequence[str]:
        """Every key that an operation was about, in order of first use."""
        return tuple(self._keys)

    def follow(self, generator: Generator) -> None:
        """Take operations from `generator` from now on, instead of the one before it."""
        self._generator = generator
        self._firm_until = None

    def step(self, now: Instant) -> Step:
        """Return what to do now; to be asked until it is not a `Dispatch`."""
        if self._generator is None:
            return Wait(None) if self.open_count else Exhausted()
        if self._firm_until is not None and now < self._firm_until:
            return Wait(self._firm_until)
        context = self._context(now)
        answer, asked = self._generator.next(context)
        if answer is None:
            self._generator = None
            return Wait(None) if self.open_count else Exhausted()
        self._generator = asked
        if isinstance(answer, Pending):
            self._check_pending(answer, context)
            self._firm_until = answer.until if answer.is_firm else None
            return Wait(answer.until)
        self._firm_until = None
        return self._dispatch(answer, context)

    def complete(self, now: Instant, thread: int, completion: Completion) -> None:
        """Take the outcome of the operation that `thread` has in flight."""
        invoke = self._open[thread]
        assert invoke is not None, f"thread {thread} has nothing in flight to complete"
        assert completion.type is not OpType.INVOKE, "an invoke completes nothing"
        op = Op(
            index=self._op_count,
            time=self._passed_to(now),
            process=invoke.process,
            type=completion.type,
            f=invoke.f,
            key=invoke.key,
            value=completion.value,
            node=invoke.node,
            error=completion.error,
        )
        self._open[thread] = None
        self._free = tuple(sorted((*self._free, thread)))
        if completion.type is OpType.INFO:
            self._processes[thread] += len(self._threads)
        self._write(op)
        if self._generator is not None:
            self._generator = self._generator.update(self._context(now), op)

    def retire_open(self, now: Instant, error: str = "the trial ended") -> Sequence[int]:
        """Complete every open operation with `info`; return the threads whose they were."""
        threads = [thread for thread in self._threads if self._open[thread] is not None]
        for thread in threads:
            self.complete(now, thread, Completion(OpType.INFO, error=error))
        return threads

    def note_fault(self, now: Instant, f: str, value: object, error: str | None = None) -> None:
        """Record what the nemesis did, as an `info` op of its own process."""
        self._write(
            Op(
                index=self._op_count,
                time=self._passed_to(now),
                process=NEMESIS,
                type=OpType.INFO,
                f=f,
                value=value,
                error=error,
            )
        )

    def note_move(self, now: Instant, founder: str, to: str) -> None:
        """Record that what is asked of `founder` is asked of the node `to` from now on.

        Who judges a node by what it answered before must know: it is another one.
        """
        self.note_fault(now, MOVE, {"of": founder, "to": to})

    def _dispatch(self, invocation: Invocation, context: Context) -> Dispatch:
        thread = invocation.thread
        if thread is None or thread not in self._free:
            raise GeneratorError(f"{invocation.f!r} is for thread {thread}, which is not free")
        process = self._processes[thread]
        node = self._node_for(process) if invocation.node is None else invocation.node
        if node not in self._nodes:
            raise GeneratorError(f"{invocation.f!r} is for node {node!r}; nodes: {self._nodes}")
        op = Op(
            index=self._op_count,
            time=context.now,
            process=process,
            type=OpType.INVOKE,
            f=invocation.f,
            key=invocation.key,
            value=invocation.value,
            node=node,
        )
        self._open[thread] = op
        self._free = tuple([other for other in self._free if other != thread])
        if op.key is not None:
            self._keys[op.key] = None
        self._write(op)
        return Dispatch(op, thread, node)

    def _node_for(self, process: int) -> str:
        """Return the home node of `process`, or now and then any node."""
        nodes, random = self._nodes, self._streams.rove
        if random.random() < self._rove:
            return nodes[int(random.random() * len(nodes))]
        return nodes[process % len(nodes)]

    def _context(self, now: Instant) -> Context:
        return Context(
            now=self._passed_to(now),
            free=self._free,
            threads=self._threads,
            concurrency=len(self._threads),
            random=self._streams.generator,
        )

    def _check_pending(self, pending: Pending, context: Context) -> None:
        if pending.until is not None and pending.until <= context.now:
            raise GeneratorError(f"asked to wait until {pending.until} ns, at {context.now} ns")
        if pending.until is None and not self.open_count:
            raise GeneratorError("waits for a completion while no operation is open")

    def _passed_to(self, now: Instant) -> Instant:
        assert now >= self._time, f"time went back from {self._time} ns to {now} ns"
        self._time = now
        return now

    def _write(self, op: Op) -> None:
        self._op_count += 1
        self._record(op)
