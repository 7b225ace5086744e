"""Causal consistency of registers, by the patterns that it forbids (Bouajjani et al. 2017).

What a process did comes before what it does; a write comes before the reads that return it; and so
on through both. Each value of a key is written once, so one can tell whose write a read returned.
Forbidden are: a read of a value that nobody wrote; a circle; a read that returns a write though
another write of the key lies between the two; a read of nothing though a write of the key comes
before it.

The causal past of an operation is a *clock*: for each process, how many of its operations lie in
that past.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from checkers.checker import Budget
from checkers.history import History, Operation, OpType, Process
from checkers.jepsen.answers import UnreadableError, conviction, hashable, in_words
from checkers.verdict import Verdict, unknown, valid

NAME: Final = "causal"

_Written = tuple[str | None, Hashable]
"""A key and a value."""


@dataclass(slots=True)
class _Node:
    """One operation in the causal order."""

    operation: Operation
    place: int
    """Which of its process' operations it is, from 1."""
    source: "_Node | None" = None
    """The write that this read returned."""
    before: "_Node | None" = None
    """What the process did before."""
    clock: dict[Process, int] = field(default_factory=dict)

    @property
    def is_write(self) -> bool:
        return self.operation.f == "write"


@dataclass(frozen=True, slots=True)
class Causal:
    """Judges histories of `write` and `read` on registers. It takes no steps."""

    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict; `UNKNOWN` if nothing was read."""
        del budget
        try:
            nodes, writers = _nodes(history)
        except UnreadableError as error:
            return unknown(self.name, f"cannot read the history: {error}")
        reads = [node for node in nodes if not node.is_write]
        if not reads:
            return unknown(self.name, "nothing was read")
        for read in reads:
            value = hashable(read.operation.result)
            if value is None:
                continue
            read.source = writers.get((read.operation.key, value))
            if read.source is None:
                story = f"{in_words(read.operation)} returned {value!r}, which nobody wrote"
                return conviction(self.name, "never-written", story, [read.operation])
        ordered = _in_causal_order(nodes)
        if len(ordered) < len(nodes):
            return self._circle(nodes, ordered)
        return self._judge(ordered) or valid(self.name, {"reads": len(reads)})

    def _circle(self, nodes: Sequence[_Node], ordered: Sequence[_Node]) -> Verdict:
        """Name operations that come before themselves: follow causes among those left over."""
        placed = {node.operation.call for node in ordered}
        left = {node.operation.call: node for node in nodes if node.operation.call not in placed}
        node = next(iter(left.values()))
        path: dict[int, Operation] = {}
        while node.operation.call not in path:
            path[node.operation.call] = node.operation
            causes = [cause for cause in (node.source, node.before) if cause is not None]
            node = next(cause for cause in causes if cause.operation.call in left)
        calls = list(path)
        circle = [path[call] for call in calls[calls.index(node.operation.call) :]]
        words = ", which follows ".join(map(in_words, [*circle, circle[0]]))
        return conviction(self.name, "causes-itself", words, circle)

    def _judge(self, ordered: Sequence[_Node]) -> Verdict | None:
        """Compare each read with the writes of its key in its causal past."""
        writes: dict[str | None, dict[Process, list[_Node]]] = {}
        for node in ordered:
            operation = node.operation
            if node.is_write:
                by_process = writes.setdefault(operation.key, {})
                by_process.setdefault(operation.process, []).append(node)
                continue
            for process, known in writes.get(operation.key, {}).items():
                count = bisect_right(known, node.clock.get(process, 0), key=_place)
                found = self._overlooked(node, known[count - 1]) if count else None
                if found is not None:
                    return found
        return None

    def _overlooked(self, read: _Node, write: _Node) -> Verdict | None:
        """Say that `read` should have seen `write`, which its process did last of its past."""
        source = read.source
        if source is None:
            story = (
                f"{in_words(read.operation)} found nothing, though {in_words(write.operation)} of"
                f" {write.operation.value!r} comes before it"
            )
            return conviction(
                self.name, "write-overlooked", story, [write.operation, read.operation]
            )
        if write is source or not _is_before(source, write):
            return None
        story = (
            f"{in_words(read.operation)} returned {source.operation.value!r}, though"
            f" {in_words(write.operation)} of {write.operation.value!r} comes between"
        )
        operations = [source.operation, write.operation, read.operation]
        return conviction(self.name, "overwritten-value", story, operations)


def _place(node: _Node) -> int:
    return node.place


def _is_before(first: _Node, second: _Node) -> bool:
    return first is not second and first.place <= second.clock.get(first.operation.process, 0)


def _nodes(history: History) -> tuple[list[_Node], dict[_Written, _Node]]:
    """Return all operations that happened or, being writes, may have; and who wrote what."""
    nodes: list[_Node] = []
    writers: dict[_Written, _Node] = {}
    last: dict[Process, _Node] = {}
    for operation in history.operations():
        happened = operation.outcome is OpType.OK
        if operation.f not in {"read", "write"} or not (
            happened or (operation.f == "write" and operation.outcome is OpType.INFO)
        ):
            continue
        before = last.get(operation.process)
        node = _Node(operation, before.place + 1 if before else 1, before=before)
        last[operation.process] = node
        nodes.append(node)
        if node.is_write:
            written = (operation.key, hashable(operation.value))
            if written in writers:
                raise UnreadableError(f"operation {operation.call}: its value is written again")
            writers[written] = node
    return nodes, writers


def _in_causal_order(nodes: Sequence[_Node]) -> list[_Node]:
    """Return the nodes, causes first, with their clocks; without those that are in a circle."""
    followers: dict[int, list[_Node]] = {}
    waiting: dict[int, int] = {}
    for node in nodes:
        causes = [cause for cause in (node.source, node.before) if cause is not None]
        waiting[node.operation.call] = len(causes)
        for cause in causes:
            followers.setdefault(cause.operation.call, []).append(node)
    ready = deque(node for node in nodes if not waiting[node.operation.call])
    ordered: list[_Node] = []
    while ready:
        node = ready.popleft()
        ordered.append(node)
        _set_clock(node)
        for follower in followers.get(node.operation.call, ()):
            waiting[follower.operation.call] -= 1
            if not waiting[follower.operation.call]:
                ready.append(follower)
    return ordered


def _set_clock(node: _Node) -> None:
    clock: dict[Process, int] = {}
    for cause in (node.before, node.source):
        if cause is not None:
            for process, count in cause.clock.items():
                clock[process] = max(clock.get(process, 0), count)
    clock[node.operation.process] = node.place
    node.clock = clock
