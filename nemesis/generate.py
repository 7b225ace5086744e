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

from nemesis.fault import (
    MILLISECOND,
    Aim,
    Aimed,
    Delay,
    Divided,
    Duplicate,
    Fault,
    LinkChoice,
    Lose,
    Partition,
    Pause,
    Reorder,
    Restart,
    Tail,
    Topology,
)
from nemesis.packages import Package
from nemesis.schedule import Asked, At, Schedule, Stream

HOLD_NS_MIN: Final = 10 * MILLISECOND
"""The shortest kill, pause or partition. With less time left, none begins."""

SETTING_NS_MIN: Final = 100 * MILLISECOND
"""The shortest loss, delay, ...: long enough that messages meet it."""

HOLD_NS_MAX: Final = 3_000 * MILLISECOND
BURST_GAP_NS_MAX: Final = 30 * MILLISECOND
"""Between two faults of one burst: within an election."""

IDS_PER_PACKAGE: Final = 100_000
"""Faults that one package may ask for in one schedule; also the distance of its ids."""

SETTINGS: Final = (Package.LOSS, Package.DELAY, Package.DUPLICATE, Package.REORDER)
"""Packages whose faults carry a setting, and so do not overlap their own kind."""

DAEMON_PACKAGES: Final = (Package.KILL, Package.POWER, Package.PAUSE)
"""Packages that need no links."""


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
    """Return a schedule in which every fault has ended after `duration_ns`.

    Each package strikes about every `interval_ns` on average, more or less by its temper;
    it draws from `stream("nemesis/<package>")` alone. Faults of links that carry a setting
    (loss, delay, ...) do not overlap faults of their own package; all others may. A
    cluster of one node has no links, and gets no faults of links.
    """
    asked: list[Asked] = []
    for package in packages:
        if len(nodes) > 1 or package in DAEMON_PACKAGES:
            asked += _of_package(package, stream, len(nodes), duration_ns, interval_ns)
    asked.sort(key=_begins)
    return Schedule(seed=seed, asked=tuple(asked))


def _begins(asked: Asked) -> tuple[int, int]:
    assert isinstance(asked.moment, At), "generated faults begin at a time"
    return asked.moment.at_ns, asked.id


def _of_package(
    package: Package, stream: Stream, node_count: int, duration_ns: int, interval_ns: int
) -> Iterator[Asked]:
    """Yield the faults of one package in the order in which they begin."""
    random = stream(f"nemesis/{package}")
    temper = _draw_temper(random, interval_ns)
    first_id = 1 + IDS_PER_PACKAGE * list(Package).index(package)
    is_setting = package in SETTINGS
    shortest_ns = SETTING_NS_MIN if is_setting else HOLD_NS_MIN
    at_ns = _gap_ns(random, temper.interval_ns)
    for id_ in range(first_id, first_id + IDS_PER_PACKAGE):
        left_ns = duration_ns - at_ns
        if left_ns < shortest_ns:
            return
        hold_ns = min(_log_uniform_ns(random, shortest_ns, temper.hold_ns_max), left_ns)
        fault = _draw_fault(package, random, temper, node_count, hold_ns)
        yield Asked(id=id_, moment=At(at_ns), fault=fault)
        if is_setting:
            at_ns += hold_ns + _gap_ns(random, temper.interval_ns)
        elif random.random() < temper.burst_probability:
            at_ns += _log_uniform_ns(random, MILLISECOND, BURST_GAP_NS_MAX)
        else:
            at_ns += _gap_ns(random, temper.interval_ns)


def _draw_temper(random: Random, interval_ns: int) -> Temper:
    return Temper(
        interval_ns=interval_ns * math.exp(random.uniform(math.log(0.5), math.log(2.0))),
        burst_probability=random.choice((0.0, 0.1, 0.4)),
        leader_probability=random.choice((0.2, 0.5, 0.8)),
        hold_ns_max=random.choice((HOLD_NS_MAX / 10, HOLD_NS_MAX)),
    )


def _draw_fault(  # noqa: C901, PLR0911 (one case, one return per package)
    package: Package, random: Random, temper: Temper, node_count: int, hold_ns: int
) -> Fault:
    target = _draw_target(random, temper, node_count)
    around = Aimed(Aim.AROUND, target)
    match package:
        case Package.KILL:
            return Restart(target=target, tail=Tail.KEPT, down_ns=hold_ns)
        case Package.POWER:
            tail = random.choice((Tail.LOST, Tail.TORN))
            return Restart(target=target, tail=tail, down_ns=hold_ns)
        case Package.PAUSE:
            return Pause(target=target, hold_ns=hold_ns)
        case Package.PARTITION:
            links = _draw_division(random, target, node_count)
            return Partition(links=links, hold_ns=hold_ns)
        case Package.LOSS:
            return Lose(links=around, probability=_draw_probability(random), hold_ns=hold_ns)
        case Package.DELAY:
            latency = _log_uniform_ns(random, MILLISECOND, 1_000 * MILLISECOND)
            jitter = random.choice((0, latency // 4, latency))
            return Delay(links=around, latency_ns=latency, jitter_ns=jitter, hold_ns=hold_ns)
        case Package.DUPLICATE:
            return Duplicate(links=around, probability=_draw_probability(random), hold_ns=hold_ns)
        case Package.REORDER:
            window = _log_uniform_ns(random, MILLISECOND, 200 * MILLISECOND)
            probability = _draw_probability(random)
            return Reorder(links=around, probability=probability, window_ns=window, hold_ns=hold_ns)
        case _:
            assert_never(package)


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


def _draw_division(random: Random, target: str, node_count: int) -> LinkChoice:
    """Return a partition of the whole, or of the target from the rest, as the size allows."""
    divisions: list[Topology] = [Topology.HALVES]
    if node_count >= 3:
        divisions.append(Topology.BRIDGE)
    if node_count >= 4:
        divisions.append(Topology.MAJORITY_RING)
    aim = random.choice((None, Aim.ISOLATE, Aim.ONE_WAY_OUT, Aim.ONE_WAY_IN))
    division = random.choice(divisions)
    if aim is None:
        return Divided(division)
    if target == "all" or (target == "majority" and node_count == 2):
        target = "one"  # all nodes have nobody to be cut off from
    return Aimed(aim, target)


def _draw_probability(random: Random) -> float:
    """Return a probability from slight to severe."""
    return random.choice((0.05, 0.2, 0.5, 0.9))


def _gap_ns(random: Random, mean_ns: float) -> int:
    """Return an exponential gap, in whole microseconds."""
    return _whole_us(random.expovariate(1 / mean_ns))


def _log_uniform_ns(random: Random, least: float, most: float) -> int:
    """Return a duration between the two, every order of magnitude equally likely."""
    return _whole_us(math.exp(random.uniform(math.log(least), math.log(most))))


def _whole_us(nanoseconds: float) -> int:
    """Round to microseconds, so that the last bit of a logarithm never shows."""
    return round(nanoseconds / 1_000) * 1_000
