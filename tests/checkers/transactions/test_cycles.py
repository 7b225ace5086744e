"""Peeling, components and shortest cycles against networkx, on random graphs."""

from itertools import pairwise
from random import Random

import networkx as nx
import pytest

from checkers.transactions.anomalies import find_cycles
from checkers.transactions.cycles import Budget, Search, components, shortest_cycle
from checkers.transactions.graph import (
    KIND_BITS,
    NEVER,
    RW,
    WR,
    WW,
    Dependencies,
    core_of,
    cyclic_part,
)


def random_dependencies(random: Random) -> Dependencies:
    """Return some transactions, overlapping at random, with a few edges, mostly forwards."""
    count = 2 + int(random.random() * 8)
    moments = random.sample(range(4 * count), 2 * count)
    spans = sorted((min(pair), max(pair)) for pair in pairwise([*moments, moments[0]]))[:count]
    ret = [NEVER if random.random() < 0.2 else end for _, end in spans]
    dependencies = Dependencies([start for start, _ in spans], ret, list(range(count)))
    for _ in range(int(random.random() * 2 * count)):
        one, other = sorted(random.sample(range(count), 2))
        if random.random() < 0.3:
            one, other = other, one
        dependencies.add(one, other, random.choice([WW, WR, RW]))
    if random.random() < 0.5:
        group = random.sample(range(count), count)
        cut = 1 + int(random.random() * (count - 1))
        dependencies.add_all(group[:cut], group[max(0, cut - 1) :], RW)
    return dependencies


def all_edges(dependencies: Dependencies) -> list[tuple[int, int]]:
    """Return every edge, real time spelt out, pair by pair."""
    pairs = [
        (vertex, edge >> KIND_BITS)
        for vertex, edges in enumerate(dependencies.successors)
        for edge in edges
    ]
    call, ret, numbers = dependencies.call, dependencies.ret, range(dependencies.count)
    return [*pairs, *((one, two) for one in numbers for two in numbers if ret[one] < call[two])]


@pytest.mark.parametrize("seed", range(100))
def test_peeling_leaves_what_is_on_cycles_and_between_them(seed: int) -> None:
    dependencies = random_dependencies(Random(seed))
    graph = nx.DiGraph(all_edges(dependencies))
    on_cycles = [v for scc in nx.strongly_connected_components(graph) if len(scc) > 1 for v in scc]
    expected = [
        vertex
        for vertex in sorted(graph)
        if any(vertex == v or nx.has_path(graph, v, vertex) for v in on_cycles)
        and any(vertex == v or nx.has_path(graph, vertex, v) for v in on_cycles)
    ]

    assert cyclic_part(dependencies) == expected


@pytest.mark.parametrize("seed", range(100))
def test_components_are_those_of_networkx(seed: int) -> None:
    random = Random(seed)
    size = 1 + int(random.random() * 12)
    edges = [(random.randrange(size), random.randrange(size)) for _ in range(2 * size)]
    edges = [(one, other) for one, other in edges if one != other]
    successors: list[list[int]] = [[] for _ in range(size)]
    for one, other in edges:
        successors[one].append(other << KIND_BITS | WW)
    graph = nx.DiGraph(edges)
    expected = sorted(
        sorted(scc) for scc in nx.strongly_connected_components(graph) if len(scc) > 1
    )

    found = components(successors, WW)

    groups: dict[int, list[int]] = {}
    for vertex, component in enumerate(found):
        if component >= 0:
            groups.setdefault(component, []).append(vertex)
    assert sorted(groups.values()) == expected


@pytest.mark.parametrize("seed", range(100))
def test_no_cycle_is_shorter_than_the_one_that_is_found(seed: int) -> None:
    dependencies = random_dependencies(Random(seed))
    everything = list(range(len(dependencies.successors)))
    core = core_of(dependencies, everything)
    lengths = [
        sum(1 for vertex in cycle if vertex < dependencies.count)
        for cycle in nx.simple_cycles(nx.DiGraph(all_edges(without_time(dependencies))))
    ]

    found = shortest_cycle(core, Search(WW | WR | RW, WW | WR | RW), Budget(100_000))

    assert (len(found) if found else None) == min(lengths, default=None)


def without_time(dependencies: Dependencies) -> Dependencies:
    """Return the same edges among transactions that all overlap."""
    count = dependencies.count
    still = Dependencies([0] * count, [NEVER] * count, list(range(count)))
    still.successors = dependencies.successors
    return still


def test_a_search_without_budget_says_what_it_gave_up() -> None:
    # Ten in a row, each having read what a later one overwrote; the way back takes many steps.
    dependencies = Dependencies(list(range(10)), [NEVER] * 10, list(range(10)))
    for one, other in pairwise(range(10)):
        dependencies.add(one, other, RW)
        dependencies.add(other, one, RW)

    cycles = find_cycles(dependencies, cyclic_part(dependencies), steps_max=1)

    assert [cycle.anomaly for cycle in cycles.found] == ["G2-item"]
    assert "G-single-item" in cycles.given_up
