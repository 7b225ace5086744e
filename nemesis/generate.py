"""Schedules drawn from a seed, swarm-style.

Every seed has a temper of its own for each package: how often it strikes, how often in
bursts, how often it aims at the leader. Groce et al. 2012 (swarm testing) found that such
runs, each lopsided in its own way, reach states that an even mixture never does. Gaps are
exponential and holds log-uniform, so that faults both shorter and longer than an election
timeout are common.

Each package draws from a stream of its own and numbers its faults from a range of its
own, so taking a package away leaves the faults of the others unchanged.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, assert_never

from nemesis.chance import HOLD_NS_MAX, Chance, log_uniform_ns, whole_us
from nemesis.durations import MILLISECOND
from nemesis.faults.registry import DRAWINGS, Drawing
from nemesis.packages import Package
from nemesis.schedule import Asked, At, BecomesRole, ObservedRole, Schedule, Stream, When
from nemesis.targets import TRIGGER_NODE

HOLD_NS_MIN: Final = 10 * MILLISECOND
"""The shortest kill, pause or partition. With less time left, none begins."""

CONDITION_NS_MIN: Final = 100 * MILLISECOND
"""The shortest loss, delay, slow disk, ...: long enough that messages or writes meet it."""

BURST_GAP_NS_MAX: Final = 30 * MILLISECOND
"""Between two faults of one burst: within an election."""

LEADERS_STRUCK: Final = (0.3, 0.7, 1.0)
"""The share of leaders that are struck, besides the first one, who always is."""

LEADERS_STRUCK_AGAIN: Final = (0.0, 0.5, 0.9)
"""How likely it is that one that was struck is struck again, and again."""

LEADERS_MAX: Final = 100
"""The last leader that is struck: then leaders are left alone, and requests are answered."""

LEADER_DELAY_NS_MAX: Final = 1_000 * MILLISECOND
"""The longest that a leader is left alone before a fault; the shortest is a millisecond."""

LEADER_HOLDS_NS_MAX: Final = (600 * MILLISECOND, HOLD_NS_MAX)
"""The longest that a leader is struck: about an election, or long behind it."""

IDS_PER_PACKAGE: Final = 100_000
"""Faults that one package may ask for in one schedule; also the distance of its ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How one package behaves throughout one schedule."""

    interval_ns: float
    """Mean gap between faults that are not of one burst."""
    burst_probability: float
    """How likely a fault is followed by another at once."""
    leader_probability: float
    """How likely a fault aims at the leader."""
    hold_ns_max: float


def generate(
    stream: Stream,
    packages: Sequence[Package],
    nodes: Sequence[str],
    *,
    seed: int,
    duration_ns: int,
    interval_ns: int,
) -> Schedule:
    """Return a schedule in which every fault that begins at a time has ended after `duration_ns`.

    Those that wait for a leader are in force, or still wait, as the elections have it. Each
    other package strikes about every `interval_ns` on average, more or less by its temper;
    it draws from `stream("nemesis/<package>")` alone. Conditions (loss, slow disks, ...)
    leave calm between faults of their own package; all others may overlap. A cluster of one
    node has no links, and gets no faults of links.
    """
    asked: list[Asked] = []
    for package in packages:
        drawing = DRAWINGS[package]
        if len(nodes) == 1 and drawing.needs_links:
            continue
        if drawing.upon_leader:
            asked += _upon_leaders(package, stream, nodes, duration_ns)
        else:
            asked += _of_package(package, stream, nodes, duration_ns, interval_ns)
    asked.sort(key=_begins)
    return Schedule(seed=seed, asked=tuple(asked))


def _begins(asked: Asked) -> tuple[int, int, int]:
    """Order those of a time by it, and what waits for an election behind them."""
    match asked.moment:
        case At(at_ns):
            return 0, at_ns, asked.id
        case When():
            return 1, 0, asked.id
        case _:
            assert_never(asked.moment)


def _of_package(
    package: Package, stream: Stream, nodes: Sequence[str], duration_ns: int, interval_ns: int
) -> Iterator[Asked]:
    """Yield the faults of one package in the order in which they begin."""
    random = stream(f"nemesis/{package}")
    temper = _draw_temper(random, interval_ns)
    first_id = _first_id(package)
    drawing = DRAWINGS[package]
    shortest_ns = CONDITION_NS_MIN if drawing.is_condition else HOLD_NS_MIN
    at_ns = _gap_ns(random, temper.interval_ns)
    for id_ in range(first_id, first_id + IDS_PER_PACKAGE):
        left_ns = duration_ns - at_ns
        if left_ns < shortest_ns:
            return
        hold_ns = min(log_uniform_ns(random, shortest_ns, temper.hold_ns_max), left_ns)
        chance = Chance(
            random=random,
            nodes=nodes,
            target=_draw_target(random, temper, len(nodes)),
            hold_ns=hold_ns,
        )
        yield Asked(id=id_, moment=At(at_ns), fault=drawing.draw(chance))
        at_ns += _until_next_ns(random, temper, drawing, hold_ns)


def _upon_leaders(
    package: Package, stream: Stream, nodes: Sequence[str], duration_ns: int
) -> Iterator[Asked]:
    """Yield the faults of one package that meet new leaders, election by election.

    Who was struck may be struck again: too short a fault leaves it leader, and one that was
    deposed comes back with what nobody else has.
    """
    if duration_ns < HOLD_NS_MIN:
        return
    random = stream(f"nemesis/{package}")
    struck = random.choice(LEADERS_STRUCK)
    again = random.choice(LEADERS_STRUCK_AGAIN)
    hold_ns_max = min(random.choice(LEADER_HOLDS_NS_MAX), duration_ns)
    id_ = _first_id(package)
    for nth in range(1, LEADERS_MAX + 1):
        leads = BecomesRole(role=ObservedRole.LEADER, nth=nth)
        delay_ns, is_struck = 0, random.random() < struck or nth == 1  # else none may follow
        while is_struck and delay_ns < duration_ns:
            delay_ns += log_uniform_ns(random, MILLISECOND, LEADER_DELAY_NS_MAX)
            hold_ns = log_uniform_ns(random, HOLD_NS_MIN, hold_ns_max)
            chance = Chance(random=random, nodes=nodes, target=TRIGGER_NODE, hold_ns=hold_ns)
            fault = DRAWINGS[package].draw(chance)
            yield Asked(id=id_, moment=When(leads, delay_ns), fault=fault)
            id_, delay_ns = id_ + 1, delay_ns + hold_ns
            is_struck = random.random() < again


def _first_id(package: Package) -> int:
    return 1 + IDS_PER_PACKAGE * list(Package).index(package)


def _until_next_ns(random: Random, temper: Temper, drawing: Drawing, hold_ns: int) -> int:
    """Return the time from a fault's beginning to the next one's."""
    if drawing.is_condition:
        return hold_ns + _gap_ns(random, temper.interval_ns)
    if random.random() < temper.burst_probability:
        return log_uniform_ns(random, MILLISECOND, BURST_GAP_NS_MAX)
    return _gap_ns(random, temper.interval_ns)


def _draw_temper(random: Random, interval_ns: int) -> Temper:
    return Temper(
        interval_ns=interval_ns * math.exp(random.uniform(math.log(0.5), math.log(2.0))),
        burst_probability=random.choice((0.0, 0.1, 0.4)),
        leader_probability=random.choice((0.2, 0.5, 0.8)),
        hold_ns_max=random.choice((HOLD_NS_MAX / 10, HOLD_NS_MAX)),
    )


def _draw_target(random: Random, temper: Temper, node_count: int) -> str:
    """Return the leader as often as the temper likes, else any other word that means a node."""
    if random.random() < temper.leader_probability:
        return "leader"
    words = ["one", "one", "one", "majority", "all"]
    if node_count >= 2:
        words.append("followers")
    if node_count >= 3:
        words += ["minority", "minority"]
    return random.choice(words)


def _gap_ns(random: Random, mean_ns: float) -> int:
    """Return an exponential gap, in whole microseconds."""
    return whole_us(random.expovariate(1 / mean_ns))
