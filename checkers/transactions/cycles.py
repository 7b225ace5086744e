"""Cycles in a `Core`: where there are any, and the shortest through an edge.

Searches are told which kinds of edges they may use. An edge counts as one step, the second half
of a split edge as none, so the shortest cycle is the one with the fewest transactions.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from checkers.transactions.graph import (
    JOIN,
    KIND_BITS,
    KIND_MASK,
    PROCESS,
    REALTIME,
    RW,
    Core,
)

SHORTEST: Final = 2
"""Transactions in the shortest cycle there can be."""


class Step(NamedTuple):
    """One edge of a cycle: `before` must come before `after`. Transactions by number."""

    before: int
    kind: int
    after: int


@dataclass(slots=True)
class Budget:
    """Edges that a search may still look at."""

    left: int


class Search(NamedTuple):
    """Which cycles are looked for."""

    through: int
    """Kinds of which an edge of the cycle must have one."""
    others: int
    """The kinds that may be used besides, as bits; of an edge, all bits must be among them."""
    is_spaced: bool = False
    """Whether `RW` is allowed elsewhere, but never twice in a row."""
    time: int = 0
    """`PROCESS` and `REALTIME`, as far as they may be used: alone, or as a mark on other edges."""

    @property
    def all_kinds(self) -> int:
        """Every bit that an edge of such a cycle may have."""
        return self.through | self.others | self.time

    def with_time(self, time: int) -> "Search":
        """Return the same search in which `time` may be used."""
        return self._replace(time=time)


def components(  # noqa: C901 - the textbook's one loop
    successors: Sequence[Sequence[int]], allowed: int
) -> list[int]:
    """Return for each vertex the number of its strongly connected component; -1 if alone.

    Only edges count all of whose bits are in `allowed` (Tarjan 1972, with a stack of its own).
    """
    total = len(successors)
    refused = KIND_MASK & ~allowed
    found = [-1] * total
    low = [0] * total
    order = [0] * total  # 0: not seen; else the place in the order of discovery, from 1
    on_stack = bytearray(total)
    stack: list[int] = []
    seen = 0
    for root in range(total):
        path = [] if order[root] else [(root, iter(successors[root]))]
        while path:
            vertex, edges = path[-1]
            if not order[vertex]:
                seen += 1
                order[vertex] = low[vertex] = seen
                stack.append(vertex)
                on_stack[vertex] = 1
            for edge in edges:
                target = edge >> KIND_BITS
                if edge & refused:
                    continue
                if not order[target]:
                    path.append((target, iter(successors[target])))
                    break
                if on_stack[target] and order[target] < low[vertex]:
                    low[vertex] = order[target]
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[vertex])
                if low[vertex] == order[vertex]:
                    _take(stack, on_stack, vertex, found)
    return found


def _take(stack: list[int], on_stack: bytearray, root: int, found: list[int]) -> None:
    """Take the component of `root` off the stack, and number it by its root if it has others."""
    is_alone = stack[-1] == root
    member = -1
    while member != root:
        member = stack.pop()
        on_stack[member] = 0
        found[member] = -1 if is_alone else root


def spaced_successors(core: Core) -> list[list[int]]:
    """Return the edges between states: v reached by any other edge, 2v, or by `RW`, 2v + 1.

    From the latter no `RW` leads on: a cycle of states is a closed walk without two in a row.
    """
    doubled: list[list[int]] = []
    for edges in core.successors:
        after_other, after_rw = [], []
        for edge in edges:
            target, kind = edge >> KIND_BITS, edge & KIND_MASK
            if kind & RW:
                after_other.append((2 * target + 1) << KIND_BITS | kind)
            elif kind == JOIN:
                after_other.append(2 * target << KIND_BITS | kind)
                after_rw.append((2 * target + 1) << KIND_BITS | kind)
            else:
                after_other.append(2 * target << KIND_BITS | kind)
                after_rw.append(2 * target << KIND_BITS | kind)
        doubled += [after_other, after_rw]
    return doubled


def shortest_cycle(core: Core, search: Search, budget: Budget) -> list[Step] | None:
    """Return a cycle with the fewest transactions, or the best that the budget allows.

    None if there is none, or none was found: then `budget.left` is negative. One edge is always
    followed to its end.
    """
    best: list[tuple[int, int]] | None = None
    for source, kind, target in _candidates(core, search):
        length_max = len(core.origin) if best is None else _length(best) - 1
        if length_max < SHORTEST or budget.left < 0:
            break
        path = _shortest_path(core, search, (target, source), length_max - 1, budget)
        if path is not None:
            best = [(source, kind), *path]
    return None if best is None else _condensed(core, best)


def _candidates(core: Core, search: Search) -> Iterator[tuple[int, int, int]]:
    """Yield the edges that a cycle may have to go through, as source, kind and target."""
    if search.is_spaced:
        doubled = components(spaced_successors(core), search.all_kinds)
        ends = [(doubled[place], doubled[place + 1]) for place in range(0, len(doubled), 2)]
    else:
        single = components(core.successors, search.all_kinds)
        ends = [(component, component) for component in single]
    refused = KIND_MASK & ~search.all_kinds
    for source, edges in enumerate(core.successors):
        for edge in edges:
            target = edge >> KIND_BITS
            if (
                edge & search.through
                and not edge & refused
                and ends[source][0] >= 0
                and ends[source][0] == ends[target][1]
            ):
                yield source, edge & KIND_MASK, target


def _shortest_path(
    core: Core, search: Search, ends: tuple[int, int], length_max: int, budget: Budget
) -> list[tuple[int, int]] | None:
    """Return the shortest path from the first of `ends` to the second, of at most `length_max`.

    Each of its vertices comes with the kind of the edge that leaves it; the last, the goal, is
    left out. States are doubled as in `spaced_successors`; unless the search is spaced, `RW` leads
    nowhere unless it is among the others, and then anywhere.
    """
    start, goal = ends
    spaced = search.is_spaced
    refused = KIND_MASK & ~(search.others | search.time | (RW if spaced else 0))
    first = 2 * start + 1 if spaced else 2 * start
    distance = {first: 0}
    came_from: dict[int, tuple[int, int]] = {}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        if state == 2 * goal:
            return _traced(came_from, first, state)
        steps = distance[state]
        after_rw = state & 1
        for edge in core.successors[state >> 1]:
            budget.left -= 1
            kind = edge & KIND_MASK
            if edge & refused or (after_rw and kind & RW):
                continue
            reached = steps + (kind != JOIN)
            marked = spaced and (kind & RW or (after_rw and kind == JOIN))
            following = edge >> KIND_BITS << 1 | (1 if marked else 0)
            if reached > length_max or reached >= distance.get(following, reached + 1):
                continue
            distance[following] = reached
            came_from[following] = (state, kind)
            if kind == JOIN:
                queue.appendleft(following)
            else:
                queue.append(following)
    return None


def _traced(came_from: dict[int, tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    path = []
    state = last
    while state != first:
        state, kind = came_from[state]
        path.append((state >> 1, kind))
    path.reverse()
    return path


def _length(edges: Sequence[tuple[int, int]]) -> int:
    return sum(1 for _, kind in edges if kind != JOIN)


def _condensed(core: Core, edges: Sequence[tuple[int, int]]) -> list[Step]:
    """Return the cycle as steps between transactions, hubs and links of the chain left out.

    What one client did in turn, or real time, over several steps is one step.
    """
    first = next(place for place, (vertex, _) in enumerate(edges) if core.is_transaction(vertex))
    steps: list[tuple[int, int]] = []
    for vertex, kind in [*edges[first:], *edges[:first]]:
        if core.is_transaction(vertex):
            steps.append((core.origin[vertex], kind))
        else:
            steps[-1] = (steps[-1][0], steps[-1][1] | kind)
    merged: list[tuple[int, int]] = []
    for transaction, kind in _not_starting_in_time(steps):
        if merged and _is_time(kind) and _is_time(merged[-1][1]):
            merged[-1] = (merged[-1][0], REALTIME if kind != merged[-1][1] else kind)
        else:
            merged.append((transaction, kind))
    following = [transaction for transaction, _ in merged]
    following = [*following[1:], following[0]]
    return _innermost(
        [Step(before, kind, after) for (before, kind), after in zip(merged, following, strict=True)]
    )


def _innermost(steps: list[Step]) -> list[Step]:
    """Return the shortest part of the closed walk `steps` that is closed itself."""
    seen: dict[int, int] = {}
    best = steps
    for place, step in enumerate(steps):
        earlier = seen.get(step.before)
        if earlier is not None and place - earlier < len(best):
            best = steps[earlier:place]
        seen[step.before] = place
    return best


def _is_time(kind: int) -> bool:
    return kind in {PROCESS, REALTIME}


def _not_starting_in_time(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turn the cycle so that it does not both end and begin with time; some step is not time."""
    if not (_is_time(steps[0][1]) and _is_time(steps[-1][1])):
        return steps
    place = next(place for place, (_, kind) in enumerate(steps) if not _is_time(kind))
    return [*steps[place:], *steps[:place]]
