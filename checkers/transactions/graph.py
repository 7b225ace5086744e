"""Which transaction must come before which, and the part of it that may go round in circles.

Edges are Adya's dependencies (Adya 1999, chapter 4): `WW`, one overwrote what the other wrote;
`WR`, one read what the other wrote; `RW`, one overwrote what the other read. `PROCESS` and
`REALTIME` order what one client did in turn, and what had returned before the other began. An edge
whose kind has several bits needs all of them to be granted: a dependency that was concluded from
real time says nothing where only data counts.

Three decisions keep this linear:

- Real time is never an edge between transactions: a chain of one vertex for each return stands for
  all of its pairs. The finest reduction to pairs has up to n times concurrency edges; the chain has
  three for each transaction, and the same paths.
- Where r readers precede w writers, a *hub* in the middle takes r + w edges, not r times w.
- Most histories have no cycle at all. Whatever has nothing left before it, or nothing left after
  it, is on no cycle, and is peeled off (Kahn 1962); only the rest, `Core`, is looked at.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

JOIN: Final = 0
"""The second half of an edge that was split by a hub, or a step within the chain of real time:
it comes with whatever edge led there, and counts for nothing."""
WW: Final = 1
WR: Final = 2
RW: Final = 4
PROCESS: Final = 8
REALTIME: Final = 16
ORDER: Final = 32
"""A version came before another by real time alone: `WW` between those who wrote them."""

KIND_BITS: Final = 6
KIND_MASK: Final = (1 << KIND_BITS) - 1

NEVER: Final = 1 << 62
"""The return of what never returned."""


@dataclass(slots=True)
class Dependencies:
    """Transactions, by number in the order of their calls, and what orders them.

    Vertices are the transactions and, after them, the hubs. An edge is one integer, target and
    kind: histories have millions.
    """

    call: Sequence[int]
    """The moment each transaction was asked for; rising."""
    ret: Sequence[int]
    """The moment each answered; `NEVER` if nobody knows."""
    process: Sequence[int | str]
    successors: list[list[int]] = field(default_factory=list)
    """By vertex: `target << KIND_BITS | kind`."""

    def __post_init__(self) -> None:
        self.successors = [[] for _ in self.call]

    @property
    def count(self) -> int:
        """How many transactions there are; vertices from here on are hubs."""
        return len(self.call)

    def add(self, before: int, after: int, kind: int) -> None:
        """Say that `before` must come before `after`; a transaction is never before itself."""
        if before != after:
            self.successors[before].append(after << KIND_BITS | kind)

    def add_all(self, before: Sequence[int], after: Sequence[int], kind: int) -> None:
        """Say that all of `before` must come before all of `after`, each but before itself.

        Those in both are joined in a ring, which is less than all pairs and has a cycle all the
        same. `before` and `after` hold nothing twice.
        """
        if len(before) * len(after) <= 2 * (len(before) + len(after)):
            for source in before:
                for target in after:
                    self.add(source, target, kind)
            return
        targets = frozenset(after)
        both = [vertex for vertex in before if vertex in targets]
        sources_in_both = frozenset(both)
        only_before = [vertex for vertex in before if vertex not in targets]
        only_after = [vertex for vertex in after if vertex not in sources_in_both]
        self._through_hub(only_before, after, kind)
        self._through_hub(both, only_after, kind)
        if len(both) > 1:
            for source, target in pairwise([*both, both[0]]):
                self.add(source, target, kind)

    def _through_hub(self, before: Sequence[int], after: Sequence[int], kind: int) -> None:
        if not before or not after:
            return
        hub = len(self.successors)
        self.successors.append([target << KIND_BITS | JOIN for target in after])
        for source in before:
            self.successors[source].append(hub << KIND_BITS | kind)


def cyclic_part(dependencies: Dependencies) -> list[int]:
    """Return the vertices, rising, that peeling from both ends leaves, real time included.

    Every cycle is among them; none, if there is none.
    """
    left = _peeled_from_the_start(dependencies)
    return _peeled_from_the_end(dependencies, left) if left else left


def _peeled_from_the_start(dependencies: Dependencies) -> list[int]:  # noqa: C901 - hot
    """Return what stays when everything that has nothing left before it is taken away.

    A transaction also has before it whatever returned before its call: it may go only if its call
    is not later than the earliest return that is left. Numbers follow calls, so if the lowest of
    those that data sets free must wait, all must.
    """
    successors, call, ret = dependencies.successors, dependencies.call, dependencies.ret
    count, total = dependencies.count, len(dependencies.successors)
    waits_for = [0] * total
    for edges in successors:
        for edge in edges:
            waits_for[edge >> KIND_BITS] += 1
    gone = bytearray(total)
    by_return = sorted(range(count), key=ret.__getitem__)
    earliest = 0
    # A hub waits for nobody's return: a number below all others takes it out first.
    free = [vertex for vertex in range(count) if not waits_for[vertex]]
    while free:
        vertex = abs(free[0])
        if vertex < count:
            while gone[by_return[earliest]]:
                earliest += 1
            if call[vertex] > ret[by_return[earliest]]:
                break
        heapq.heappop(free)
        gone[vertex] = 1
        for edge in successors[vertex]:
            target = edge >> KIND_BITS
            waits_for[target] -= 1
            if not waits_for[target]:
                heapq.heappush(free, target if target < count else -target)
    return [vertex for vertex in range(total) if not gone[vertex]]


def _peeled_from_the_end(  # noqa: C901 - hot
    dependencies: Dependencies, left: Sequence[int]
) -> list[int]:
    """Return what stays of `left` when all that has nothing left after it is taken away."""
    call, ret, count = dependencies.call, dependencies.ret, dependencies.count
    staying = bytearray(len(dependencies.successors))
    for vertex in left:
        staying[vertex] = 1
    predecessors: dict[int, list[int]] = {vertex: [] for vertex in left}
    holds_up = dict.fromkeys(left, 0)
    for vertex in left:
        for edge in dependencies.successors[vertex]:
            target = edge >> KIND_BITS
            if staying[target]:
                predecessors[target].append(vertex)
                holds_up[vertex] += 1
    transactions = [vertex for vertex in left if vertex < count]
    # Hubs first, then by return, the latest first: the mirror image of the other direction.
    free = [(_late(ret, count, v), v) for v in left if not holds_up[v]]
    heapq.heapify(free)
    while free:
        _, vertex = free[0]
        if vertex < count:
            while transactions and not staying[transactions[-1]]:
                transactions.pop()
            if ret[vertex] < call[transactions[-1]]:
                break
        heapq.heappop(free)
        staying[vertex] = 0
        for source in predecessors[vertex]:
            holds_up[source] -= 1
            if not holds_up[source]:
                heapq.heappush(free, (_late(ret, count, source), source))
    return [vertex for vertex in left if staying[vertex]]


def _late(ret: Sequence[int], count: int, vertex: int) -> int:
    return -ret[vertex] if vertex < count else -NEVER - 1


@dataclass(slots=True)
class Core:
    """A part of the transactions with all that orders them, real time and processes spelt out.

    Vertices are numbered anew: transactions and hubs first, in the order of the dependencies,
    then the chain of real time.
    """

    origin: list[int]
    """By vertex: its number in the dependencies; that of a transaction is below their count."""
    successors: list[list[int]]
    count: int
    """How many transactions the dependencies have in all."""

    def is_transaction(self, vertex: int) -> bool:
        """Say whether `vertex` is a transaction, not a hub or a link of the chain."""
        return 0 <= self.origin[vertex] < self.count


def core_of(dependencies: Dependencies, members: Sequence[int]) -> Core:
    """Return `members` of the dependencies and the edges among them."""
    number = {member: place for place, member in enumerate(members)}
    successors: list[list[int]] = []
    for member in members:
        edges = dependencies.successors[member]
        successors.append(
            [
                number[target] << KIND_BITS | edge & KIND_MASK
                for edge in edges
                if (target := edge >> KIND_BITS) in number
            ]
        )
    origin = list(members)
    core = Core(origin, successors, dependencies.count)
    transactions = [place for place, member in enumerate(members) if member < dependencies.count]
    _add_processes(dependencies, core, transactions)
    _add_real_time(dependencies, core, transactions)
    return core


def _add_processes(dependencies: Dependencies, core: Core, transactions: Iterable[int]) -> None:
    latest: dict[int | str, int] = {}
    for place in transactions:
        process = dependencies.process[core.origin[place]]
        earlier = latest.get(process)
        if earlier is not None:
            core.successors[earlier].append(place << KIND_BITS | PROCESS)
        latest[process] = place


def _add_real_time(dependencies: Dependencies, core: Core, transactions: Sequence[int]) -> None:
    """Add the chain: one link for each return; a call hangs on the last link before it."""
    call, ret, origin = dependencies.call, dependencies.ret, core.origin
    returned = sorted(
        (ret[origin[place]], place) for place in transactions if ret[origin[place]] < NEVER
    )
    first_link = len(origin)
    moments = [moment for moment, _ in returned]
    for offset, (_, place) in enumerate(returned):
        link = first_link + offset
        core.successors[place].append(link << KIND_BITS | REALTIME)
        following = [link + 1 << KIND_BITS | JOIN] if offset + 1 < len(returned) else []
        core.successors.append(following)
        origin.append(-1)
    for place in transactions:
        before = bisect_left(moments, call[origin[place]])
        if before:
            core.successors[first_link + before - 1].append(place << KIND_BITS | JOIN)
