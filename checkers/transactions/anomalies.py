"""Cycles by name: G0, G1c, G-single, G-nonadjacent, G2-item, with processes and with real time.

Adya 1999 names them by what the cycle is made of; G-nonadjacent, no two `RW` in a row, is what
snapshot isolation forbids (Cerone & Gotsman 2016). All dependencies here are on items, none on
predicates. `-process` and `-realtime` mean that the cycle would be none without what one client
did in turn, or without what had returned before something else began.

From bad to subtle, and what is a case of something found already is not looked for: whoever has a
G0 learns nothing from a G2.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from checkers.transactions.consistency import implied
from checkers.transactions.cycles import Budget, Search, Step, shortest_cycle
from checkers.transactions.graph import (
    ORDER,
    PROCESS,
    REALTIME,
    RW,
    WR,
    WW,
    Core,
    Dependencies,
    core_of,
)

_DATA: Final = WW | WR

_SEARCHES: Final = (
    ("G0", Search(WW, WW)),
    ("G1c", Search(WR, _DATA)),
    ("G-single-item", Search(RW, _DATA)),
    ("G-nonadjacent-item", Search(RW, _DATA, is_spaced=True)),
    ("G2-item", Search(RW | ORDER, _DATA | RW | ORDER)),
)

_ANYTHING: Final = Search(_DATA | RW | ORDER, _DATA | RW | ORDER, time=PROCESS | REALTIME)

_EASY: Final = 3
"""Transactions of a cycle that anybody can follow."""

_VARIANTS: Final = (("", 0), ("-process", PROCESS), ("-realtime", PROCESS | REALTIME))


class Finding(msgspec.Struct, frozen=True):
    """An anomaly that is no cycle: something was read that no order of anything explains."""

    anomaly: str
    numbers: tuple[int, ...]
    """The transactions concerned, rising; those that failed are not among them."""
    story: str
    """One sentence; transactions are named by op: `op 12`."""


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """Transactions each of which must come before the next, and the last before the first."""

    anomaly: str
    steps: tuple[Step, ...]


class Cycles(msgspec.Struct, frozen=True):
    """What was found, worst first, and what may have been missed."""

    found: tuple[Cycle, ...]
    given_up: tuple[str, ...]
    """Anomalies whose search ran out of budget; there may be some, or not."""


def find_cycles(dependencies: Dependencies, cyclic: Sequence[int], steps_max: int) -> Cycles:
    """Return one shortest cycle of each kind; a step is an edge looked at.

    If all of them are long, the shortest of any kind is added, for people.

    `cyclic` is what `graph.cyclic_part` left of the dependencies.

    That there is no cycle of any kind is certain; so is G-nonadjacent, G0, G1c and G2. G-single is
    searched for one `RW` after the other, and may be given up.
    """
    if not cyclic:
        return Cycles((), ())
    core = core_of(dependencies, cyclic)
    found: list[Cycle] = []
    given_up: list[str] = []
    for ending, time in _VARIANTS:
        for name, search in _SEARCHES:
            if name + ending in [general for cycle in found for general in implied(cycle.anomaly)]:
                continue
            budget = Budget(steps_max)
            steps = shortest_cycle(core, search.with_time(time), budget)
            if steps is not None:
                found.append(Cycle(name_of(steps), tuple(steps)))
            elif budget.left < 0:
                given_up.append(name + ending)
    found += _easier(core, found, steps_max)
    return Cycles(tuple(found), tuple(given_up))


def _easier(core: Core, found: Sequence[Cycle], steps_max: int) -> list[Cycle]:
    """Return, if all cycles found are long, one of any kind that is shorter."""
    shortest = min((len(cycle.steps) for cycle in found), default=0)
    if shortest <= _EASY:
        return []
    steps = shortest_cycle(core, _ANYTHING, Budget(steps_max))
    if steps is None or len(steps) >= shortest:
        return []
    return [Cycle(name_of(steps), tuple(steps))]


def name_of(steps: Sequence[Step]) -> str:
    """Return the name of a cycle, by what it is made of.

    A step by `ORDER` may stand for a way back by `RW`: whoever uses it proves no more than G2.
    """
    kinds = [step.kind for step in steps]
    antidependencies = [kind & (RW | ORDER) for kind in kinds]
    count = sum(1 for kind in antidependencies if kind)
    if any(kind & ORDER for kind in kinds):
        base = "G2-item"
    elif count == 1:
        base = "G-single-item"
    elif count:
        pairs = zip(antidependencies, [*antidependencies[1:], antidependencies[0]], strict=True)
        is_adjacent = any(kind and following for kind, following in pairs)
        base = "G2-item" if is_adjacent else "G-nonadjacent-item"
    else:
        base = "G1c" if any(kind & WR for kind in kinds) else "G0"
    if any(kind & REALTIME for kind in kinds):
        return base + "-realtime"
    return base + "-process" if any(kind & PROCESS for kind in kinds) else base
